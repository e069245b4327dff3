"""A workspace: the catalogue, store and engine that the settings name, opened once per process."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from ..catalog import Catalog, ObjectInfo, open_catalog
from ..catalog.forks import in_sqlite
from ..errors import FormatNewerError, LadingError, LocalFileError, StoreForeignError
from ..store.early import writes_early
from ..store.folder import FolderStore
from ..store.journal import Journal
from ..store.opening import open_store
from ..store.ownership import claim, owns
from ..store.store import Store
from ..store.threads import ended
from ..transfer.ahead import FROM, Ahead
from ..transfer.budget import ByteBudget, shared_budget
from ..transfer.driver import persist
from ..transfer.engine import Engine
from ..transfer.index import Index
from ..transfer.novelty import Novelty
from ..transfer.progress import Meter
from .settings import Settings

T = TypeVar("T")


class Workspace(Struct):
    """Everything that a call needs. Any event loop of the process may use it."""

    settings: Settings
    catalog: Catalog
    engine: Engine

    @property
    def store(self) -> Store:
        return self.engine.store

    async def own(self) -> None:
        """Make sure that this catalogue owns the store, before a log asks what is stored. Raise `StoreForeignError`."""
        # Each time: the store of a long-lived process may be taken away under it.
        await self.persist(lambda: claim(self.store, self.catalog))

    @property
    def temporary(self) -> str:
        """A folder for files that an artifact makes itself, beside the store by default."""
        path = self.settings.home / "tmp"
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def check_online(self, url: str) -> None:
        """Raise `SettingsError` in mode "offline" for what lies on a network, before it is asked anything."""
        self.settings.check_online(url)

    def ahead(self, entity: str) -> Ahead | None:
        """How large files go to the store before they are hashed, to be logged for this entity; None where the store is far."""
        store = self.store
        if not writes_early(store):
            return None
        return Ahead(store, Novelty(store, lambda: self._large_objects(entity)))

    async def _large_objects(self, entity: str) -> Mapping[str, int] | None:
        try:
            await self.own()
            return await self.catalog.large_objects(entity, least=FROM)
        except LadingError:  # the log says so
            return None

    async def persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of a call to the store, tried again where its error says that this may help."""
        return await persist(call, retry=self.engine.retry, meter=Meter())

    async def forget(self, entity_id: str, bad: ObjectInfo) -> None:
        """Something in the store turned out bad or gone: the next log that needs it sends it again. In a store that is not this
        catalogue's, nothing is known to be missing."""
        with contextlib.suppress(StoreForeignError, FormatNewerError):
            if await self.persist(lambda: owns(self.store, self.catalog)):
                await self.catalog.forget(entity_id, [bad])

    def folders(self) -> list[str]:
        """Where store and catalogue lie, as far as that is on this machine's disks."""
        store = [self.store.root] if isinstance(self.store, FolderStore) else []
        scheme, _, path = self.catalog.url.partition(":///")
        return [*store, os.path.dirname(path)] if scheme == "sqlite" else store

    async def close(self) -> None:
        self.engine.close()
        await self.catalog.close()
        await self.store.close()


_opened: dict[tuple[str, str, str, int], Workspace] = {}
_lock = threading.Lock()


async def open_workspace(settings: Settings) -> Workspace:
    """The workspace of these settings, opened if it is not yet. Raise `SettingsError` in mode "offline" if its store is on a
    network."""
    settings.check_online(settings.store)
    key = (str(settings.home), settings.catalog, settings.store, os.getpid())
    found = _opened.get(key)
    if found is None:
        opening = asyncio.ensure_future(_open(settings))
        cancelled = await ended(opening)  # what is being opened must not be lost, but be closed one day
        made = opening.result()
        with _lock:
            found = _opened.setdefault(key, made)
        if found is not made:  # another loop was faster
            await made.close()
        if cancelled is not None:
            raise cancelled
    return found if found.settings == settings else Workspace(settings, found.catalog, found.engine)


async def close_workspaces() -> None:
    """Close what this process opened; what is used later opens anew."""
    with _lock:
        mine = [key for key in _opened if key[-1] == os.getpid()]
        closing = [_opened.pop(key) for key in mine]
    for workspace in closing:
        await workspace.close()


async def _open(settings: Settings) -> Workspace:
    await asyncio.to_thread(_make_home, settings)
    catalog = await open_catalog(settings.catalog)
    store = open_store(settings.store, journal=Journal(settings.home / "journal"))
    budget = ByteBudget(settings.max_memory) if settings.max_memory else shared_budget()
    index, most = Index(str(settings.home / "index.db"), inside=in_sqlite), settings.max_bandwidth
    engine = Engine(store, index, budget=budget, concurrency=settings.concurrency, max_bandwidth=most)
    return Workspace(settings, catalog, engine)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_after_fork)


def _make_home(settings: Settings) -> None:
    home = settings.home
    if os.path.isdir(home):
        return
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalFileError(
            f"{home} cannot be made: {error.strerror}", hint="export LADING_HOME=/some/folder/of/yours"
        ) from error
    if not settings.quiet:
        sys.stderr.write(f"lading: made {home} for catalogue, store and index (LADING_HOME moves it)\n")
