"""The driver: runs what a scheduler says, on the loop that calls it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ..errors import LadingError
from .progress import Meter
from .scheduler import Limits, Retry, Scheduler

T = TypeVar("T")
W = TypeVar("W")


class Partly(LadingError):  # noqa: N818  # a signal inside the engine, as the next
    """Work was done in part: `rest` is left, for the reason `cause`."""

    def __init__(self, rest: object, cause: Exception) -> None:
        super().__init__(str(cause))
        self.rest, self.cause = rest, cause


class Spent(LadingError):  # noqa: N818
    """Work failed for the reason `cause`, which was tried again already as often as it may."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def drive(
    execute: Callable[[W], Awaitable[None]],
    *,
    small: Iterable[W] = (),
    bulk: Iterable[W] = (),
    limits: Limits,
    retry: Retry,
    meter: Meter,
) -> None:
    """Execute all work, and return when it is done. Raise the first error that retries did not heal, after what was
    running has ended. Cancellation reaches each `execute` and is waited for."""
    scheduler = Scheduler[W](iter(small), iter(bulk), limits, retry)
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    async def worker() -> None:
        while not scheduler.finished:
            ticket = scheduler.start(loop.time())
            if ticket is None:
                if not scheduler.finished:  # asking may have shown that the sources are empty
                    await change(scheduler.wake_at())
                continue
            try:
                await execute(ticket.work)
            except Partly as part:
                rest: W = part.rest  # type: ignore[assignment]  # an execute gives back the kind of work it was given
                scheduler.failed(ticket, part.cause, loop.time(), random.random(), rest=rest)
            except Spent as spent:
                scheduler.gave_up(ticket, spent.cause)
            except Exception as error:  # the scheduler keeps it and it is raised below
                scheduler.failed(ticket, error, loop.time(), random.random())
            else:
                scheduler.succeeded(ticket)
            changed.set()
        changed.set()  # the others may wait for what will not come any more

    async def change(wake_at: float | None) -> None:
        changed.clear()
        timeout = None if wake_at is None else max(0.0, wake_at - loop.time())
        try:
            async with asyncio.timeout(timeout):
                await changed.wait()
        except TimeoutError:
            pass

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(limits.small + limits.bulk):
                tasks.create_task(worker())
    finally:
        meter.add(retries=scheduler.retries)
    if scheduler.error is not None:
        raise scheduler.error


async def persist(call: Callable[[], Awaitable[T]], *, retry: Retry, meter: Meter) -> T:
    """The result of one call, tried again as `retry` says. Raise what retries did not heal."""
    results: list[T] = []

    async def execute(call: Callable[[], Awaitable[T]]) -> None:
        results.append(await call())

    await drive(execute, bulk=[call], limits=Limits(), retry=retry, meter=meter)
    return results[0]
