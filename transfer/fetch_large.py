"""Fetching one large file: its parts side by side, each verified as it lands."""

import asyncio
import contextlib
import functools

from ..errors import DigestMismatchError, StoreError
from ..manifest.digest import Algorithm
from ..store.folder_jobs import FolderRead
from ..store.threads import in_thread
from .arrival import Arrival
from .destination import Destination
from .driver import Partly, drive, persist
from .engine import Engine
from .lanes import PIECE
from .local import Stamp
from .placing import DAMAGED
from .plan import FetchItem, Run, cut
from .progress import Meter
from .scheduler import Reissue
from .source import read_job
from .trace import logger


async def fetch_large(engine: Engine, item: FetchItem, destination: Destination, algorithm: Algorithm, meter: Meter) -> Stamp:
    """Make the file, counted as its parts land. What fails was retried. Whatever happens, nothing half done is left."""
    arrival = Arrival(item, destination)
    try:
        await engine.lanes.run(arrival.begin)
        filling = _Filling(engine, item, arrival, algorithm, meter)
        await filling.share()
        await drive(
            filling.run,
            bulk=cut(item.size),
            limits=engine.gates.parts(),
            retry=engine.retry,
            meter=meter,
            reissue=None if engine.store.near else Reissue(),
        )
        stamp = await engine.lanes.run(lambda halt: arrival.finish())
    finally:
        await in_thread(arrival.close)
    meter.add(files_done=1, files_reused=int(filling.moved == 0))
    return stamp


class _Filling:
    """All leaves of the file, each verified. Several lanes write, each its own leaves."""

    def __init__(self, engine: Engine, item: FetchItem, arrival: Arrival, algorithm: Algorithm, meter: Meter) -> None:
        self.engine, self.item, self.arrival, self.algorithm, self.meter = engine, item, arrival, algorithm, meter
        self.moved = 0
        self._etag: str | None = None
        self._pinning = asyncio.Lock()

    async def _pinned(self) -> str | None:
        """What all ranges are to be of. None for a near store: its ranges are verified, and asking would cost more than that."""
        store = self.engine.store
        async with self._pinning:
            if self._etag is None and self.item.copy is None and not store.near:
                head = functools.partial(store.head, self.item.key)
                self._etag = (await persist(head, retry=self.engine.retry, meter=self.meter)).etag
        return self._etag

    async def share(self) -> None:
        if self.item.copy is None and not self.engine.store.near:
            return
        source = read_job(self.engine.store, self.item, 0, self.item.size)
        if isinstance(source, FolderRead):
            with contextlib.suppress(StoreError):  # what is wrong with it will show when it is read
                await self.engine.lanes.run(lambda halt: self.arrival.share(source))

    async def run(self, run: Run) -> float:
        """Returns how many bytes came from the store."""
        async with self.engine.memory(PIECE, self.meter):
            return await self._run(run)

    async def _run(self, run: Run) -> float:
        size = run.stop_byte - run.start_byte
        if await self.engine.lanes.run(lambda halt: self.arrival.holds(run, self.algorithm, halt), meter=self.meter):
            self._count(size, 0 if self.arrival.shared and self.item.copy is None else size)
        elif await self._copied(run):
            self._count(size, size)
        elif wrong := await self._fetched(run):
            rest = Run(wrong[0], wrong[-1] + 1, run.size)
            self._count(size - (rest.stop_byte - rest.start_byte), 0)
            raise Partly(rest, self._mismatch(wrong[0]))
        else:
            self._count(size, 0)
            logger.debug("%s: bytes %d to %d have arrived", self.item.path, run.start_byte, run.stop_byte)
            return size
        return 0.0

    async def _copied(self, run: Run) -> bool:
        """Whether the local copy, if there is one, had what it should. One that had not is given up."""
        if self.item.copy is None:
            return False
        try:
            if not await self._fetched(run):
                return True
        except StoreError:
            pass
        self.item = self.item.copied_from(None)
        return False

    async def _fetched(self, run: Run) -> list[int]:
        etag = await self._pinned()
        job = read_job(self.engine.store, self.item, run.start_byte, run.stop_byte, etag=etag)
        return await self.engine.lanes.run(lambda halt: self.arrival.fetch(run, job, self.algorithm, halt), meter=self.meter)

    def _count(self, size: int, reused: int) -> None:
        self.meter.add(bytes_done=size, bytes_reused=reused)
        self.moved += size - reused

    def _mismatch(self, index: int) -> DigestMismatchError:
        start, stop = Run(index, index + 1, self.item.size).leaf_bytes(index)
        return DigestMismatchError(
            f"{self.item.path} (bytes {start} to {stop})",
            expected=self.item.digest,
            actual="other bytes",
            hint=DAMAGED,
        )
