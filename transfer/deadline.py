"""Deadlines: work that is given up when the time that it was given has run out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..errors import DeadlineError, InvalidValueError


@asynccontextmanager
async def within(seconds: float | None, what: str) -> AsyncGenerator[None]:
    """Cancel the block if it is not done in so many seconds (None: it has all the time it needs), and raise `DeadlineError` for
    `what` it does, once it has cleaned up. Raise `InvalidValueError` unless they are more than 0."""
    if seconds is None:
        yield
        return
    if not seconds > 0:
        raise InvalidValueError(f"{what} cannot be done within {seconds:g} seconds", hint="give it more than 0")
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            yield
    except TimeoutError as error:
        if not clock.expired():  # the block's own
            raise
        raise DeadlineError(what, seconds) from error
