"""The driver: runs what a scheduler says, on the loop that calls it."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from ..errors import LadingError, StoreUnavailableError
from .endpoints import fixed_gates
from .progress import Meter
from .scheduler import Gates, Limits, Reissue, Retry, Scheduler, Ticket
from .trace import Seldom, logger

T = TypeVar("T")
W = TypeVar("W")
_now_and_then = Seldom(0.5)


class Partly(LadingError):  # noqa: N818  # a signal inside the engine, as the next
    """Work was done in part: `rest` is left, for the reason `cause`. With the `amount` that was moved, the store is not taken to
    have refused the work."""

    def __init__(self, rest: object, cause: Exception, *, amount: float = 0.0) -> None:
        super().__init__(str(cause))
        self.rest, self.cause, self.amount = rest, cause, amount


class Spent(LadingError):  # noqa: N818
    """Work failed for the reason `cause`, which was tried again already as often as it may."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def drive(
    execute: Callable[[W], Awaitable[float | None]],
    *,
    small: Iterable[W] = (),
    bulk: Iterable[W] = (),
    limits: Gates | Limits,
    retry: Retry,
    meter: Meter,
    reissue: Reissue | None = None,
) -> None:
    """Execute all work, and return when it is done. Raise the first error that retries did not heal, after what was
    running has ended. Cancellation reaches each `execute` and is waited for.

    `execute` returns the amount that it moved, by which the gates learn what the store can do; None says nothing. With a
    `reissue` it may be cancelled because it is slow, and is called again once that has ended.
    """
    gates = fixed_gates(limits).parts() if isinstance(limits, Limits) else limits
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(changed.set)

    scheduler = Scheduler[W](iter(small), iter(bulk), gates, retry, reissue, wake)
    running = dict[int, "asyncio.Task[None]"]()

    async def run(ticket: Ticket[W]) -> None:
        try:
            amount = await execute(ticket.work)
        except asyncio.CancelledError:
            if not scheduler.was_given_up(ticket):
                raise
            scheduler.restarted(ticket, time.monotonic())
        except Partly as part:
            _failed(ticket, part.cause, part.rest, part.amount)
        except Spent as spent:
            scheduler.gave_up(ticket, spent.cause, time.monotonic())
        except Exception as error:  # the scheduler keeps it and it is raised below
            _failed(ticket, error, None)
        else:
            scheduler.succeeded(ticket, time.monotonic(), amount or 0.0)
        del running[id(ticket)]
        changed.set()

    def _failed(ticket: Ticket[W], error: Exception, rest: Any, amount: float = 0.0) -> None:
        if scheduler.was_given_up(ticket):
            scheduler.restarted(ticket, time.monotonic())
            return
        delay = scheduler.failed(ticket, error, time.monotonic(), random.random(), rest=rest, amount=amount)
        if delay is not None:
            if isinstance(error, StoreUnavailableError):
                meter.spend(throttled=delay)
            if _now_and_then():
                logger.debug("again in %.1f s (attempt %d): %s", delay, ticket.attempt, error)

    async def change() -> None:
        now = time.monotonic()
        wake_at = scheduler.wake_at(now)
        try:
            async with asyncio.timeout(None if wake_at is None else max(0.0, wake_at - now)):
                await changed.wait()
        except TimeoutError:
            pass

    try:
        async with asyncio.TaskGroup() as tasks:
            while True:
                changed.clear()
                while ticket := scheduler.start(time.monotonic()):
                    running[id(ticket)] = tasks.create_task(run(ticket))
                if scheduler.finished:
                    break
                if slow := scheduler.slow(time.monotonic()):
                    logger.warning("given up and started again after %.1f s: %s", time.monotonic() - slow.started, slow.work)
                    running[id(slow)].cancel()
                    continue
                await change()
    finally:
        scheduler.leave(time.monotonic())
        meter.add(retries=scheduler.retries, reissued=scheduler.reissued)
    if scheduler.error is not None:
        raise scheduler.error


async def persist(call: Callable[[], Awaitable[T]], *, retry: Retry, meter: Meter) -> T:
    """The result of one call, tried again as `retry` says. Raise what retries did not heal."""
    results: list[T] = []

    async def execute(call: Callable[[], Awaitable[T]]) -> None:
        results.append(await call())

    await drive(execute, bulk=[call], limits=Limits(), retry=retry, meter=meter)
    return results[0]
