"""Hands: processes beside the lanes, for as long as many small things are moved. The interpreter's lock lets the lanes of one
process do little of that at the same time."""

import atexit
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, cast

from ..store.halt import Halt
from ..store.threads import in_thread
from .gauges import adopt
from .hand import Hand, HandLostError, possible

T = TypeVar("T")
_log = logging.getLogger("lading")
WORTH = 2_000  # things: a lane moves so many small files while a process starts
MOST = 3  # with more, what is left to this process takes longer than what they do
_MODULES = [f"{__package__}.{name}" for name in ("hashing", "send_small", "fetch_small")]  # whose work they are given
REST = 5.0  # seconds: what is hashed is sent soon after


class Hands:
    """At most so many of them. They are started when they are worth it, and end when nobody needed them for a while. Any thread
    and any loop may use them; a forked child has none of its parent's."""

    def __init__(self, most: int) -> None:
        self.most = min(most, MOST) if possible() else 0
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Begin anew: what there is belongs to another process."""
        self._lock = threading.Lock()
        self._started: list[Hand] = []
        self._free: list[Hand] = []
        self._users = 0
        self._rest: threading.Timer | None = None
        self._bounds: tuple[str, int, int] | None = None  # of those that were started

    @contextlib.asynccontextmanager
    async def helping(self, things: int) -> AsyncGenerator[int]:
        """Let hands be there while the block runs, if so many small things are worth it; how many there are."""
        if not self.most or things < WORTH:
            yield 0
            return
        try:
            self._wanted(1)
            yield await in_thread(self._start)
        finally:
            self._wanted(-1)

    def do(self, work: Callable[..., T], args: tuple[Any, ...], halt: Halt) -> T:
        """What `work(*args, halt)` returns, done by a hand that is free, else by this lane, and so are errors. `work` can be
        imported, and can be run again: where a hand failed or has ended, and where what it takes or returns cannot be pickled.

        Nobody knows what a hand that has ended did before: what it made is there already for whoever does its work again, and is
        counted as reused."""
        hand = self._taken()
        if hand is None:
            return work(*args, halt)
        try:
            outcome = hand.do(work, args, halt)
        except HandLostError:
            self._lose(hand)
            _log.debug("a process that helped has ended; its work is done here")
            return work(*args, halt)
        except BaseException:  # given up: so is the hand
            self._lose(hand)
            raise
        with self._lock:
            if hand in self._started:  # still one of ours
                self._free.append(hand)
        if outcome is None:
            return work(*args, halt)
        adopt(outcome.spent)
        return cast(T, outcome.value)

    def close(self) -> None:
        """They have ended when this returns. Who is used later starts new ones."""
        with self._lock:
            if self._rest:
                self._rest.cancel()
                self._rest = None
            started = self._emptied()
        self._end(started)

    def _emptied(self) -> list[Hand]:
        started, self._started, self._free = self._started, [], []
        return started

    @staticmethod
    def _end(hands: list[Hand]) -> None:
        for hand in hands:
            hand.stop()
        for hand in hands:
            hand.close()

    def _wanted(self, by: int) -> None:
        with self._lock:
            self._users += by
            if self._rest:
                self._rest.cancel()
                self._rest = None
            if not self._users and self._started:
                self._rest = threading.Timer(REST, self._over)
                self._rest.daemon = True
                with contextlib.suppress(RuntimeError):  # no room for another thread: they rest for as long as the engine lives
                    self._rest.start()

    def _over(self) -> None:
        with self._lock:
            started = [] if self._users else self._emptied()
        self._end(started)

    def _start(self) -> int:
        with self._lock, contextlib.suppress(OSError):  # without room for another process the lanes do it alone
            if (bounds := _bounds()) != self._bounds:
                self._end(self._emptied())
                self._bounds = bounds
            while len(self._started) < self.most:
                hand = Hand(*_MODULES)
                self._started.append(hand)
                self._free.append(hand)
        return len(self._started)

    def _taken(self) -> Hand | None:
        """One that waits for work, and is taken from the others; a lane need not wait until one has started."""
        with self._lock:
            ready = next((hand for hand in self._free if hand.is_ready()), None)
            if ready:
                self._free.remove(ready)
            return ready

    def _lose(self, hand: Hand) -> None:
        with self._lock:
            if hand in self._started:
                self._started.remove(hand)
        hand.close()


def _bounds() -> tuple[str, int, int]:
    """What a process takes over from the one that starts it, and keeps: its umask, and who it is."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as status:
            umask = next((line for line in status if line.startswith("Umask:")), "")
    except OSError:
        umask = ""
    return umask, os.geteuid(), os.getegid()


_all: "weakref.WeakSet[Hands]" = weakref.WeakSet()


def close_all() -> None:
    """No hand of this process is left when this returns."""
    for hands in list(_all):
        hands.close()


def _after_fork() -> None:
    for hands in list(_all):
        for hand in hands._started:  # pyright: ignore[reportPrivateUsage]
            hand.abandon()
        hands.forget()


atexit.register(close_all)
os.register_at_fork(after_in_child=_after_fork)
