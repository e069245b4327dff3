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

from ..catalog import INHERIT, Committed, Content, Json, Labels, Premise, RunKey, Version, WriteSession
from ..errors import InvalidValueError, LadingError, NameConflictError, PremiseError
from ..manifest.digest import Label
from ..manifest.document import Document
from ..manifest.manifest import Manifest
from ..store.threads import ended, to_the_end
from ..transfer.progress import Meter
from .documents import load_entries
from .draft import Draft
from .receipts import write_receipts
from .sending import Load, Sending
from .workspace import Workspace

LEASE = 600.0
ATTEMPTS = 20  # of making a version from `latest` while others commit, too
_log = logging.getLogger("lading.log")


class Target(Struct, frozen=True):
    """What the version is to be called, and what hangs on it. `ttl`: seconds, or INHERIT, DISABLED."""

    entity: str
    project: str
    collection: str
    type: str
    description: str | None
    metadata: Json
    labels: Labels
    run: RunKey | None
    ttl: int = INHERIT


async def log_draft(workspace: Workspace, draft: Draft, target: Target, meter: Meter) -> Committed:
    """Commit the draft. Raise `FileChangedError` (nothing was committed), `NameConflictError`, `StoreError`, `CommError`."""
    await asyncio.to_thread(draft.check_unchanged)
    await workspace.own()
    if draft.incremental:
        committed = await _log_onto_latest(workspace, draft, target, meter)
    else:
        load = Load(draft.manifest, draft.sources, draft.base.version if draft.base else None, draft.ahead)
        committed = await _log_load(workspace, load, target, meter, await _latest(workspace, target), Premise())
    await receipt(workspace, committed.version)
    return committed


async def _log_onto_latest(workspace: Workspace, draft: Draft, target: Target, meter: Meter) -> Committed:
    """What the draft holds, on top of what `latest` holds: also if that is another version by the time of the commit."""
    own = draft.manifest
    for attempt in range(1, ATTEMPTS + 1):
        latest = await _latest(workspace, target)
        merged = own if latest is None else await _on_top(workspace, latest, own)
        premise = Premise(latest="" if latest is None else latest.id)
        try:
            load = Load(merged, draft.sources, latest, draft.ahead)
            committed = await _log_load(workspace, load, target, meter, latest, premise)
        except PremiseError:
            if attempt == ATTEMPTS:
                raise
        else:
            draft.manifest = merged
            return committed
    raise AssertionError("the last attempt returns or raises")


async def _on_top(workspace: Workspace, latest: Version, own: Manifest) -> Manifest:
    if Label(latest.digest_algorithm) is not own.digest_algorithm:
        raise InvalidValueError(
            f"{latest.place} has {latest.digest_algorithm} digests; what is added to it cannot have {own.digest_algorithm.value}",
            hint=f"Artifact(…, incremental=True, digest_algorithm={latest.digest_algorithm!r})",
        )
    entries = await load_entries(workspace, latest)

    def merge() -> Manifest:
        merged = Manifest(own.digest_algorithm, entries, name=latest.place.collection)
        merged.add_entries(own.entries)
        return merged

    return await asyncio.to_thread(merge)


async def _latest(workspace: Workspace, target: Target) -> Version | None:
    latest = await workspace.catalog.latest(target.entity, target.project, target.collection)
    if latest is not None and latest.type != target.type:
        raise NameConflictError(
            f"Artifact {target.collection} already exists with type '{latest.type}'; "
            f"cannot create another with type '{target.type}'",
            hint=f"log to another name, or with type {latest.type!r}",
        )
    return latest


async def _log_load(
    workspace: Workspace, load: Load, target: Target, meter: Meter, latest: Version | None, premise: Premise
) -> Committed:
    manifest, catalog = load.manifest, workspace.catalog
    size, tree_digest = await asyncio.to_thread(lambda: (manifest.size(), manifest.tree_digest()))
    meter.add(files=len(manifest), bytes=size)
    if latest is not None and latest.tree_digest == tree_digest and not await catalog.lost(latest.entity_id):
        meter.add(files_done=len(manifest), bytes_done=size, files_reused=len(manifest), bytes_reused=size)
        committed = Committed(await catalog.relabel(latest.id, target.labels, target.run), created=False)
    else:
        async with write_session(workspace, target) as session:
            work = Sending(workspace, load, session, meter)
            await work.authorise()
            await work.send_files()
            document = await work.send_document()
            await work.flush()
            await work.check_references()
            content = await asyncio.to_thread(content_of, manifest, document, target)
            committed = await catalog.commit(session, content, target.labels, target.run, premise=premise, ttl=target.ttl)
    if not committed.created:
        _warn_unless_same(committed.version, target)
    return committed


def content_of(manifest: Manifest, document: Document, target: Target) -> Content:
    """What a commit says of a document that was sent. Hashes."""
    return Content(
        digest=manifest.digest(),
        tree_digest=manifest.tree_digest(),
        digest_algorithm=manifest.digest_algorithm.value,
        document=document.index_encoded.digest,
        size=document.index.size,
        file_count=len(manifest),
        description=target.description,
        metadata=target.metadata,
    )


async def receipt(workspace: Workspace, version: Version) -> None:
    """Step 8. The version is committed all the same, and the next log makes up for what fails here."""
    try:
        await write_receipts(workspace, version)
    except LadingError as error:
        _log.warning("%s is committed, but its receipt could not be written: %s", version.place, error.message)


@contextlib.asynccontextmanager
async def write_session(workspace: Workspace, target: Target, version_id: str | None = None) -> AsyncGenerator[WriteSession]:
    """A write session whose lease is renewed while the block runs, and abandoned if it fails."""
    catalog = workspace.catalog
    opening = asyncio.ensure_future(
        catalog.open_session(
            version_id or secrets.token_hex(16),
            target.entity,
            target.project,
            target.collection,
            target.type,
            lease_seconds=LEASE,
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
    ttl = None if target.ttl == INHERIT else target.ttl
    given = {"description": target.description, "metadata": dict(target.metadata) or None, "ttl": ttl}
    kept = {"description": latest.description, "metadata": dict(latest.metadata), "ttl": latest.ttl}
    for name, value in given.items():
        if value is not None and value != kept[name]:
            _log.warning(
                "%s has this content already and keeps its %s; change it with artifact.%s = … and save()",
                latest.place,
                name,
                name,
            )
