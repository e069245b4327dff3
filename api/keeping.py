"""Upkeep of a workspace: what `upkeep` decides, with this workspace's catalogue, store and folders."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import LadingError, StoreError, StoreForeignError
from ..store.folder import FolderStore
from ..store.journal import Journal
from ..store.opening import open_store
from ..store.ownership import owns
from ..store.store import Store
from ..transfer.driver import persist
from ..transfer.progress import Meter
from ..transfer.scheduler import Retry
from ..upkeep.doctor import PATIENCE, Finding, Patient, examine
from ..upkeep.keeper import Keeper
from ..upkeep.uploads import Found, Leftover, leftovers
from .settings import Settings, load_settings
from .workspace import Workspace

T = TypeVar("T")


async def find_leftovers(workspace: Workspace, folders: Sequence[str] = ()) -> list[Found]:
    """What was begun and never finished: noted in the journal, in the store if it is this catalogue's, and below
    LADING_ARTIFACT_DIR and these folders; and what artifacts made and nobody logged."""
    settings = workspace.settings
    journal = Journal(settings.home / "journal")

    def reopen(url: str) -> Store:
        settings.check_online(url)
        return open_store(url, journal=journal)

    places = dict.fromkeys((str(settings.artifact_dir), *folders))
    # Opened anew: around the workspace's own store there may be others, which know nothing of this.
    store = reopen(settings.store) if await is_ours(workspace) else None
    found = leftovers(store, journal, reopen, list(places), _scratch(settings), persist=workspace.persist)
    return [each async for each in found]


async def examine_here(folders: Sequence[str] = ()) -> tuple[list[Finding], list[Leftover]]:
    """What the doctor finds with the settings that hold here, and what is unfinished; nothing is made or changed. Raise
    `SettingsError`."""
    settings = load_settings()
    journal = Journal(settings.home / "journal")

    def reopen(url: str) -> Store:
        settings.check_online(url)
        return open_store(url, journal=journal)

    store: Store | None = None
    trouble: LadingError | None = None
    try:
        store = reopen(settings.store)
    except LadingError as error:
        trouble = error
    places = [settings.home, settings.artifact_dir, *([Path(store.root)] if isinstance(store, FolderStore) else [])]
    looked = dict.fromkeys((str(settings.artifact_dir), *folders))
    found: list[Found] = []
    with contextlib.suppress(StoreError):  # the store's own finding says it better
        async with asyncio.timeout(PATIENCE):
            left = leftovers(store, journal, reopen, list(looked), _scratch(settings), persist=_briefly)
            found += [each async for each in left]
    unfinished = [each.leftover for each in found]
    return await examine(Patient(settings.catalog, store, trouble, places, unfinished, _briefly)), unfinished


async def _briefly(call: Callable[[], Awaitable[T]]) -> T:
    """The result of a call to the store, which may fail for a moment; but whoever asks how it is wants to hear soon."""
    return await persist(call, retry=Retry(unanswered=3, throttled=3), meter=Meter())


def keeper_of(workspace: Workspace, tell: Callable[[str], Any] = lambda line: None) -> Keeper:
    return Keeper(workspace.catalog, workspace.store, workspace.persist, tell)


def _scratch(settings: Settings) -> str:
    return str(settings.home / "tmp")  # see `Workspace.temporary`


async def is_ours(workspace: Workspace) -> bool:
    """Whether the workspace's catalogue owns its store."""
    try:
        return await workspace.persist(lambda: owns(workspace.store, workspace.catalog))
    except StoreForeignError:  # nobody can say whose it is
        return False
