"""The log protocol: from local files to a committed version. A crash anywhere leaves garbage, never a dangling name.

1  the files are what was hashed; content equal to `latest` ends here    5  flush, and only then rows `stored`
2  a write session, a lease                                              6  pages and index (before the flush of step 5)
3  one question: which digests are known?                                7  one transaction: the version has its number and names
4  the rest is sent                                                      8  the receipt
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ..catalog import Committed, Content, Json, Labels, ObjectInfo, RunKey, Version, WriteSession
from ..errors import NameConflictError
from ..manifest.document import Document, build_document
from ..store.threads import ended, to_the_end
from ..transfer.plan import SendItem, manifest_key, object_key
from ..transfer.progress import Meter
from ..transfer.send import send
from .draft import Draft
from .receipts import write_receipts
from .workspace import Workspace

LEASE = 600.0
FLUSH_EVERY = 5.0  # seconds: what a kill in the middle of a long log costs at most
ASK_AT_ONCE = 50_000  # each question holds the catalogue's write lock
_log = logging.getLogger("lading.log")


class Target(Struct, frozen=True):
    """What the version is to be called, and what hangs on it."""

    entity: str
    project: str
    collection: str
    type: str
    description: str | None
    metadata: Json
    labels: Labels
    run: RunKey | None


async def log_draft(workspace: Workspace, draft: Draft, target: Target, meter: Meter) -> Committed:
    """Commit the draft. Raise `FileChangedError` (nothing was committed), `NameConflictError`, `StoreError`, `CommError`."""
    meter.add(files=len(draft.manifest), bytes=draft.manifest.size())
    await asyncio.to_thread(draft.check_unchanged)
    tree_digest = await asyncio.to_thread(draft.manifest.tree_digest)
    await workspace.own()
    latest = await workspace.catalog.latest(target.entity, target.project, target.collection)
    if latest is not None and latest.type != target.type:
        raise NameConflictError(
            f"Artifact {target.collection} already exists with type '{latest.type}'; "
            f"cannot create another with type '{target.type}'"
        )
    if latest is not None and latest.tree_digest == tree_digest and not await workspace.catalog.lost(latest.entity_id):
        size = draft.manifest.size()
        meter.add(files_done=len(draft.manifest), bytes_done=size, files_reused=len(draft.manifest), bytes_reused=size)
        committed = Committed(await workspace.catalog.relabel(latest.id, target.labels, target.run), created=False)
    else:
        committed = await _log_new(workspace, draft, target, tree_digest, meter)
    if not committed.created:
        _warn_unless_same(committed.version, target)
    await write_receipts(workspace, committed.version)
    return committed


async def _log_new(workspace: Workspace, draft: Draft, target: Target, tree_digest: str, meter: Meter) -> Committed:
    catalog, manifest = workspace.catalog, draft.manifest
    async with _session(workspace, target) as session:
        work = _Sending(workspace, draft, session, meter)
        await work.send_files()
        document = await work.send_document()
        await work.flush()
        content = Content(
            digest=manifest.digest(),
            tree_digest=tree_digest,
            digest_algorithm=manifest.digest_algorithm.value,
            document=document.index_encoded.digest,
            size=manifest.size(),
            file_count=len(manifest),
            description=target.description,
            metadata=target.metadata,
        )
        return await catalog.commit(session, content, target.labels, target.run)


@contextlib.asynccontextmanager
async def _session(workspace: Workspace, target: Target) -> AsyncGenerator[WriteSession]:
    """A write session whose lease is renewed while the block runs, and abandoned if it fails."""
    catalog = workspace.catalog
    opening = asyncio.ensure_future(
        catalog.open_session(
            secrets.token_hex(16), target.entity, target.project, target.collection, target.type, lease_seconds=LEASE
        )
    )
    cancelled = await ended(opening)
    session = opening.result()
    keeper = asyncio.create_task(_renew(workspace, session))
    try:
        if cancelled is not None:
            raise cancelled  # noqa: TRY301  # the clean-up below is for it, too
        yield session
    except BaseException:
        # Also while cancelled: pins that nobody needs would keep garbage until the lease runs out.
        with contextlib.suppress(Exception):
            await to_the_end(catalog.abandon(session))
        raise
    finally:
        keeper.cancel()
        if late := await ended(keeper):
            raise late


async def _renew(workspace: Workspace, session: WriteSession) -> None:
    while True:
        await asyncio.sleep(session.lease_seconds / 3)
        await workspace.catalog.renew(session)


@dataclass(slots=True)
class _Sending:
    """What lies in the store and is not flushed yet."""

    workspace: Workspace
    draft: Draft
    session: WriteSession
    meter: Meter
    pending: list[ObjectInfo] = field(default_factory=list[ObjectInfo])
    keys: list[str] = field(default_factory=list[str])
    flushed_at: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send_files(self) -> None:
        algorithm, entity_id = self.draft.manifest.algorithm, self.session.entity_id
        items = {
            source.hashed.digest: SendItem(source.file, source.hashed, object_key(entity_id, algorithm, source.hashed.digest))
            for source in self.draft.sources.values()
        }
        objects = [ObjectInfo(algorithm, item.hashed.digest, item.size) for item in items.values()]
        missing = [items[digest] for digest in await self._unknown(objects)]
        sent = {item.hashed.digest for item in missing}
        known = [source.hashed.size for source in self.draft.sources.values() if source.hashed.digest not in sent]
        again = [source.hashed.size for source in self.draft.sources.values() if source.hashed.digest in sent]
        extra_files, extra_bytes = len(again) - len(missing), sum(again) - sum(item.size for item in missing)
        reused_files, reused_bytes = len(known) + extra_files, sum(known) + extra_bytes
        self.meter.add(files_done=reused_files, bytes_done=reused_bytes, files_reused=reused_files, bytes_reused=reused_bytes)
        await send(self.workspace.engine, missing, algorithm, meter=self.meter, landed=self._landed)

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
        algorithm = self.draft.manifest.algorithm
        self.pending.extend(ObjectInfo(algorithm, item.hashed.digest, item.size) for item in items)
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


def _warn_unless_same(latest: Version, target: Target) -> None:
    given = {"description": target.description, "metadata": dict(target.metadata) or None}
    kept = {"description": latest.description, "metadata": dict(latest.metadata)}
    for name, value in given.items():
        if value is not None and value != kept[name]:
            _log.warning(
                "%s has this content already and keeps its %s; change it with artifact.%s = … and save()",
                latest.place,
                name,
                name,
            )
