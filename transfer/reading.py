"""Reading: the content of one object at random, leaf by leaf, each verified before any of its bytes is given out."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator

from msgspec import Struct

from ..errors import DigestMismatchError, LadingError, ObjectChangedError, StoreError
from ..manifest.digest import LEAF_SIZE, Algorithm, hasher, leaf_count
from ..store.halt import Halt
from ..store.jobs import ReadJob
from .arrival import DAMAGED
from .batches import amount
from .budget import Kept
from .driver import drive, persist
from .engine import Engine
from .fetch import judged
from .gauges import turn
from .lanes import buffer
from .plan import FetchItem, Run, is_large
from .progress import Meter
from .source import read_job

RECENT = 3  # leaves that were read are kept, where there is memory to spare: who seeks often seeks back
AHEAD, AHEAD_NEAR = 8, 2  # leaves at most that are read before they are asked for


class _Ahead(Struct, frozen=True):
    """A leaf that is read before anybody asks for it, into memory that nobody else needs."""

    task: "asyncio.Task[memoryview | None]"
    kept: Kept


class Reader:
    """The content of an item, for one event loop; any thread may ask what is `held`.

    Memory: while a leaf is fetched it is borrowed from the engine's budget. Beyond the budget the reader holds one leaf, the one
    that was read last; others only in memory that is to spare, and lets go of them when a transfer needs it.
    """

    def __init__(self, engine: Engine, item: FetchItem, algorithm: Algorithm, tasks: asyncio.TaskGroup) -> None:
        """What is read ahead is read in `tasks`. `look` comes next, and `close` last; or see `reading`."""
        self.engine, self.item, self.algorithm, self.meter = engine, item, algorithm, Meter()
        self.size = item.size
        self._tasks, self._loop = tasks, asyncio.get_running_loop()
        self._current: tuple[int, memoryview] = (-1, memoryview(b""))
        self._leaves: dict[int, memoryview] = {}  # read, and still kept; the longest unused first
        self._kept: dict[int, Kept] = {}
        self._ahead: dict[int, _Ahead] = {}
        self._window = 0
        self._most = max(1, min(AHEAD_NEAR if engine.store.near else AHEAD, engine.budget.total // 2 // LEAF_SIZE))
        self._etag: str | None = None
        self._pinning = asyncio.Lock()
        self._closed = False

    async def look(self) -> None:
        """Find out whether a local file has the same content: then that is read, as long as it verifies."""
        index, digest = self.engine.index, self.item.digest
        if index is not None and not self.engine.store.near:
            found = await self.engine.lanes.run(lambda halt: index.copies([digest], self.algorithm))
            self.item = self.item.copied_from(found.get(digest))

    def held(self, index: int) -> memoryview | None:
        """The content of a leaf, if it is at hand."""
        current, content = self._current
        return content if current == index else self._leaves.get(index)

    def is_current(self, index: int) -> bool:
        """Whether it is the leaf that was read last, so that reading more of it changes nothing."""
        return self._current[0] == index

    async def leaf(self, index: int, until: int = 0) -> memoryview:
        """The content of a leaf. Those that follow are read ahead: up to leaf `until`, and twice as far each time that leaves are
        read in order. Raise `DigestMismatchError`, `NotFoundError` and other errors of the store that retries did not heal."""
        self._reach(index, until)
        content = self.held(index)
        if content is None:
            content = await self._arrived(index)
        if content is None:
            content = await self._fetched(index, borrowed=False)
        self._hold(index, content)
        return content

    async def read(self, start: int, stop: int) -> bytes:
        """The bytes [start, stop), as far as there are such."""
        found, stop = bytearray(), min(stop, self.size)
        while start < stop:
            index, offset = divmod(start, LEAF_SIZE)
            content = await self.leaf(index, (stop - 1) // LEAF_SIZE)
            found += content[offset : offset + stop - start]
            start = (index + 1) * LEAF_SIZE
        return bytes(found)

    async def close(self) -> None:
        """Hold nothing. When this returns nothing is read ahead any more. Repeatable."""
        tasks = [each.task for each in self._ahead.values()]
        self.abandon()
        if tasks:
            await asyncio.wait(tasks)

    def abandon(self) -> None:
        """As `close`, for those who cannot wait; on the reader's loop."""
        self._closed = True
        self._current = (-1, memoryview(b""))
        for index in list(self._kept):
            self._drop(index)
        for index in list(self._ahead):
            self._lose(index)

    # -- what is at hand ----------------------------------------------------------------------------------------------
    def _hold(self, index: int, content: memoryview) -> None:
        if self._closed:
            return
        self._current = (index, content)
        kept = self._kept.pop(index, None)
        if kept is None or index not in self._leaves:
            # It is there before anybody can take it away.
            self._leaves[index] = content
            kept = self.engine.budget.keep(len(content), functools.partial(self._leaves.pop, index, None))
        else:
            self.engine.budget.use(kept)
        if kept is None:
            self._leaves.pop(index, None)
        else:
            self._kept[index] = kept
        while len(self._kept) > RECENT:
            self._drop(next(iter(self._kept)))

    def _drop(self, index: int) -> None:
        self._leaves.pop(index, None)
        self.engine.budget.give_up(self._kept.pop(index))

    # -- reading ahead ------------------------------------------------------------------------------------------------
    def _reach(self, index: int, until: int) -> None:
        if self._closed:
            return
        last = self._current[0]
        if index == last + 1 and last >= 0:
            self._window = min(max(1, 2 * self._window), self._most)
        elif index != last:
            self._window = 0
        stop = min(max(index + self._window, min(until, index + self._most)) + 1, leaf_count(self.size))
        for other in list(self._ahead):
            if not index <= other < stop:
                self._lose(other)
        for other in range(index + 1, stop):
            if other not in self._ahead and self.held(other) is None and not self._begin(other):
                break

    def _begin(self, index: int) -> bool:
        """Whether there was memory to spare."""
        start, stop = self._run(index).leaf_bytes(index)
        # Whoever needs the memory takes it, in whatever thread: what was read so far is given up.
        kept = self.engine.budget.keep(stop - start, functools.partial(self._taken_back, index))
        if kept is not None:
            self._ahead[index] = _Ahead(self._tasks.create_task(self._tried(index)), kept)
        return kept is not None

    async def _tried(self, index: int) -> memoryview | None:
        try:
            return await self._fetched(index, borrowed=True)
        except Exception:  # whoever asks for the leaf will meet it
            return None

    async def _arrived(self, index: int) -> memoryview | None:
        """What reading ahead brought; None if nothing."""
        ahead = self._ahead.get(index)
        if ahead is None:
            return None
        await asyncio.wait([ahead.task])
        content = None if ahead.task.cancelled() else ahead.task.result()
        if self._ahead.get(index) is ahead:
            self._lose(index)
        return content

    def _lose(self, index: int) -> None:
        if ahead := self._ahead.pop(index, None):
            ahead.task.cancel()
            self.engine.budget.give_up(ahead.kept)

    def _taken_back(self, index: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed, and the task ended with it
            self._loop.call_soon_threadsafe(self._lose, index)

    # -- fetching -----------------------------------------------------------------------------------------------------
    def _run(self, index: int) -> Run:
        return Run(index, index + 1, self.size)

    async def _fetched(self, index: int, *, borrowed: bool) -> memoryview:
        start, stop = self._run(index).leaf_bytes(index)
        found: list[memoryview] = []

        async def execute(index: int) -> float:
            if borrowed:
                content, moved = await self._verified(index, start, stop)
            else:
                async with self.engine.memory(stop - start, self.meter):
                    content, moved = await self._verified(index, start, stop)
            found.append(content)
            return moved

        bulk, small = ([index], []) if is_large(self.size) else ([], [index])
        limits, retry = self.engine.gates.parts(), self.engine.retry
        try:
            await drive(execute, small=small, bulk=bulk, limits=limits, retry=retry, meter=self.meter)
        except LadingError as error:
            worse = await judged(self.engine, self.item, error)
            raise worse from (None if worse is error else error)
        return found[0]

    async def _verified(self, index: int, start: int, stop: int) -> tuple[memoryview, float]:
        """The leaf, and how much of it the store moved."""
        if (item := self.item).copy is not None:
            with contextlib.suppress(StoreError, DigestMismatchError):
                return await self._read(index, read_job(self.engine.store, item, start, stop)), 0.0
            self.item = self.item.copied_from(None)  # it has gone, or was changed
        etag = await self._pinned()
        try:
            content = await self._read(index, self.engine.store.read(item.key, start, stop, etag=etag))
        except ObjectChangedError:
            # Somebody mended it: the same content, as each leaf proves, under another etag.
            if self._etag == etag:
                self._etag = None
            content = await self._read(index, self.engine.store.read(item.key, start, stop, etag=await self._pinned()))
        return content, amount([stop - start])

    async def _pinned(self) -> str | None:
        """What all ranges are to be of. None where that is proven for less: of one leaf, and of a near store."""
        if not is_large(self.size) or self.engine.store.near:
            return None
        async with self._pinning:
            if self._etag is None:
                head = functools.partial(self.engine.store.head, self.item.key)
                self._etag = (await persist(head, retry=self.engine.retry, meter=self.meter)).etag
        return self._etag

    async def _read(self, index: int, job: ReadJob) -> memoryview:
        algorithm = self.algorithm
        content, digest = await self.engine.lanes.run(lambda halt: _read(job, algorithm, halt), meter=self.meter)
        if [digest] != self.item.leaf_digests(index, index + 1):
            start, stop = self._run(index).leaf_bytes(index)
            name = f"{self.item.path} (bytes {start} to {stop})"
            raise DigestMismatchError(name, expected=self.item.digest, actual="other bytes", hint=DAMAGED)
        return content


def _read(job: ReadJob, algorithm: Algorithm, halt: Halt) -> tuple[memoryview, bytes]:
    """All that the job reads, in memory of its own, and its digest."""
    content, leaf, done = memoryview(bytearray(job.size)), hasher(algorithm), 0

    def take(piece: memoryview) -> None:
        nonlocal done
        halt.check()
        turn("cpu")
        content[done : done + len(piece)] = piece
        leaf.update(piece)
        done += len(piece)
        turn("store")

    turn("store")
    job.read(buffer(), take)
    return content.toreadonly(), leaf.digest()


@contextlib.asynccontextmanager
async def reading(engine: Engine, item: FetchItem, algorithm: Algorithm) -> AsyncGenerator[Reader]:
    """A reader of the item's content, for as long as the block runs."""
    failed: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        reader = Reader(engine, item, algorithm, tasks)
        try:
            await reader.look()
            yield reader
        except BaseException as error:  # raised below as it is: the group would wrap it
            failed = error
        finally:
            await reader.close()
    if failed is not None:
        raise failed
