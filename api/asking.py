"""Asking what is stored, also while a garbage collection deletes some of it."""

import asyncio
import time
from collections.abc import Sequence

from ..catalog import ObjectInfo, WriteSession
from ..errors import CatalogBusyError
from .workspace import Workspace

PATIENCE = 60.0  # seconds
_FIRST, _LONGEST = 0.02, 1.0  # seconds between two questions


async def ask(workspace: Workspace, session: WriteSession, objects: Sequence[ObjectInfo]) -> frozenset[str]:
    """`Catalog.ask`, which waits while a collection deletes one of these, and ends what a dead one began. Raise
    `CatalogBusyError` if that takes longer than a minute."""
    deadline, pause = time.monotonic() + PATIENCE, _FIRST
    while True:
        try:
            return await workspace.catalog.ask(session, objects)
        except CatalogBusyError:
            if time.monotonic() > deadline:
                raise
        await _finish_interrupted(workspace)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)


async def _finish_interrupted(workspace: Workspace) -> None:
    from ..upkeep.garbage import finish_interrupted  # few logs ever meet a collection
    from ..upkeep.keeper import Keeper

    await finish_interrupted(Keeper(workspace.catalog, workspace.store, workspace.persist))
