"""The bridge: blocking calls run their `…_async` form on one loop in one background thread."""

import asyncio
import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from msgspec import Struct

from ..errors import UsageError
from ..transfer.bridged import bridged

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

P = ParamSpec("P")
T = TypeVar("T")


class _Bridge(Struct, frozen=True):
    """The loop in its thread, and the group in which all of its work lives."""

    thread: int
    loop: asyncio.AbstractEventLoop
    tasks: asyncio.TaskGroup
    stop: asyncio.Event


_lock = threading.Lock()
_exit = contextlib.ExitStack()
_inherited: list[contextlib.ExitStack] = []
_bridge: _Bridge | None = None


def blocking(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The blocking name of an async function. It works in scripts, threads, notebooks, inside a running loop and after fork.

    A call that is given up (Ctrl-C) has cancelled its work, and the work has cleaned up, before the interrupt goes on.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return run(lambda: function(*args, **kwargs))

    call.__name__ = function.__name__.removesuffix("_async")
    call.__qualname__ = function.__qualname__.removesuffix("_async")
    return call


def run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end on the bridge's loop, and give what came of it."""
    if on_bridge():
        raise UsageError("a blocking call on lading's own loop would wait for itself", hint="await its …_async form")
    work = Work(start)
    try:
        work.begin()
        work.wait()
    except BaseException:
        if not work.ended:  # Ctrl-C, or whatever else a signal handler raises
            work.cancel()
            work.wait()  # until it has cleaned up; a second interrupt does not wait
        raise
    return work.result()


def on_bridge() -> bool:
    """Whether this is the bridge's own thread, which must not wait for itself."""
    return _bridge is not None and threading.get_ident() == _bridge.thread


def group() -> asyncio.TaskGroup:
    """The group in which the bridge's work lives, for what goes on after a call has returned; on the bridge's loop. Its tasks
    must not raise."""
    return _opened().tasks


def fetched(fetch: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """What a property of an artifact fetches. Raise `UsageError` where an event loop runs, which that would block."""
    if may_block():
        return run(fetch)
    raise UsageError(f"artifact.{name} would block this event loop", hint=f"await artifact.{name}_async()")


def may_block() -> bool:
    """Whether no event loop runs in this thread, which a blocking call would hold up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


def launch(start: Callable[[], Coroutine[Any, Any, T]]) -> "Work[T]":
    """Start on the bridge's loop without waiting."""
    work = Work(start)
    work.begin()
    return work


class Work(Generic[T]):
    """Something that runs on the bridge's loop.

    No future and no condition: a signal handler that raises inside of one can leave its lock taken, and then the bridge waits
    for ever.
    """

    def __init__(self, start: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.ended = False
        """Whether it is over, its clean-up included."""
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._watchers: list[Callable[[], None]] = []
        self._bell = threading.Lock()
        self._bell.acquire()

    def begin(self) -> None:
        bridge = _opened()
        bridge.loop.call_soon_threadsafe(self._spawn, bridge)

    def cancel(self) -> None:
        """Ask it to stop; it has ended when it has cleaned up."""
        _opened().loop.call_soon_threadsafe(self._stop)

    def wait(self) -> None:
        """Block until it has ended. For one thread."""
        # A signal that comes just before the wait begins does not end it: hence many short ones.
        while not self._bell.acquire(timeout=0.2):
            pass

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` when it has ended, in whatever thread, perhaps twice. It must be quick and must not raise."""
        self._watchers.append(tell)
        if self.ended:
            tell()

    def result(self) -> T:
        """What came of it, once it has ended."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _spawn(self, bridge: _Bridge) -> None:
        if bridge.stop.is_set():
            self._given_up()
        elif not self.ended:
            self._task = bridge.tasks.create_task(self._main())
            self._task.add_done_callback(self._given_up)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._given_up()

    def _given_up(self, task: "asyncio.Task[None] | None" = None) -> None:
        if not self.ended:  # it had not even begun
            self._end(CancelledError())

    async def _main(self) -> None:
        bridged.set(True)
        try:
            self._results.append(await self._start())
        except asyncio.CancelledError:
            self._end(CancelledError())
        except BaseException as error:  # for whoever waits; the bridge lives on
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        self._error, self.ended = error, True
        self._bell.release()
        for tell in self._watchers:
            tell()


def _opened() -> _Bridge:
    global _bridge
    with _lock:
        if (bridge := _bridge) is None:
            from anyio.from_thread import start_blocking_portal

            # On asyncio's own loop, also where uvloop is installed: docs/decisions/015 has the figures.
            portal = _exit.enter_context(start_blocking_portal("asyncio", name="lading-bridge"))
            begun: tuple[object, _Bridge] = portal.start_task(_serve)
            _bridge = bridge = begun[1]
            _exit.callback(bridge.loop.call_soon_threadsafe, bridge.stop.set)
        return bridge


async def _serve(*, task_status: "TaskStatus[_Bridge]") -> None:
    async with asyncio.TaskGroup() as tasks:
        stop = asyncio.Event()
        task_status.started(_Bridge(threading.get_ident(), asyncio.get_running_loop(), tasks, stop))
        await stop.wait()


def _after_fork() -> None:
    """The child has no bridge thread: it starts its own on first use."""
    global _lock, _exit, _bridge
    _inherited.append(_exit)  # kept: its end would wait for the parent's thread
    _lock, _exit, _bridge = threading.Lock(), contextlib.ExitStack(), None


def _close() -> None:
    with _lock:
        _exit.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_close)
