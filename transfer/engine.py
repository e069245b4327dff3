"""The engine: one store, the lanes, the budget and the limits that every transfer shares."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ..errors import AlreadyExistsError
from ..manifest.digest import Algorithm
from ..store.store import Store, read_bytes, write_bytes
from .budget import BudgetStatistics, ByteBudget, shared_budget
from .driver import persist
from .hashing import Hashed, Lost, fail, hash_files
from .index import Index
from .lanes import Lanes, cores
from .local import LocalFile
from .progress import Meter
from .scheduler import Limits, Retry


class EngineStatistics(Struct, frozen=True):
    """How many lanes there are, what may run at the same time, and what is lent."""

    lanes: int
    limits: Limits
    budget: BudgetStatistics


@dataclass(slots=True)
class Engine:
    """Moves bytes between local files and a store. Any event loop of the process may use it."""

    store: Store
    index: Index | None = None
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    budget: ByteBudget = field(default_factory=shared_budget)
    lanes: Lanes = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.limits.small + self.limits.bulk)

    def statistics(self) -> EngineStatistics:
        return EngineStatistics(self.lanes.count, self.limits, self.budget.statistics())

    def close(self) -> None:
        self.lanes.close()

    async def hash(
        self,
        files: Sequence[LocalFile],
        algorithm: Algorithm,
        *,
        md5: bool = False,
        rehash: bool = False,
        meter: Meter | None = None,
    ) -> list[Hashed]:
        """The digests of these files, in their order: from the index where it is certain (unless `rehash`), else read. Raise
        `FileChangedError` if one changes meanwhile, `LocalFileError`."""
        known = await self._hash(files, algorithm, md5, rehash, meter or Meter(), fail)
        return [known[file.path] for file in files]

    async def hash_steady(
        self, files: Sequence[LocalFile], algorithm: Algorithm, *, rehash: bool = False, meter: Meter
    ) -> dict[str, Hashed]:
        """As `hash`, by path; files that change meanwhile, vanish or cannot be read are left out."""
        return await self._hash(files, algorithm, False, rehash, meter, lambda file, error: None)

    async def _hash(
        self, files: Sequence[LocalFile], algorithm: Algorithm, md5: bool, rehash: bool, meter: Meter, lost: Lost
    ) -> dict[str, Hashed]:
        known: dict[str, Hashed] = {}
        if (index := self.index) and not rehash and files:
            known = await self.lanes.run(lambda halt: index.lookup(files, algorithm, md5=md5))
        unknown, began = [file for file in files if file.path not in known], time.time_ns()
        fresh = await hash_files(self.lanes, unknown, algorithm, md5=md5, meter=meter, limits=self.limits, lost=lost)
        if index and fresh:
            rows = [(file.path, file.stamp, fresh[file.path]) for file in unknown if file.path in fresh]
            await self.lanes.run(lambda halt: index.remember(rows, algorithm, began=began))
        return known | fresh

    async def put_document(self, key: str, data: bytes) -> None:
        """Store a small document under a name that says its content; an equal one that is there already will do."""
        await persist(lambda: self._put_document(key, data), retry=self.retry, meter=Meter())

    async def _put_document(self, key: str, data: bytes) -> None:
        try:
            await write_bytes(self.store, key, data)
        except AlreadyExistsError:
            if self.store.durable or await read_bytes(self.store, key) == data:
                return
            await self.store.delete([key])  # what a crash left behind
            await write_bytes(self.store, key, data)


def local_limits(concurrency: int | None = None) -> Limits:
    """For a store on this machine's disks. Small files go one by one: more threads only fight for the interpreter."""
    return Limits(small=1, bulk=concurrency or min(4, max(2, cores())))


def remote_limits(concurrency: int | None = None) -> Limits:
    """For a store that answers later than it costs to ask."""
    return Limits(small=concurrency or 8, bulk=concurrency or max(4, os.cpu_count() or 1))
