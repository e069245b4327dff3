"""Pending: a commit that is still to come, by work in the background or by others."""

import asyncio
import contextlib
from typing import Any, Protocol

from ..errors import WaitTimeoutError
from .portal import Work


class Waiting(Protocol):
    """What `Artifact.wait` waits for."""

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109  # `Artifact.wait` has it
        """Return when it is over. Raise `WaitTimeoutError`, and what went wrong."""
        ...


class Done:
    """Mode "disabled": there is nothing to wait for."""

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109
        del timeout


class Pending:
    """Work on the bridge's loop that any loop may wait for."""

    def __init__(self, work: Work[Any]) -> None:
        self._work = work

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self._work.ended

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109  # `Artifact.wait` has it
        """Return when it is done. Giving up the wait does not give up the work. Raise `WaitTimeoutError`, and what the work
        raised."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # a loop that gave up the wait may be closed by now
                loop.call_soon_threadsafe(ended.set)

        if not self._work.ended:
            self._work.watch(tell)
            try:
                async with asyncio.timeout(timeout):
                    await ended.wait()
            except TimeoutError:
                raise WaitTimeoutError(f"not committed within {timeout} seconds; logging goes on", hint="wait() again") from None
        self._work.result()
