"""The engine: one store, the lanes, the budget and the limits that every transfer shares."""

import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import InitVar, dataclass, field

from msgspec import Struct

from ..errors import AlreadyExistsError
from ..manifest.digest import Algorithm
from ..store.store import Store, is_portable, read_bytes, write_bytes
from .ahead import Ahead
from .budget import BudgetStatistics, ByteBudget, shared_budget
from .driver import persist
from .endpoints import SharedGates, fixed_gates, gates_of
from .hashing import Hashed, Lost, fail, hash_files
from .index import Index
from .lanes import PIECE, Lanes, cores
from .limiter import MAXIMUM
from .local import LocalFile
from .pace import PacedStore, shared_pace
from .progress import Meter
from .scheduler import Limits, Retry

GRACE = 0.4  # twice, for what goes on and to undo it, makes less than the second within which a cancellation is to end


class EngineStatistics(Struct, frozen=True):
    """How many lanes there may be, what may run at the same time at this moment, and what is lent."""

    lanes: int
    limits: Limits
    budget: BudgetStatistics


@dataclass(slots=True)
class Engine:
    """Moves bytes between local files and a store. Any event loop of the process may use it.

    Without `limits`, what is in flight to a store on this machine's disks is fixed, and what is in flight to any other is found
    by trying, never more than `concurrency`; all engines of the process for one endpoint share that. `max_bandwidth` (bytes per
    second, up and down together) holds for all engines that were given the same, except for a store on this machine's disks.
    """

    store: Store
    index: Index | None = None
    limits: InitVar[Limits | None] = None
    retry: Retry = field(default_factory=Retry)
    budget: ByteBudget = field(default_factory=shared_budget)
    concurrency: InitVar[int | None] = None
    max_bandwidth: InitVar[int | None] = None
    gates: SharedGates = field(init=False)
    lanes: Lanes = field(init=False)
    hashing: Limits = field(init=False)  # how much is hashed at the same time

    def __post_init__(self, limits: Limits | None, concurrency: int | None, max_bandwidth: int | None) -> None:
        fixed = limits or (local_limits(concurrency) if self.store.near else None)
        self.gates = fixed_gates(fixed) if fixed else gates_of(self.store.url, concurrency)
        paced = max_bandwidth is not None and not self.store.near
        # Each process would keep a pace of its own. Where limits are given, lanes are what is counted.
        alone = limits or paced or not is_portable(self.store)
        hands = 0 if alone else min(cores(), concurrency or MAXIMUM) - 1
        self.lanes = Lanes(fixed.small + fixed.bulk if fixed else 2 * (concurrency or MAXIMUM), hands=hands)
        self.hashing = fixed or Limits(small=1, bulk=max(2, cores()))
        if max_bandwidth is not None and paced:
            self.store = PacedStore(self.store, shared_pace(max_bandwidth))

    def statistics(self) -> EngineStatistics:
        return EngineStatistics(self.lanes.count, self.gates.limits, self.budget.statistics())

    @contextlib.asynccontextmanager
    async def memory(self, size: int, meter: Meter) -> AsyncGenerator[None]:
        """Hold `size` bytes of the budget for as long as the block runs."""
        asked = time.monotonic()
        async with self.budget.loan(size):
            meter.spend(memory=time.monotonic() - asked)
            yield

    @contextlib.asynccontextmanager
    async def helped(self, things: int) -> AsyncGenerator[None]:
        """Have hands beside the lanes while the block runs, if so many small things are worth it."""
        async with self.lanes.hands.helping(things) as count:
            with self.gates.small.widened(count if self.store.near else 0):  # what others can do is found by trying
                yield

    def held(self, size: int) -> int:
        """How many bytes a lane holds to write a part of this size from a file: where a pace is kept, all of it. Nothing is taken
        straight from the file then, and a store may want the checksum before the first byte."""
        return size if isinstance(self.store, PacedStore) else min(size, PIECE)

    @property
    def grace(self) -> float | None:
        """For how many seconds a store may still be told of the beginning or the end of an upload that was given up; None: for as
        long as it takes, which on a disk is not long. What is cut short is in the journal, or tells by its name whose it was."""
        return None if self.store.near else GRACE

    def close(self) -> None:
        self.lanes.close()
        if self.index:
            self.index.close()

    async def hash(
        self,
        files: Sequence[LocalFile],
        algorithm: Algorithm,
        *,
        md5: bool = False,
        rehash: bool = False,
        meter: Meter | None = None,
        ahead: Ahead | None = None,
    ) -> list[Hashed]:
        """The digests of these files, in their order: from the index where it is certain (unless `rehash`), else read. Of what is
        read, large files may go `ahead` to their store. Raise `FileChangedError` if one changes meanwhile, `LocalFileError`, and
        of that store `StoreError`."""
        known = await self._hash(files, algorithm, md5, rehash, meter or Meter(), fail, ahead)
        return [known[file.path] for file in files]

    async def hash_steady(
        self, files: Sequence[LocalFile], algorithm: Algorithm, *, rehash: bool = False, meter: Meter
    ) -> dict[str, Hashed]:
        """As `hash`, by path; files that change meanwhile, vanish or cannot be read are left out."""
        return await self._hash(files, algorithm, False, rehash, meter, lambda file, error: None)

    async def _hash(
        self,
        files: Sequence[LocalFile],
        algorithm: Algorithm,
        md5: bool,
        rehash: bool,
        meter: Meter,
        lost: Lost,
        ahead: Ahead | None = None,
    ) -> dict[str, Hashed]:
        known: dict[str, Hashed] = {}
        if (index := self.index) and not rehash and files:
            known = await self.lanes.run(lambda halt: index.lookup(files, algorithm, md5=md5))
        unknown, began = [file for file in files if file.path not in known], time.time_ns()
        fresh = await hash_files(
            self.lanes, unknown, algorithm, md5=md5, meter=meter, limits=self.hashing, lost=lost, ahead=ahead
        )
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
