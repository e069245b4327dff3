"""What runs next: a state machine over work, without waiting and without a clock of its own.

    Rule 1  Work starts in the order it was given, small and bulk apart; the source is asked only when there is a free slot.
    Rule 2  At most `limits.small` and `limits.bulk` pieces of work run at the same time.
    Rule 3  Work that failed for a reason that says `retryable` waits (full jitter, growing, capped) and goes first when it is
            due, until its attempts or the deadline are used up.
    Rule 4  After work failed for good, or a source did, nothing new starts; what runs is left to end. The first error is the
            verdict.
    Rule 5  It is finished when nothing runs, nothing waits, and the sources are empty or Rule 4 holds.

Each event costs O(log n) of what waits for a retry, whatever the length of the queue.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from msgspec import Struct

from ..errors import InvalidValueError

W = TypeVar("W")


class Limits(Struct, frozen=True):
    """How many pieces of work may run at the same time; at least one of each kind."""

    small: int = 1
    bulk: int = 2

    def __post_init__(self) -> None:
        if self.small < 1 or self.bulk < 1:
            raise InvalidValueError(
                f"{min(self.small, self.bulk)} transfers at the same time is not possible", hint="use 1 or more"
            )


class Retry(Struct, frozen=True):
    """How often and how long a failure is tried again. Times in seconds."""

    attempts: int = 3
    base: float = 0.1
    cap: float = 20.0
    deadline: float = 600.0

    def delay(self, attempt: int, draw: float) -> float:
        """The wait before attempt number `attempt` (the second is 1); `draw` is a random number in [0, 1)."""
        return draw * min(self.cap, self.base * 2.0 ** min(attempt, 60))


@dataclass(slots=True)
class Ticket(Generic[W]):
    """One piece of work on its way."""

    work: W
    bulk: bool
    attempt: int = 1
    since: float = 0.0


class SchedulerStatistics(Struct, frozen=True):
    """How much runs, how much waits for a retry, how many retries there were, and whether the verdict is an error."""

    running: int
    waiting: int
    retries: int
    failed: bool


@dataclass(slots=True)
class Scheduler(Generic[W]):
    """Feed it what happened (`succeeded`, `failed`, `gave_up`), ask it what may start (`start`)."""

    small: Iterator[W]
    bulk: Iterator[W]
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    error: Exception | None = None
    retries: int = 0
    _running: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    _empty: dict[bool, bool] = field(default_factory=lambda: {False: False, True: False})
    _due: dict[bool, list[tuple[float, int, Ticket[W]]]] = field(default_factory=lambda: {False: [], True: []})
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def start(self, now: float) -> Ticket[W] | None:
        """Work that may start now; None if there is none (Rules 1 to 4)."""
        for bulk, source in ((True, self.bulk), (False, self.small)):
            if self.error is None and self._free(bulk) and (ticket := self._next(bulk, source, now)):
                self._running[bulk] += 1
                return ticket
        return None

    def _next(self, bulk: bool, source: Iterator[W], now: float) -> Ticket[W] | None:
        due = self._due[bulk]
        if due and due[0][0] <= now:
            return heapq.heappop(due)[2]
        if self._empty[bulk]:
            return None
        try:
            return Ticket(next(source), bulk, since=now)
        except StopIteration:
            self._empty[bulk] = True
        except Exception as error:  # the verdict, which is raised later
            self.error = error
        return None

    def succeeded(self, ticket: Ticket[W]) -> None:
        self._running[ticket.bulk] -= 1

    def failed(self, ticket: Ticket[W], error: Exception, now: float, draw: float, *, rest: W | None = None) -> None:
        """`rest` is what of the work is left to do, if not all of it."""
        if rest is not None:
            ticket.work = rest
        delay = self.retry.delay(ticket.attempt, draw)
        tired = ticket.attempt >= self.retry.attempts or now + delay - ticket.since > self.retry.deadline
        if tired or not getattr(error, "retryable", False):
            self.gave_up(ticket, error)
            return
        self._running[ticket.bulk] -= 1
        ticket.attempt += 1
        self.retries += 1
        heapq.heappush(self._due[ticket.bulk], (now + delay, next(self._order), ticket))

    def gave_up(self, ticket: Ticket[W], error: Exception) -> None:
        """The work failed for good, whatever the error says of itself."""
        self._running[ticket.bulk] -= 1
        self.error = self.error or error

    def wake_at(self) -> float | None:
        """When a failed piece of work is due again that could start then; None if there is none. Where all slots are taken, the
        end of what runs says more than a clock."""
        if self.error is not None:
            return None
        return min((due[0][0] for bulk, due in self._due.items() if due and self._free(bulk)), default=None)

    @property
    def finished(self) -> bool:
        """Rule 5. True means that every later `start` gives None."""
        if any(self._running.values()):
            return False
        return self.error is not None or (not any(self._due.values()) and all(self._empty.values()))

    def statistics(self) -> SchedulerStatistics:
        return SchedulerStatistics(
            sum(self._running.values()), sum(map(len, self._due.values())), self.retries, self.error is not None
        )

    def _free(self, bulk: bool) -> bool:
        return self._running[bulk] < (self.limits.bulk if bulk else self.limits.small)
