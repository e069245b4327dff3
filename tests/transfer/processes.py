"""Processes beside that of the tests."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from lading.transfer.hands import Hands

ME = os.getpid()


class Ready(Hands):
    """Hands that help once they have started, not as soon as they do."""

    @contextlib.asynccontextmanager
    async def helping(self, things: int) -> AsyncGenerator[int]:
        async with super().helping(things) as count:
            while self.ready < count:  # noqa: ASYNC110  # another process does not set our events
                await asyncio.sleep(0.002)
            yield count


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
