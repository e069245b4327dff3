"""Pending: a log that goes on in the background."""

import asyncio
import contextlib
from concurrent.futures import Future
from typing import Any

from ..errors import WaitTimeoutError


class Pending:
    """Work on the bridge's loop that any thread or loop may wait for."""

    def __init__(self, outcome: "Future[Any]") -> None:
        self._outcome = outcome

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109  # `Artifact.wait` has it
        """Return when it is done. Giving up the wait does not give up the work. Raise `WaitTimeoutError`, and what the work
        raised."""
        try:
            async with asyncio.timeout(timeout):
                await self._ended()
        except TimeoutError:
            raise WaitTimeoutError(f"not committed within {timeout} seconds; logging goes on", hint="wait() again") from None
        self._outcome.result()

    async def _ended(self) -> None:
        if self._outcome.done():
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(outcome: "Future[Any]") -> None:
            del outcome
            with contextlib.suppress(RuntimeError):  # a loop that gave up the wait may be closed by now
                loop.call_soon_threadsafe(ended.set)

        self._outcome.add_done_callback(tell)
        await ended.wait()
