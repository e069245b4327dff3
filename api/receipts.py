"""Receipts: written after each commit; see `manifest.receipt` for what they say."""

import contextlib
import functools

from ..catalog import Version
from ..errors import AlreadyExistsError, ManifestError, NotFoundError
from ..manifest.keys import receipt_key as key_of
from ..manifest.receipt import FORMAT, decode_receipt, encode_receipt
from ..manifest.receipt import Receipt as Receipt
from ..store.store import Store, read_bytes, write_bytes
from .workspace import Workspace


def receipt_key(version: Version) -> str:
    source = version.source
    return key_of(source.entity, source.project, source.collection, source.index)


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
    data = encode_receipt(receipt_of(version))
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
        return decode_receipt(await read_bytes(store, key), key).version_id == version.id
    except (NotFoundError, ManifestError):
        return False
