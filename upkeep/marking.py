"""Marking: from the versions that are kept, through their documents, to every object that they need.

A reference to an entry of another version keeps nothing of that version: who deletes it has deleted it for them, too.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence

from ..catalog import ObjectInfo, State
from ..catalog.upkept import Kept
from ..errors import LadingError, ManifestError, NotFoundError
from ..manifest.digest import Algorithm, Label
from ..manifest.document import decode_index
from ..manifest.entry import Entries, has_tree_digest
from ..manifest.keys import manifest_key, receipt_key
from ..manifest.pages import PageRef, decode_page
from ..store.threads import in_thread
from .keeper import Keeper
from .marks import Marks

PAGE = 500  # versions that are asked for at a time
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
        place = version.place
        self.marks.keep_receipt(receipt_key(place.entity, place.project, place.collection, place.index))
        try:
            await self._mark_document(version)
        except (NotFoundError, ManifestError) as error:
            if version.state is State.COMMITTED:
                self.unreadable(version, error)
            # What a deleted one needs cannot be read by anybody any more.

    async def _mark_document(self, version: Kept) -> None:
        algorithm = Label(version.digest_algorithm).algorithm
        index = ObjectInfo(algorithm, version.document, 0, "manifest")
        if self.marks.is_marked(version.entity_id, index):
            return
        data = await self.keeper.read(manifest_key(version.entity_id, algorithm, version.document))
        found = await in_thread(lambda: decode_index(data, version.document))
        for page in found.pages:
            await self._mark_page(version.entity_id, algorithm, page)
        self.marks.mark(version.entity_id, [index])  # last: whoever finds it marked finds all of it marked

    async def _mark_page(self, entity_id: str, algorithm: Algorithm, page: PageRef) -> None:
        info = ObjectInfo(algorithm, page.digest, 0, "manifest")
        if self.marks.is_marked(entity_id, info):
            return
        data = await self.keeper.read(manifest_key(entity_id, algorithm, page.digest))
        entries = await in_thread(functools.partial(decode_page, data, page, algorithm))
        await in_thread(lambda: self.marks.mark(entity_id, [*_needed(entries, algorithm), info]))


def _give_up(version: Kept, error: LadingError) -> None:
    raise ManifestError(
        f"what {version.place} needs is not known, so nothing was freed: {error.message}",
        hint=f"lading verify --store --repair, then log it again, or delete it: lading rm {version.place} --delete-aliases",
    ) from error


def _needed(entries: Entries, algorithm: Algorithm) -> list[ObjectInfo]:
    """The objects that hold the content of these entries."""
    stored = [entry for entry in entries.values() if has_tree_digest(entry)]
    return [ObjectInfo(algorithm, entry.place.pack if entry.place else entry.digest, entry.size or 0) for entry in stored]
