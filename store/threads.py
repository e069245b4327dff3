"""Threads that are waited for: blocking work, and what must not be left half done, under cancellation."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from .halt import Halt, current_halt, halting

T = TypeVar("T")


async def ended(future: "asyncio.Future[Any]") -> asyncio.CancelledError | None:
    """Wait until the future is done, even if this call is cancelled meanwhile, and again. Returns the last cancellation."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if not future.cancelled():
        future.exception()  # seen, also where a cancellation goes on in its place
    return cancelled


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await all of `work`, whatever cancels this call meanwhile; the cancellation goes on afterwards."""
    task = asyncio.ensure_future(work)  # a task of its own, which no cancellation reaches; it ends before this call does
    if cancelled := await ended(task):
        raise cancelled
    return task.result()


async def in_grace(work: Coroutine[Any, Any, T], seconds: float | None, *, given_up: bool = False) -> T:
    """As `to_the_end`; but from a cancellation on, or at once if all was `given_up` before, the work has only so many seconds
    (None: all it needs) until it is cancelled, too: for work that waits for a network, and must not make its owner wait."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            over = not (await asyncio.wait([task], timeout=seconds if given_up else None))[0]
        except asyncio.CancelledError as error:
            cancelled, given_up = error, True
        else:
            if over:
                task.cancel()
                cancelled = await ended(task) or cancelled
    if cancelled:
        if not task.cancelled():
            task.exception()  # seen
        raise cancelled
    return task.result()


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking `work` in a thread. When this call ends, by cancellation too, the work has returned; a cancellation
    halts it where it listens."""
    halt = Halt()

    def run() -> T:
        with halting(halt):
            return work()

    future = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        await asyncio.wait([future])
    except asyncio.CancelledError:
        halt.ask()
        await ended(future)
        raise
    return future.result()


_GLANCE = 0.05  # seconds between two looks at whether the work was given up


@contextlib.contextmanager
def patiently(lock: threading.Lock) -> Generator[None]:
    """Hold the lock while the block runs. Raise `Halted` if this thread's work is given up while it waits."""
    halt = current_halt()
    while not lock.acquire(timeout=_GLANCE):
        halt.check()
    try:
        yield
    finally:
        lock.release()


def aside(work: Callable[[], T]) -> T:
    """Run work that nothing can interrupt, and wait for it. Raise `Halted` if this thread's work is given up meanwhile: then it
    goes on by itself, for nobody, and must do no harm."""
    done, halt = Future[T](), current_halt()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run, name="lading-aside", daemon=True)
    thread.start()
    while thread.is_alive():
        halt.check()
        thread.join(_GLANCE)
    return done.result()
