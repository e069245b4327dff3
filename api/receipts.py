"""Receipts: one small file per version beside the objects, from which a lost catalogue can be rebuilt."""

import contextlib
import functools
from typing import Any

import msgspec

from ..catalog import Version
from ..errors import AlreadyExistsError, NotFoundError
from ..store.store import Store, read_bytes, write_bytes
from .workspace import Workspace

FORMAT = 1


class Receipt(msgspec.Struct, frozen=True):
    """`versions/<entity>/<project>/<collection>/v<index>.json`, format 1. Times in seconds since 1970, UTC. It says what the
    version was when it was committed; later edits of names are the catalogue's alone."""

    format: int
    entity: str
    project: str
    collection: str
    index: int
    type: str
    version_id: str
    entity_id: str
    digest: str
    tree_digest: str
    digest_algorithm: str
    document: str
    size: int
    file_count: int
    description: str | None
    metadata: dict[str, Any]
    aliases: list[str]
    tags: list[str]
    created_at: float


def receipt_key(version: Version) -> str:
    source = version.source
    return f"versions/{source.entity}/{source.project}/{source.collection}/v{source.index}.json"


def receipt_of(version: Version) -> Receipt:
    source = version.source
    return Receipt(
        format=FORMAT,
        entity=source.entity,
        project=source.project,
        collection=source.collection,
        index=source.index,
        type=version.type,
        version_id=version.id,
        entity_id=version.entity_id,
        digest=version.digest,
        tree_digest=version.tree_digest,
        digest_algorithm=version.digest_algorithm,
        document=version.document,
        size=version.size,
        file_count=version.file_count,
        description=version.description,
        metadata=dict(version.metadata),
        aliases=list(version.aliases),
        tags=list(version.tags),
        created_at=version.created_at,
    )


async def write_receipts(workspace: Workspace, version: Version) -> None:
    """Write the receipt of this version, and of others of its collection whose writer died before it could."""
    source = version.source
    missing = await workspace.catalog.unreceipted(source.entity, source.project, source.collection)
    for each in missing:
        await workspace.persist(functools.partial(_write, workspace.store, each))
    if missing:
        await workspace.persist(lambda: workspace.store.flush([receipt_key(each) for each in missing]))
        await workspace.catalog.receipted([each.id for each in missing])


async def _write(store: Store, version: Version) -> None:
    data = msgspec.json.format(msgspec.json.encode(receipt_of(version)), indent=2) + b"\n"
    key = receipt_key(version)
    try:
        await write_bytes(store, key, data)
    except AlreadyExistsError:
        # Of a writer that died before it said so, or of one that is writing at this moment; a crash may have cut it short.
        if not await _is_receipt_of(store, key, version):
            await store.delete([key])
            with contextlib.suppress(AlreadyExistsError):
                await write_bytes(store, key, data)


async def _is_receipt_of(store: Store, key: str, version: Version) -> bool:
    try:
        return msgspec.json.decode(await read_bytes(store, key), type=Receipt).version_id == version.id
    except (NotFoundError, msgspec.MsgspecError):
        return False
