"""Gauges: where the time of a transfer went, summed over its lanes."""

import threading
import time
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Spending = Literal["store", "disk", "cpu", "pace"]


class Gauges(Struct, frozen=True):
    """Seconds. Those of lanes add up to more than passed on the clock, as they work side by side."""

    store: float = 0.0  # until it took or gave the next bytes
    disk: float = 0.0  # of this machine: read or written
    cpu: float = 0.0  # hashing
    pace: float = 0.0  # waiting for the bandwidth limit
    throttled: float = 0.0  # waiting because the store was busy, or did not answer
    memory: float = 0.0  # waiting for the memory budget
    worked: float = 0.0  # that the processors really spent on it in lanes, within all of the above

    def __add__(self, other: "Gauges") -> "Gauges":
        return Gauges(*(getattr(self, each) + getattr(other, each) for each in GAUGES))

    def since(self, earlier: "Gauges") -> "Gauges":
        """What was added after the earlier look."""
        return Gauges(*(getattr(self, each) - getattr(earlier, each) for each in GAUGES))


GAUGES = Gauges.__struct_fields__


class Stopwatch:
    """Divides the time of one thread among what it is spent on. Starts with waiting for the store."""

    __slots__ = ("_kind", "_since", "_worked", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[Spending, float] = {"store": 0.0, "disk": 0.0, "cpu": 0.0, "pace": 0.0}
        self._kind: Spending = "store"
        self._since, self._worked = time.perf_counter(), time.thread_time()

    def turn(self, kind: Spending) -> Spending:
        """What comes now is spent on `kind`. Returns what came before."""
        now, before = time.perf_counter(), self._kind
        self.seconds[before] += now - self._since
        self._since, self._kind = now, kind
        return before

    def adopt(self, seconds: Mapping[str, float]) -> None:
        """All that this thread did so far was to wait for another, which spent its time on this."""
        self.seconds = {kind: seconds[kind] for kind in self.seconds}
        self._since, self._worked = time.perf_counter(), time.thread_time() - seconds["worked"]

    def read(self) -> dict[str, float]:
        """The seconds so far."""
        self.turn(self._kind)
        seconds: dict[str, float] = dict(self.seconds.items())
        return seconds | {"worked": time.thread_time() - self._worked}


class _Local(threading.local):
    def __init__(self) -> None:
        self.watch = Stopwatch()


_local = _Local()


def restarted() -> Stopwatch:
    """A new stopwatch for this thread, as its work begins."""
    _local.watch = Stopwatch()
    return _local.watch


def adopt(seconds: Mapping[str, float]) -> None:
    """All that this thread did for its work was to wait for another, whose stopwatch says this."""
    _local.watch.adopt(seconds)


def turn(kind: Spending) -> Spending:
    """What this thread does now is spent on `kind`. Returns what came before."""
    return _local.watch.turn(kind)
