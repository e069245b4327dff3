"""SQLite and fork: no fork while a thread is inside SQLite, whose locks a child would inherit locked, for ever."""

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE = 10.0  # seconds; a call that takes longer waits for another process, and does so without SQLite's own locks


class _Calls:
    """How many calls are inside, and how many threads want to fork. A fork waits for those inside, a call for forks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = self._forking = 0
        self._mine = threading.local()

    @property
    def _depth(self) -> int:
        """How many of the calls inside are this thread's."""
        return getattr(self._mine, "depth", 0)

    def enter(self) -> None:
        with self._changed:
            while self._forking and not self._depth:
                self._changed.wait()
            self._inside += 1
        self._mine.depth = self._depth + 1

    def leave(self) -> None:
        self._mine.depth = self._depth - 1
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def before_fork(self) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            self._forking += 1
            while self._inside > self._depth and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def after_fork(self) -> None:
        with self._changed:
            self._forking -= 1
            self._changed.notify_all()


_calls = _Calls()


@contextmanager
def in_sqlite() -> Generator[None]:
    """Whatever calls SQLite does so in here, so that this process is not forked meanwhile. It may be nested."""
    calls = _calls  # in a child that was forked in here, another one takes its place
    calls.enter()
    try:
        yield
    finally:
        calls.leave()


def _renew() -> None:
    global _calls
    _calls = _Calls()


os.register_at_fork(before=lambda: _calls.before_fork(), after_in_parent=lambda: _calls.after_fork(), after_in_child=_renew)
