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
from collections.abc import AsyncGenerator

from msgspec import Struct

from ..catalog import Committed, Content, Json, Labels, RunKey, Version, WriteSession
from ..errors import LadingError, NameConflictError
from ..store.threads import ended, to_the_end
from ..transfer.progress import Meter
from .draft import Draft
from .receipts import write_receipts
from .sending import Sending
from .workspace import Workspace

LEASE = 600.0
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
    size = await asyncio.to_thread(draft.manifest.size)
    meter.add(files=len(draft.manifest), bytes=size)
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
        meter.add(files_done=len(draft.manifest), bytes_done=size, files_reused=len(draft.manifest), bytes_reused=size)
        committed = Committed(await workspace.catalog.relabel(latest.id, target.labels, target.run), created=False)
    else:
        committed = await _log_new(workspace, draft, target, tree_digest, meter)
    if not committed.created:
        _warn_unless_same(committed.version, target)
    try:
        await write_receipts(workspace, committed.version)
    except LadingError as error:  # the version is committed all the same, and the next log makes up for it
        _log.warning("%s is committed, but its receipt could not be written: %s", committed.version.place, error.message)
    return committed


async def _log_new(workspace: Workspace, draft: Draft, target: Target, tree_digest: str, meter: Meter) -> Committed:
    catalog, manifest = workspace.catalog, draft.manifest
    async with _session(workspace, target) as session:
        work = Sending(workspace, draft, session, meter)
        await work.send_files()
        document = await work.send_document()
        await work.flush()
        content = Content(
            digest=await asyncio.to_thread(manifest.digest),
            tree_digest=tree_digest,
            digest_algorithm=manifest.digest_algorithm.value,
            document=document.index_encoded.digest,
            size=document.index.size,
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
