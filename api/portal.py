"""The bridge: blocking calls run their `…_async` form on one loop in one background thread."""

import asyncio
import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, wait
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from ..errors import UsageError

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_exit = contextlib.ExitStack()
_inherited: list[contextlib.ExitStack] = []
_portal: "BlockingPortal | None" = None
_thread: int | None = None


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
    if threading.get_ident() == _thread:
        raise UsageError("a blocking call on lading's own loop would wait for itself", hint="await its …_async form")
    work = Work(start)
    try:
        work.begin()
        return work.future.result()
    except RuntimeError as error:
        if "after" in str(error) and "shutdown" in str(error):
            hint = "let the main thread wait for it (join), or make the call before the script ends"
            raise UsageError("a thread called lading while Python was shutting down", hint=hint) from error
        raise
    except BaseException:
        if not work.future.done():  # Ctrl-C, or whatever else a signal handler raises
            work.cancel()
            wait((work.future,))  # until it has cleaned up; a second interrupt does not wait
        raise


def launch(start: Callable[[], Coroutine[Any, Any, T]]) -> "Work[T]":
    """Start on the bridge's loop without waiting."""
    work = Work(start)
    work.begin()
    return work


class Work(Generic[T]):
    """Something that runs on the bridge's loop. `future` says what came of it, once its clean-up is over, too."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.future: Future[T] = Future()
        self._start = start
        self._task: asyncio.Task[T] | None = None
        self._given_up = False

    def begin(self) -> None:
        portal = _opened()
        if threading.get_ident() == _thread:  # the portal takes work from other threads only
            asyncio.get_running_loop().run_in_executor(None, portal.start_task_soon, self._main)
        else:
            portal.start_task_soon(self._main)

    def cancel(self) -> None:
        """Ask it to stop; `future` ends when it has. Not to be called on the bridge's loop."""
        # Not by cancelling the future: its scope would cancel the clean-up again and again.
        _opened().start_task_soon(self._stop)

    def _stop(self) -> None:
        self._given_up = True
        if self._task is not None:
            self._task.cancel()
        elif self.future.cancel():
            self.future.set_running_or_notify_cancel()  # tells those who wait

    async def _main(self) -> None:
        if self._given_up or not self.future.set_running_or_notify_cancel():
            return
        try:
            self._task = asyncio.ensure_future(self._start())
            self.future.set_result(await self._task)
        except BaseException as error:  # for whoever waits; the bridge lives on
            self.future.set_exception(CancelledError() if isinstance(error, asyncio.CancelledError) else error)


def _opened() -> "BlockingPortal":
    global _portal, _thread
    with _lock:
        if _portal is None:
            from anyio.from_thread import start_blocking_portal

            _portal = _exit.enter_context(start_blocking_portal("asyncio", name="lading-bridge"))
            _thread = _portal.call(threading.get_ident)
        return _portal


def _after_fork() -> None:
    """The child has no bridge thread: it starts its own on first use."""
    global _lock, _exit, _portal, _thread
    _inherited.append(_exit)  # kept: its end would wait for the parent's thread
    _lock, _exit, _portal, _thread = threading.Lock(), contextlib.ExitStack(), None, None


def _close() -> None:
    with _lock:
        _exit.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_close)
