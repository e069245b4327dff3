"""The one budget of memory: whatever will hold bytes borrows them first, and the borrow is where we wait."""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from .bridged import bridged


class BudgetStatistics(Struct, frozen=True):
    """Bytes in all, bytes lent, and how many borrowers wait."""

    total: int
    lent: int
    waiting: int


@dataclass(eq=False, slots=True)
class _Waiter:
    size: int
    loop: asyncio.AbstractEventLoop
    granted: "asyncio.Future[None]"
    bridged: bool


@dataclass(eq=False, slots=True)
class Kept:
    """Bytes that somebody keeps until another needs them."""

    size: int
    forget: Callable[[], object]


class ByteBudget:
    """Lends bytes, first come, first served, to any thread's event loop.

    The oldest borrower is always served once nothing else is lent, even if it asks for more than there is: a budget may slow
    a transfer down, never stop it. The same holds for the oldest of those that are `bridged`, once nothing else is lent to these.
    What is to spare may be kept meanwhile, and is taken back when a borrower needs it.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.reset()

    def reset(self) -> None:
        """Forget all loans and borrowers: in a forked child, nobody else has any."""
        self._lent = self._bridged = 0  # bytes; of these, lent to what is bridged
        self._waiting: deque[_Waiter] = deque()
        self._kept: dict[Kept, None] = {}  # the longest unused first; counted as lent; nothing while anybody waits
        self._lock = threading.Lock()

    def statistics(self) -> BudgetStatistics:
        with self._lock:
            return BudgetStatistics(self.total, self._lent, len(self._waiting))

    @contextlib.asynccontextmanager
    async def loan(self, size: int) -> AsyncGenerator[None]:
        """Hold `size` bytes for as long as the block runs."""
        await self._borrow(size)
        try:
            yield
        finally:
            self._give_back(size, bridged=bridged.get())

    def keep(self, size: int, forget: Callable[[], object]) -> Kept | None:
        """Keep `size` bytes that are to spare, until `give_up`; None if there are none. When a borrower needs them they are taken
        back, the longest unused first, and `forget` is called, by whatever thread: it lets go of the memory, must be quick and
        must not raise."""
        kept = Kept(size, forget)
        with self._lock:
            if self._waiting or self._lent + size > self.total:
                return None
            self._lent += size
            self._kept[kept] = None
        return kept

    def use(self, kept: Kept) -> None:
        """They were used just now: others are taken back before."""
        with self._lock:
            if kept in self._kept:
                del self._kept[kept]
                self._kept[kept] = None

    def give_up(self, kept: Kept) -> None:
        """Keep them no longer; nothing if they were taken back."""
        with self._lock:
            size = kept.size if self._kept.pop(kept, self) is None else 0
        self._give_back(size)

    def _taken_back(self, size: int) -> list[Kept]:
        """What is kept no longer, so that these bytes fit, as far as that helps."""
        taken: list[Kept] = []
        while self._kept and not self._fits(size):
            taken.append(kept := next(iter(self._kept)))
            del self._kept[kept]
            self._lent -= kept.size
        return taken

    async def _borrow(self, size: int) -> None:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(size, loop, loop.create_future(), bridged.get())
        with self._lock:
            taken = [] if self._waiting else self._taken_back(size)
            granted = (not self._waiting and self._fits(size)) or (waiter.bridged and not self._bridged)
            if granted:
                self._lend(waiter)
            else:
                self._waiting.append(waiter)
        for kept in taken:
            kept.forget()
        if granted:
            return
        try:
            await waiter.granted
        except asyncio.CancelledError:
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                    size = 0
            self._give_back(size, bridged=waiter.bridged)  # granted at the moment of the cancellation, or now in nobody's way
            raise

    def _give_back(self, size: int, *, bridged: bool = False) -> None:
        with self._lock:
            self._lent -= size
            self._bridged -= size if bridged else 0
            while waiter := self._next():
                self._waiting.remove(waiter)
                try:
                    waiter.loop.call_soon_threadsafe(_grant, waiter.granted)
                except RuntimeError:  # its loop was closed: nobody waits any more
                    continue
                self._lend(waiter)

    def _lend(self, waiter: _Waiter) -> None:
        self._lent += waiter.size
        self._bridged += waiter.size if waiter.bridged else 0

    def _next(self) -> _Waiter | None:
        """Who is to be served now."""
        if self._waiting and self._fits(self._waiting[0].size):
            return self._waiting[0]
        return None if self._bridged else next((waiter for waiter in self._waiting if waiter.bridged), None)

    def _fits(self, size: int) -> bool:
        return self._lent == 0 or self._lent + size <= self.total


def _grant(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def default_memory() -> int:
    """A quarter of what the cgroup, or else the machine, has; between 32 and 80 MiB. A lane holds 1 MiB, so eighty may move bytes
    at the same time, which is more than any network asks for, and the process stays below 150 MB."""
    limit = memory_limit(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"), Path("/proc/meminfo"))
    return min(max(limit // 4, 32 << 20), 80 << 20)


def memory_limit(own: Path, root: Path, meminfo: Path) -> int:
    """Bytes that this process may use: the tightest limit on its way up the cgroup tree, of either version, and the machine's
    memory."""
    limits = [4 << 30]
    with contextlib.suppress(OSError, ValueError, IndexError):
        limits = [int(meminfo.read_text(encoding="ascii").split()[1]) << 10]
    with contextlib.suppress(OSError, ValueError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                limits += _limits(root, path, "memory.max")
            elif "memory" in controllers.split(","):
                limits += _limits(root / "memory", path, "memory.limit_in_bytes")
    return min(limits)


def _limits(root: Path, path: str, name: str) -> Iterator[int]:
    """What the groups from `path` up to the root say. In a container the path may be that of outside, where only the root is."""
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):
            yield int((folder / name).read_text(encoding="ascii"))
        if folder == root:
            return


_shared: ByteBudget | None = None
_making = threading.Lock()


def shared_budget() -> ByteBudget:
    """The budget of this process."""
    global _shared
    with _making:
        if _shared is None:
            _shared = ByteBudget(default_memory())
        return _shared


def _after_fork() -> None:
    """A child has none of its parent's loans and borrowers, nor the threads that might have held the locks."""
    global _making
    _making = threading.Lock()
    if _shared is not None:
        _shared.reset()


os.register_at_fork(after_in_child=_after_fork)
