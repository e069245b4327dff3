"""Giving work up: how the loop that no longer waits for blocking work tells it so, even while it waits for a network."""

import contextlib
import threading
from collections.abc import Callable, Generator
from types import TracebackType


class Halted(Exception):  # noqa: N818  # a signal inside the engine, never an error that a user sees
    """The work was given up; what it held is being returned."""


class Halt:
    """Tells blocking work that nobody waits for it any more. Asked by one thread, heard by another."""

    __slots__ = ("_close", "_lock", "asked")

    def __init__(self) -> None:
        self.asked = False
        self._close: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Halted` if the work was given up. Call it between pieces."""
        if self.asked:
            raise Halted

    def ask(self) -> None:
        """Give the work up: what it waits in is closed under it."""
        with self._lock:
            self.asked = True
            if self._close:
                self._close()

    def closing(self, close: Callable[[], None]) -> "Closing":
        """While the block runs, `ask` calls `close`, which must make what the block waits in return at once (it shuts a socket
        down) and must not raise; of blocks in one another, that of the innermost. Raise `Halted`, also in place of the error that
        the closing caused."""
        return Closing(self, close)

    def swap(self, close: Callable[[], None] | None, *, heed: bool = False) -> Callable[[], None] | None:
        """Let `ask` call this from now on. Returns what it called before. With `heed`, raise `Halted` if it was called for."""
        with self._lock:
            if heed:
                self.check()
            before, self._close = self._close, close
        return before


class Closing:
    """The block of `Halt.closing`. As a generator it would cost three times as much, and each request has one."""

    __slots__ = ("_before", "_close", "_halt")

    def __init__(self, halt: Halt, close: Callable[[], None]) -> None:
        self._halt, self._close = halt, close
        self._before: Callable[[], None] | None = None

    def __enter__(self) -> None:
        self._before = self._halt.swap(self._close, heed=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._halt.swap(self._before)
        if isinstance(error, Exception):
            self._halt.check()


_local = threading.local()


def current_halt() -> Halt:
    """The halt of the work that this thread runs; outside of any, one that nobody asks."""
    return getattr(_local, "halt", None) or Halt()


@contextlib.contextmanager
def halting(halt: Halt) -> Generator[None]:
    """Let `halt` be the current one of this thread while the block runs."""
    before = getattr(_local, "halt", None)
    _local.halt = halt
    try:
        yield
    finally:
        _local.halt = before
