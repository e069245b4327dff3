"""Processes beside that of the tests."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

from lading.store.halt import Halt, Halted
from lading.testing.errands import wait
from lading.transfer.hands import Hands

ME = os.getpid()


class Ready(Hands):
    """Hands that help once they have started, not as soon as they do."""

    @property
    def ready(self) -> int:
        """How many have started, and wait for work."""
        with self._lock:
            return sum(hand.is_ready() for hand in self._free)

    @contextlib.asynccontextmanager
    async def helping(self, things: int) -> AsyncGenerator[int]:
        async with super().helping(things) as count:
            while self.ready < count:  # noqa: ASYNC110  # another process does not set our events
                await asyncio.sleep(0.002)
            yield count


@contextlib.contextmanager
def busy(hands: Hands, folder: Path) -> Generator[None]:
    """A hand of these works for another lane while the block runs, which then gives it up: `folder/ended` says that it heard."""
    halt, started = Halt(), folder / "started"

    def work() -> None:
        with contextlib.suppress(Halted):
            hands.do(wait, (str(started), str(folder / "ended")), halt)

    lane = threading.Thread(target=work)
    lane.start()
    wait_for(started)
    try:
        yield
    finally:
        halt.ask()
        lane.join()


def children() -> set[int]:
    """Processes of this one that have not ended, or were not waited for."""
    found = set[int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            number, _, rest = stat.read_text().partition(" (")
            if int(rest.rpartition(")")[2].split()[1]) == ME:
                found.add(int(number))
    return found


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.002)
