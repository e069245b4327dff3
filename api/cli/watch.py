"""Watching a transfer: bars on a terminal, a line now and then elsewhere, always on stderr."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..html import readable_size
from .phrases import counted, readable_seconds

if TYPE_CHECKING:
    from ...transfer.progress import Listener, Progress

PATIENCE = 0.4  # seconds: what is over by then needs no bars, and rich takes time to load
FRAME = 0.1
LINE = 5.0

Count = Callable[["Progress"], int]


def bytes_done(progress: "Progress") -> int:
    return progress.bytes_done


def bytes_hashed(progress: "Progress") -> int:
    return progress.bytes_hashed


class Watch:
    """The latest counts of what goes on. Lanes only leave them here; whoever draws comes and looks."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=100)
        self.begin("")

    def begin(self, doing: str, count: Count = bytes_done) -> "Listener":
        """What listens to the next thing to do; `count` says which of the counters is the way made."""
        from ...transfer.progress import Progress  # what only says --help does without it

        self.doing, self.latest, self.count = doing, Progress(), count
        self._seen.clear()
        return self._tell

    def _tell(self, progress: "Progress") -> None:
        self.latest = progress

    def rate(self) -> float:
        """Bytes per second since about the last hundred looks; each call is a look."""
        moved = self.count(self.latest) - self.latest.bytes_reused
        self._seen.append((time.monotonic(), moved))
        (began, before), (now, _) = self._seen[0], self._seen[-1]
        return max(0.0, (moved - before) / (now - began)) if now > began else 0.0

    @property
    def total(self) -> int:
        """Bytes that there are to do; 0 while that is unknown."""
        return self.latest.bytes or (self.latest.bytes_to_hash if self.count is bytes_hashed else 0)

    def files(self) -> str:
        """`1,200 of 20,000 files`; nothing while their number is unknown."""
        return f"{self.latest.files_done:,} of {counted(self.latest.files, 'file')}" if self.latest.files else ""

    def bytes(self) -> str:
        """`1.2 GB of 3.4 GB, 240.0 MB/s, 9 s left`, as far as it is known."""
        done, rate = self.count(self.latest), self.rate()
        parts = [f"{readable_size(done)} of {readable_size(self.total)}" if self.total else readable_size(done)]
        if rate:
            parts.append(f"{readable_size(rate)}/s")
        if rate and self.total > done:
            parts.append(f"{readable_seconds((self.total - done) / rate)} left")
        return ", ".join(parts)

    def line(self) -> str:
        return f"{self.doing}: " + ", ".join(filter(None, (self.files(), self.bytes())))


@contextmanager
def watching(*, quiet: bool) -> Generator[Watch]:
    """A watch that is looked at while the block runs, by a thread of its own; by nobody if `quiet`."""
    watch, over = Watch(), threading.Event()
    if quiet:
        yield watch
        return
    look = _draw if sys.stderr.isatty() else _say
    eye = threading.Thread(target=look, args=(watch, over), name="lading-watch", daemon=True)
    eye.start()
    try:
        yield watch
    finally:
        over.set()
        eye.join()


def _say(watch: Watch, over: threading.Event) -> None:
    while not over.wait(LINE):
        if watch.doing:
            sys.stderr.write(f"{watch.line()}\n")
            sys.stderr.flush()


def _draw(watch: Watch, over: threading.Event) -> None:
    if over.wait(PATIENCE):
        return
    while not watch.doing and not over.wait(FRAME):
        pass
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
        files, size = bars.add_task("", text="", visible=False), bars.add_task("", total=None, text="")
        while not over.wait(FRAME):
            latest = watch.latest
            bars.update(
                files,
                description=watch.doing,
                completed=latest.files_done,
                total=latest.files,
                text=watch.files(),
                visible=latest.files > 0,
            )
            bars.update(
                size,
                description="" if latest.files else watch.doing,
                completed=watch.count(latest),
                total=watch.total or None,
                text=watch.bytes(),
            )
            bars.refresh()
