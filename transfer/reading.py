"""Reading: content at random, leaf by leaf, with the next ones read ahead where they are read in order."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator

from msgspec import Struct

from ..errors import LadingError
from ..manifest.digest import LEAF_SIZE, leaf_count
from .budget import Kept
from .content import Content, leaf_bytes
from .driver import drive
from .plan import is_large
from .progress import Meter

RECENT = 3  # leaves that were read are kept, where there is memory to spare: who seeks often seeks back
AHEAD, AHEAD_NEAR = 8, 2  # leaves at most that are read before they are asked for


class _Ahead(Struct, frozen=True):
    """A leaf that is read before anybody asks for it, into memory that nobody else needs."""

    task: "asyncio.Task[memoryview | None]"
    kept: Kept


class Reader:
    """Content at random, for one event loop; any thread may ask what is `held`.

    Memory: while a leaf is fetched it is borrowed from the engine's budget. Beyond the budget the reader holds one leaf, the one
    that was read last; others only in memory that is to spare, and lets go of them when a transfer needs it.
    """

    def __init__(self, content: Content, tasks: asyncio.TaskGroup) -> None:
        """What is read ahead is read in `tasks`. `look` comes next, and `close` last; or see `reading`."""
        self.content, self.engine, self.size, self.meter = content, content.engine, content.size, Meter()
        self._tasks, self._loop = tasks, asyncio.get_running_loop()
        self._current: tuple[int, memoryview] = (-1, memoryview(b""))
        self._leaves: dict[int, memoryview] = {}  # read, and still kept; the longest unused first
        self._kept: dict[int, Kept] = {}
        self._ahead: dict[int, _Ahead] = {}
        self._window = 0
        most = AHEAD_NEAR if self.engine.store.near else AHEAD
        self._most = max(1, min(most, self.engine.budget.total // 2 // LEAF_SIZE))
        self._closed = False

    async def look(self) -> None:
        """Find out what is near. Comes first."""
        await self.content.look()

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
        await self.content.close()

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
        start, stop = leaf_bytes(index, self.size)
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
    async def _fetched(self, index: int, *, borrowed: bool) -> memoryview:
        start, stop = leaf_bytes(index, self.size)
        found: list[memoryview] = []

        async def execute(index: int) -> float:
            if borrowed:
                content, moved = await self.content.leaf(index)
            else:
                async with self.engine.memory(stop - start, self.meter):
                    content, moved = await self.content.leaf(index)
            found.append(content)
            return moved

        bulk, small = ([index], []) if is_large(self.size) else ([], [index])
        limits, retry = self.engine.gates.parts(), self.engine.retry
        try:
            await drive(execute, small=small, bulk=bulk, limits=limits, retry=retry, meter=self.meter)
        except LadingError as error:
            worse = await self.content.judged(error)
            raise worse from (None if worse is error else error)
        return found[0]


@contextlib.asynccontextmanager
async def reading(content: Content) -> AsyncGenerator[Reader]:
    """A reader of the content, for as long as the block runs."""
    failed: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        reader = Reader(content, tasks)
        try:
            await reader.look()
            yield reader
        except BaseException as error:  # raised below as it is: the group would wrap it
            failed = error
        finally:
            await reader.close()
    if failed is not None:
        raise failed
