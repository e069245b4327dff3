"""Schedulers as tests start them: their work is a name, their limits are two of each kind."""

from collections.abc import Sequence

from lading.errors import StoreUnavailableError
from lading.transfer.endpoints import fixed_gates
from lading.transfer.scheduler import Limits, Retry, Scheduler, Ticket

BUSY = StoreUnavailableError("busy")
TWO, DEFAULT = Limits(2, 2), Retry()


def scheduler(
    small: Sequence[str] = (), bulk: Sequence[str] = (), *, limits: Limits = TWO, retry: Retry = DEFAULT
) -> Scheduler[str]:
    return Scheduler(iter(small), iter(bulk), fixed_gates(limits).parts(), retry)


def started(machine: Scheduler[str], now: float = 0.0) -> list[Ticket[str]]:
    return list(iter(lambda: machine.start(now), None))
