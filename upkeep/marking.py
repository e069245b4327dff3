"""Marking: from the versions that are kept, through their documents, to every object that they need.

An entry that refers to one of another version needs that one's content, and the document that leads to it. So of a version that
was deleted what is referred to stays, and nothing else of it, unless that is a value: which files it needs is not looked up, and
all of its version stay.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence

from ..catalog import ObjectInfo, State
from ..catalog.upkept import Kept
from ..errors import LadingError, ManifestError, NotFoundError
from ..manifest.digest import Algorithm, Label
from ..manifest.document import Index, decode_index, page_for
from ..manifest.entry import Entries, has_tree_digest
from ..manifest.keys import manifest_key, receipt_key
from ..manifest.pages import PageRef, decode_page
from ..manifest.targets import names_others, targets_of
from ..store.threads import in_thread
from .keeper import Keeper
from .marks import Marks

PAGE = 500  # versions that are asked for at a time
TARGETS = 50_000  # entries of other versions that are looked for at a time
AT_ONCE = 16  # of these whose documents are read at the same time


class Marker:
    """Marks what versions need. Each version and each page is read once. `unreadable` hears of committed versions whose document
    cannot be read, and may raise."""

    def __init__(self, keeper: Keeper, marks: Marks, unreadable: Callable[[Kept, LadingError], None] | None = None) -> None:
        self.keeper, self.marks = keeper, marks
        self.unreadable = unreadable or _give_up
        self.seen: set[str] = set()

    async def mark_all(self, trash: float) -> None:
        """Whatever is kept and was not marked yet. Raise `ManifestError` if a committed version's document cannot be read: then
        it is not known what is needed."""
        after: str | None = None
        while found := await self.keeper.catalog.kept(trash, after=after, limit=PAGE):
            await self.mark_some(found)
            after = found[-1].id
        while targets := await in_thread(lambda: self.marks.referred(TARGETS)):
            for version in await self.keeper.catalog.kept_by_id(list(targets)):
                await self._mark_targets(version, targets[version.id])

    async def mark_some(self, versions: Sequence[Kept]) -> None:
        """Those of these versions that were not marked yet."""
        todo = iter([each for each in versions if each.id not in self.seen])
        self.seen.update(each.id for each in versions)

        async def work() -> None:
            for version in todo:
                await self._mark(version)

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _mark(self, version: Kept) -> None:
        self.marks.keep_receipt(_receipt_of(version))
        try:
            await self._mark_document(version)
        except (NotFoundError, ManifestError) as error:
            if version.state is State.COMMITTED:
                self.unreadable(version, error)
            # What a deleted one needs cannot be read by anybody any more.

    async def _mark_document(self, version: Kept) -> None:
        algorithm, index = Label(version.digest_algorithm).algorithm, _index_of(version)
        if self.marks.is_settled(version.entity_id, index):
            return
        for page in (await self._index(version)).pages:
            await self._mark_page(version.entity_id, algorithm, page)
        self.marks.mark(version.entity_id, [index])
        self.marks.settle(version.entity_id, index)

    async def _mark_page(self, entity_id: str, algorithm: Algorithm, page: PageRef) -> None:
        info = _page_info(page, algorithm)
        if self.marks.is_settled(entity_id, info):
            return
        entries = await self._entries(entity_id, algorithm, page)
        await in_thread(lambda: self._mark_entries(entity_id, algorithm, entries))
        self.marks.mark(entity_id, [info])
        self.marks.settle(entity_id, info)

    async def _mark_targets(self, version: Kept, paths: Sequence[str]) -> None:
        """The entries under these paths, which others refer to, and what leads to them: the document whole, which is little, and
        the receipt, so that a catalogue that is made anew knows the version."""
        entity_id, algorithm, index = version.entity_id, Label(version.digest_algorithm).algorithm, _index_of(version)
        if self.marks.is_settled(entity_id, index):
            return
        try:
            found = await self._index(version)
            if any(map(names_others, paths)):
                await self._mark_document(version)
                paths = []
            wanted: dict[str, tuple[PageRef, list[str]]] = {}
            for path in paths:
                if (page := page_for(found, path)) is not None:
                    wanted.setdefault(page.digest, (page, []))[1].append(path)
            for page, some in wanted.values():
                entries = await self._entries(entity_id, algorithm, page)
                chosen = {path: entries[path] for path in some if path in entries}
                await in_thread(functools.partial(self._mark_entries, entity_id, algorithm, chosen))
        except (NotFoundError, ManifestError):
            return  # its content was freed before: nobody can read what is referred to any more
        self.marks.mark(entity_id, [index, *(_page_info(page, algorithm) for page in found.pages)])
        self.marks.keep_receipt(_receipt_of(version))

    def _mark_entries(self, entity_id: str, algorithm: Algorithm, entries: Entries) -> None:
        self.marks.mark(entity_id, _needed(entries, algorithm))
        self.marks.refer(targets_of(entries.values()))

    async def _index(self, version: Kept) -> Index:
        algorithm = Label(version.digest_algorithm).algorithm
        data = await self.keeper.read(manifest_key(version.entity_id, algorithm, version.document))
        return await in_thread(lambda: decode_index(data, version.document))

    async def _entries(self, entity_id: str, algorithm: Algorithm, page: PageRef) -> Entries:
        data = await self.keeper.read(manifest_key(entity_id, algorithm, page.digest))
        return await in_thread(lambda: decode_page(data, page, algorithm))


def _give_up(version: Kept, error: LadingError) -> None:
    raise ManifestError(
        f"what {version.place} needs is not known, so nothing was freed: {error.message}",
        hint=f"lading verify --store --repair, then log it again, or delete it: lading rm {version.place} --delete-aliases",
    ) from error


def _receipt_of(version: Kept) -> str:
    place = version.place
    return receipt_key(place.entity, place.project, place.collection, place.index)


def _index_of(version: Kept) -> ObjectInfo:
    return ObjectInfo(Label(version.digest_algorithm).algorithm, version.document, 0, "manifest")


def _page_info(page: PageRef, algorithm: Algorithm) -> ObjectInfo:
    return ObjectInfo(algorithm, page.digest, 0, "manifest")


def _needed(entries: Entries, algorithm: Algorithm) -> list[ObjectInfo]:
    """The objects that hold the content of these entries."""
    stored = [entry for entry in entries.values() if has_tree_digest(entry)]
    return [ObjectInfo(algorithm, entry.place.pack if entry.place else entry.digest, entry.size or 0) for entry in stored]
