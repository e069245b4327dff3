"""Sending: the part of a log that brings bytes into the store, and tells the catalogue once they are durable."""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from ..catalog import ObjectInfo, Version, WriteSession
from ..errors import StoreError
from ..manifest.document import Document, build_document
from ..manifest.entry import Entry, has_tree_digest
from ..manifest.manifest import Manifest
from ..transfer.ahead import Ahead
from ..transfer.plan import SendItem, manifest_key, object_key
from ..transfer.progress import Meter
from ..transfer.send import send
from .asking import ask
from .draft import Draft, Source
from .mending import clear_bad, clear_bad_document
from .references.authorising import authorise, check_there
from .workspace import Workspace

FLUSH_EVERY = 5.0  # seconds: what a kill in the middle of a long log costs at most
ASK_AT_ONCE = 50_000  # each question holds the catalogue's write lock


class Load(Struct, frozen=True):
    """What a version shall hold: the local files behind its entries, the version that other stored entries come from, and what
    went ahead of the files."""

    manifest: Manifest
    sources: Mapping[str, Source]
    base: Version | None = None
    ahead: Ahead | None = None


class Sending(Struct):
    """Sends what the entity does not store yet. `pending` lies in the store and is not flushed."""

    workspace: Workspace
    load: Load
    session: WriteSession
    meter: Meter
    pending: list[ObjectInfo] = field(default_factory=list[ObjectInfo])
    keys: list[str] = field(default_factory=list[str])
    fetched: list[Draft] = field(default_factory=list[Draft])  # whose files live as long as this
    flushed_at: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    needed: Mapping[str, str] = field(default_factory=dict[str, str])  # versions that it refers to, each with a path of it

    async def authorise(self) -> None:
        """See that what it refers to may be referred to. Raise as `references.authorising`."""
        self.needed = await authorise(self.workspace, self.load.manifest.entries, self.load.base, self.session.entity_id)

    async def check_references(self) -> None:
        """See that it still is there. Comes last before a commit: from then on the version itself keeps it."""
        await check_there(self.workspace, self.needed)

    async def send_files(self) -> None:
        """The content of every file, each once."""
        items = await asyncio.to_thread(self._items, self.load.sources.values())
        objects = await asyncio.to_thread(self._objects, list(items.values()))
        missing = [items[digest] for digest in await self._unknown(objects)]
        missing += await self._of_base(items)
        await clear_bad(self.workspace, self.session.entity_id, missing, self.load.manifest.algorithm)
        await asyncio.to_thread(self._count_reused, missing)
        engine, algorithm = self.workspace.engine, self.load.manifest.algorithm
        await send(engine, missing, algorithm, meter=self.meter, landed=self._landed, ahead=self.load.ahead)
        if self.load.ahead:  # the rest is stored by others, and takes a while to remove
            await asyncio.to_thread(self.load.ahead.discard)

    def _items(self, sources: Iterable[Source]) -> dict[str, SendItem]:
        """One item for each content, by digest."""
        algorithm, entity_id = self.load.manifest.algorithm, self.session.entity_id
        return {
            source.hashed.digest: SendItem(source.file, source.hashed, object_key(entity_id, algorithm, source.hashed.digest))
            for source in sources
        }

    def _objects(self, items: Sequence[SendItem]) -> list[ObjectInfo]:
        algorithm = self.load.manifest.algorithm
        return [ObjectInfo(algorithm, item.hashed.digest, item.size) for item in items]

    async def _of_base(self, items: Mapping[str, SendItem]) -> list[SendItem]:
        """What of the base's content the entity does not store: it is another's, or was found bad. Fetched, to be sent."""
        kept = await asyncio.to_thread(self._kept, items)
        algorithm = self.load.manifest.algorithm
        objects = [ObjectInfo(algorithm, entry.digest, entry.size or 0) for _, entry in kept.values()]
        unknown = await self._unknown(objects)
        if not unknown:
            return []
        if self.load.base is None:
            raise StoreError(f"{kept[unknown[0]][0]}: not stored, and there is no local file of it", hint="add it again")
        from .download import download_entries

        draft = Draft(self.session.collection, self.load.manifest.digest_algorithm)
        root = draft.temporary_folder(self.workspace)
        self.fetched.append(draft)
        await download_entries(self.workspace, self.load.base, dict(kept[digest] for digest in unknown), root, Meter())
        for digest in unknown:
            path = kept[digest][0]
            await draft.add_file(
                self.workspace, os.path.join(root, path), path, is_tmp=False, policy="immutable", overwrite=False
            )
        return list(self._items(draft.sources.values()).values())

    def _kept(self, items: Mapping[str, SendItem]) -> dict[str, tuple[str, Entry]]:
        """Stored content without a local file: digest → one path, and its entry."""
        sources, entries = self.load.sources, self.load.manifest.entries
        if len(sources) == len(entries):
            return {}
        return {
            entry.digest: (path, entry)
            for path, entry in entries.items()
            if path not in sources and entry.digest not in items and has_tree_digest(entry)
        }

    def _count_reused(self, missing: Sequence[SendItem]) -> None:
        """All files but the one of each content that is sent are done already."""
        files = len(self.load.manifest) - len(missing)
        size = self.load.manifest.size() - sum(item.size for item in missing)
        self.meter.add(files_done=files, bytes_done=size, files_reused=files, bytes_reused=size)

    async def send_document(self) -> Document:
        """Pages that the entity stores already are not written again."""
        algorithm = self.load.manifest.algorithm
        document = build_document(self.load.manifest.entries, algorithm)
        while (page := await asyncio.to_thread(next, document.pages, None)) is not None:
            await self._put(ObjectInfo(algorithm, page.digest, len(page.data), "manifest"), page.data)
        index = document.index_encoded
        await self._put(ObjectInfo(algorithm, index.digest, len(index.data), "manifest"), index.data)
        return document

    async def _put(self, info: ObjectInfo, data: bytes) -> None:
        if not await self._unknown([info]):
            return
        key = manifest_key(self.session.entity_id, self.load.manifest.algorithm, info.digest)
        await clear_bad_document(self.workspace, self.session.entity_id, key, data)
        await self.workspace.engine.put_document(key, data)
        self.pending.append(info)
        self.keys.append(key)

    async def _unknown(self, objects: Sequence[ObjectInfo]) -> list[str]:
        unknown: list[str] = []
        for start in range(0, len(objects), ASK_AT_ONCE):
            some = objects[start : start + ASK_AT_ONCE]
            known = await ask(self.workspace, self.session, some)
            unknown.extend(info.digest for info in some if info.digest not in known)
        return unknown

    async def _landed(self, items: Sequence[SendItem]) -> None:
        self.pending.extend(self._objects(items))
        self.keys.extend(item.key for item in items)
        if time.monotonic() - self.flushed_at > FLUSH_EVERY and not self.lock.locked():
            await self.flush()

    async def flush(self) -> None:
        """Make durable what has landed, then say so in the catalogue: a later log needs none of it again."""
        async with self.lock:
            pending, keys = self.pending, self.keys
            self.pending, self.keys = [], []
            if keys:
                await self.workspace.persist(lambda: self.workspace.store.flush(keys))
            for start in range(0, len(pending), ASK_AT_ONCE):
                await self.workspace.catalog.stored(self.session, pending[start : start + ASK_AT_ONCE])
            self.flushed_at = time.monotonic()
