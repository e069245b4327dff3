"""How far a transfer is: counters that lanes feed and people read."""

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from .gauges import GAUGES, Gauges


class Progress(Struct, frozen=True):
    """Counts since the start. Files and bytes `done` include those that were `reused`, which nobody had to move."""

    files: int = 0  # known so far
    bytes: int = 0
    files_done: int = 0
    bytes_done: int = 0
    files_reused: int = 0
    bytes_reused: int = 0
    bytes_to_hash: int = 0  # known so far: of local files that were read for it, or will be
    bytes_hashed: int = 0
    retries: int = 0
    reissued: int = 0
    seconds: float = 0.0
    gauges: Gauges = Gauges()

    @property
    def files_moved(self) -> int:
        return self.files_done - self.files_reused

    @property
    def bytes_moved(self) -> int:
        return self.bytes_done - self.bytes_reused


_COUNTERS = tuple(each for each in Progress.__struct_fields__ if each not in ("seconds", "gauges"))
Listener = Callable[[Progress], None]


class Meter:
    """Counters that any thread may feed. `listener` is called by the thread that feeds, at most ten times a second; it
    must be quick and must not raise."""

    INTERVAL = 0.1

    def __init__(self, listener: Listener | None = None) -> None:
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._spent = dict.fromkeys(GAUGES, 0.0)
        self._listener, self._told = listener, 0.0
        self._lock, self._began = threading.Lock(), time.monotonic()

    def add(self, **counts: int) -> None:
        """Add to the counters of these names."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count
            now = time.monotonic()
            tell = self._listener is not None and now - self._told >= self.INTERVAL
            if tell:
                self._told = now
        if tell and self._listener:
            self._listener(self.statistics())

    def spend(self, **seconds: float) -> None:
        """Add to the gauges of these names."""
        with self._lock:
            for name, count in seconds.items():
                self._spent[name] += count

    def finish(self) -> Progress:
        """Tell the listener a last time, and return the final counts."""
        final = self.statistics()
        if self._listener:
            self._listener(final)
        return final

    def statistics(self) -> Progress:
        with self._lock:
            return Progress(**self._counts, seconds=time.monotonic() - self._began, gauges=Gauges(**self._spent))
