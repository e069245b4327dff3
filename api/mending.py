"""Mending: what was found bad and forgotten goes before it is sent again, where a store is trusted to hold what it has.

The one who sends knows what the object must hold: whether it is bad is asked of its own bytes, not of a document.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from ..errors import NotFoundError
from ..manifest.digest import Algorithm
from ..store.store import read_bytes
from ..transfer.check import is_whole
from ..transfer.plan import SendItem
from .workspace import Workspace

AT_ONCE = 16


async def clear_bad(workspace: Workspace, entity_id: str, items: Sequence[SendItem], algorithm: Algorithm) -> None:
    """Delete what lies under the keys of these and is not what it should be, if the entity has lost anything."""
    if not items or not await _is_doubtful(workspace, entity_id):
        return
    todo = iter(items)

    async def work() -> None:
        for item in todo:
            await workspace.persist(lambda: _clear(workspace, item, algorithm))  # noqa: B023  # awaited within the round

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(AT_ONCE, len(items))):
                tasks.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def clear_bad_document(workspace: Workspace, entity_id: str, key: str, data: bytes) -> None:
    """The same for an index or a page that is to hold `data`."""
    if await _is_doubtful(workspace, entity_id):
        await workspace.persist(lambda: _clear_document(workspace, key, data))


async def _is_doubtful(workspace: Workspace, entity_id: str) -> bool:
    """Any other store is looked into by whoever finds a key taken."""
    return workspace.store.durable and await workspace.catalog.lost(entity_id)


async def _clear(workspace: Workspace, item: SendItem, algorithm: Algorithm) -> None:
    with contextlib.suppress(NotFoundError):
        etag, hashed = (await workspace.store.head(item.key)).etag, item.hashed
        if not await is_whole(workspace.engine, item.key, item.size, hashed.leaves or hashed.digest, algorithm):
            await _delete(workspace, item.key, etag)


async def _clear_document(workspace: Workspace, key: str, data: bytes) -> None:
    with contextlib.suppress(NotFoundError):
        etag = (await workspace.store.head(key)).etag
        if await read_bytes(workspace.store, key) != data:
            await _delete(workspace, key, etag)


async def _delete(workspace: Workspace, key: str, etag: str) -> None:
    """Unless somebody else has replaced it by now."""
    if (await workspace.store.head(key)).etag == etag:
        await workspace.store.delete([key])
