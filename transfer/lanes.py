"""Lanes: the threads that move bulk bytes, so that event loops stay free."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ..store.halt import Halt, halting
from ..store.threads import ended
from .gauges import restarted
from .hands import Hands
from .progress import Meter

T = TypeVar("T")
PIECE = 1 << 20  # what a lane reads, hashes and writes at a time, while it is warm


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Lanes:
    """A pool of threads, and at most so many `hands` beside it. Made on first use, and anew in a forked child."""

    def __init__(self, count: int, *, hands: int = 0) -> None:
        self.count, self.hands = count, Hands(hands)
        self._pools: dict[int, ThreadPoolExecutor] = {}  # by process: a forked child has its parent's object, but no threads

    async def run(self, work: Callable[[Halt], T], *, meter: Meter | None = None) -> T:
        """Run `work` in a lane; the `meter` is told what its time went into. If this call is cancelled, the work is told to halt,
        and has returned before the cancellation goes on: whoever cleans up after it finds nobody writing."""
        halt = Halt()
        job = self._pool().submit(_work, work, halt, meter)
        future = asyncio.wrap_future(job)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            halt.ask()
            if not job.cancel():  # it has begun
                await ended(future)
            raise
        return future.result()

    async def run_by_hand(self, work: Callable[..., T], *args: Any, meter: Meter) -> T:
        """As `run`, by a hand if one is free: see `Hands.do`."""
        return await self.run(lambda halt: self.hands.do(work, args, halt), meter=meter)

    def close(self) -> None:
        """Let the threads and processes end. Work that runs is waited for."""
        if pool := self._pools.pop(os.getpid(), None):
            pool.shutdown()
        self.hands.close()

    def _pool(self) -> ThreadPoolExecutor:
        # Several loops may come here at once. `setdefault` lets one of them win, and a pool without work has no threads.
        pid, count = os.getpid(), self.count + self.hands.most
        return self._pools.get(pid) or self._pools.setdefault(pid, ThreadPoolExecutor(count, "lading-lane"))


def _work(work: Callable[[Halt], T], halt: Halt, meter: Meter | None) -> T:
    watch = restarted()
    try:
        with halting(halt):
            return work(halt)
    finally:
        if meter is not None:
            meter.spend(**watch.read())


_local = threading.local()


def buffer() -> memoryview:
    """The calling lane's own piece of memory, reused from job to job."""
    view = getattr(_local, "view", None)
    if view is None:
        view = _local.view = memoryview(bytearray(PIECE))
    return view
