"""Work: a command's async function, run to its end, also where Ctrl-C is its end."""

import functools
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from .console import Console
from .durations import DURATION
from .failures import InterruptedWork

if TYPE_CHECKING:
    import asyncio

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def with_console(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a command's function of an async one that takes a `Console` first. Adds --json and --quiet."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")
    @click.option("--quiet", "-q", is_flag=True, help="No progress, no notices.")
    @functools.wraps(function)
    def call(*, as_json: bool, quiet: bool, **given: Any) -> None:
        from ..settings import load_settings
        from .notices import spoken

        quiet = quiet or click.get_current_context().meta.get("lading.quiet", False) or load_settings().quiet
        console = Console(as_json=as_json, quiet=quiet)
        with spoken(quiet=quiet):
            run_to_end(lambda: function(console, **given))

    return call


def with_deadline(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Adds --deadline to a command's async function. What is not done by then is cancelled as Ctrl-C would."""

    @click.option("--deadline", type=DURATION, metavar="TIME", help="Give up what is not done in this time: 90s, 15min, 2h …")
    @functools.wraps(function)
    async def call(console: Console, *, deadline: float | None, **given: Any) -> None:
        from ...transfer.deadline import within

        async with within(deadline, click.get_current_context().command_path):
            await function(console, **given)

    return call


def run_to_end(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run on a loop of its own. The first Ctrl-C or SIGTERM cancels, waits until the work has cleaned up, and raises
    `InterruptedWork`; a second one ends the process at once."""
    import asyncio  # what only says --help does without it

    with asyncio.Runner() as runner:
        got: list[int] = []

        async def work() -> None:
            task = asyncio.current_task()
            assert task is not None
            with _signals(_first_cancels(task, got)):
                await start()

        try:
            runner.run(work())
        except (asyncio.CancelledError, Exception) as error:
            if got:
                raise InterruptedWork(got[0]) from error
            raise
        finally:
            from ...transfer.hands import close_all

            close_all()  # the end of the process is sudden, and who asks what it took asks for all


def _first_cancels(task: "asyncio.Task[Any]", got: list[int]) -> Callable[[int, FrameType | None], None]:
    loop = task.get_loop()

    def handle(number: int, _: FrameType | None) -> None:
        if got:
            os.write(2, b"interrupted again; stopped without cleaning up\n")
            os._exit(128 + number)
        got.append(number)
        loop.call_soon_threadsafe(task.cancel)  # also wakes the loop

    return handle


@contextmanager
def asking() -> Generator[None]:
    """While a person is asked, Ctrl-C raises KeyboardInterrupt at once: a loop that waits for the answer cannot cancel."""
    with _signals(signal.default_int_handler):
        yield


@contextmanager
def _signals(handle: Callable[[int, FrameType | None], None]) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored (nohup, a job in the background of a script) stays ignored.
    before = {number: handler for number in _SIGNALS if (handler := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
