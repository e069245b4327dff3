"""Engines and copiers that are closed, and checked for what they left."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.store import Store
from lading.testing.buckets import Buckets
from lading.testing.wrappers import SlowStore, TracedStore
from lading.transfer.budget import BudgetStatistics, ByteBudget
from lading.transfer.copier import Copier
from lading.transfer.engine import Engine
from lading.transfer.index import Index
from lading.transfer.scheduler import Limits, Retry


@pytest.fixture
def make_engine() -> Iterator[Callable[..., Engine]]:
    """Makes engines that retry at once. When the test ends, nothing is lent, and no descriptor and no lane is left."""
    before, threads, engines = open_descriptors(), set(threading.enumerate()), list[Engine]()

    def make(store: Store, *, index: Index | None = None, attempts: int = 3) -> Engine:
        engine = Engine(store, index, Limits(2, 2), Retry(attempts=attempts, unanswered=attempts, base=0.0), ByteBudget(64 << 20))
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
        assert engine.statistics().budget == BudgetStatistics(64 << 20, 0, 0)
    assert open_descriptors() <= before
    assert [thread.name for thread in set(threading.enumerate()) - threads if thread.name.startswith("lading-lane")] == []


def open_descriptors() -> set[str]:
    """Files that this process holds open, with their descriptors; what event loops hold is not counted."""
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that listed them
            target = str(descriptor.readlink())
            if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
                found.add(f"{descriptor.name} {target}")
    return found


@pytest.fixture(params=["folder", "memory", "slow"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return MemoryStore() if request.param == "memory" else SlowStore(MemoryStore(), delay=0.001)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(str(tmp_path / "index.sqlite"))
    yield made
    made.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A destination that is not there yet."""
    return tmp_path / "out"


@pytest.fixture
def far() -> TracedStore:
    """A store that is not on this machine, and remembers what was read."""
    return TracedStore(MemoryStore())


@pytest.fixture
def buckets() -> Buckets:
    return Buckets()


@pytest.fixture
async def copier(buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Copier]:
    """Between buckets and the working folder. When the test ends, nothing is lent, and no descriptor, lane or task is left."""
    monkeypatch.chdir(tmp_path)
    before, threads, budget = open_descriptors(), set(threading.enumerate()), ByteBudget(64 << 20)
    async with aclosing(Copier(opener=buckets, budget=budget)) as copier:
        yield copier
    assert budget.statistics() == BudgetStatistics(64 << 20, 0, 0)
    assert open_descriptors() <= before
    assert [thread.name for thread in set(threading.enumerate()) - threads if thread.name.startswith("lading-lane")] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
