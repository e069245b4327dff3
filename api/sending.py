"""Sending: the part of a log that brings bytes into the store, and tells the catalogue once they are durable."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..catalog import ObjectInfo, WriteSession
from ..manifest.document import Document, build_document
from ..transfer.plan import SendItem, manifest_key, object_key
from ..transfer.progress import Meter
from ..transfer.send import send
from .draft import Draft
from .workspace import Workspace

FLUSH_EVERY = 5.0  # seconds: what a kill in the middle of a long log costs at most
ASK_AT_ONCE = 50_000  # each question holds the catalogue's write lock


@dataclass(slots=True)
class Sending:
    """Sends what the entity does not store yet. `pending` lies in the store and is not flushed."""

    workspace: Workspace
    draft: Draft
    session: WriteSession
    meter: Meter
    pending: list[ObjectInfo] = field(default_factory=list[ObjectInfo])
    keys: list[str] = field(default_factory=list[str])
    flushed_at: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send_files(self) -> None:
        """The content of every file, each once."""
        items = await asyncio.to_thread(self._items)
        objects = await asyncio.to_thread(self._objects, list(items.values()))
        missing = [items[digest] for digest in await self._unknown(objects)]
        await asyncio.to_thread(self._count_reused, missing)
        await send(self.workspace.engine, missing, self.draft.manifest.algorithm, meter=self.meter, landed=self._landed)

    def _items(self) -> dict[str, SendItem]:
        """One item for each content, by digest."""
        algorithm, entity_id = self.draft.manifest.algorithm, self.session.entity_id
        return {
            source.hashed.digest: SendItem(source.file, source.hashed, object_key(entity_id, algorithm, source.hashed.digest))
            for source in self.draft.sources.values()
        }

    def _objects(self, items: Sequence[SendItem]) -> list[ObjectInfo]:
        algorithm = self.draft.manifest.algorithm
        return [ObjectInfo(algorithm, item.hashed.digest, item.size) for item in items]

    def _count_reused(self, missing: Sequence[SendItem]) -> None:
        """All files but the one of each content that is sent are done already."""
        sources = self.draft.sources.values()
        files = len(sources) - len(missing)
        size = sum(source.hashed.size for source in sources) - sum(item.size for item in missing)
        self.meter.add(files_done=files, bytes_done=size, files_reused=files, bytes_reused=size)

    async def send_document(self) -> Document:
        """Pages that the entity stores already are not written again."""
        algorithm = self.draft.manifest.algorithm
        document = build_document(self.draft.manifest.entries, algorithm)
        while (page := await asyncio.to_thread(next, document.pages, None)) is not None:
            await self._put(ObjectInfo(algorithm, page.digest, len(page.data), "manifest"), page.data)
        index = document.index_encoded
        await self._put(ObjectInfo(algorithm, index.digest, len(index.data), "manifest"), index.data)
        return document

    async def _put(self, info: ObjectInfo, data: bytes) -> None:
        if not await self._unknown([info]):
            return
        key = manifest_key(self.session.entity_id, self.draft.manifest.algorithm, info.digest)
        await self.workspace.engine.put_document(key, data)
        self.pending.append(info)
        self.keys.append(key)

    async def _unknown(self, objects: Sequence[ObjectInfo]) -> list[str]:
        unknown: list[str] = []
        for start in range(0, len(objects), ASK_AT_ONCE):
            some = objects[start : start + ASK_AT_ONCE]
            known = await self.workspace.catalog.ask(self.session, some)
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
