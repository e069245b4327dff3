"""What runs next: a state machine over work, without waiting and without a clock of its own.

    Rule 1  Work starts in the order it was given, small and bulk apart; the source is asked only when there is a free slot.
    Rule 2  A piece of work has a slot of its class while it runs. How many there are, the gates say at each moment; others may
            hold some of them.
    Rule 3  Work that failed for a reason that says `retryable` waits (full jitter, growing, capped; on top of what the store
            asked for) and goes first when it is due, until its attempts or the deadline are used up.
    Rule 4  After work failed for good, or a source did, nothing new starts; what runs is left to end. The first error is the
            verdict.
    Rule 5  It is finished when nothing runs, nothing waits, and the sources are empty or Rule 4 holds.
    Rule 6  When all bulk work has started, a piece that takes three times as long as others took, and at least two seconds, is
            to be given up and started again: one in twenty at most, but one. That is no failure.

Each event costs O(log n) of what waits for a retry, whatever the length of the queue.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from ..errors import InvalidValueError, StoreUnavailableError

W = TypeVar("W")
Wake = Callable[[], None]


class Limits(Struct, frozen=True):
    """How many pieces of work may run at the same time; at least one of each kind."""

    small: int = 1
    bulk: int = 2

    def __post_init__(self) -> None:
        if self.small < 1 or self.bulk < 1:
            raise InvalidValueError(
                f"{min(self.small, self.bulk)} transfers at the same time is not possible", hint="use 1 or more"
            )


class Gate(Protocol):
    """The slots of one class of work. What `take` gave, one of `succeeded`, `throttled` and `ended` gives back."""

    @property
    def limit(self) -> int: ...

    @property
    def not_before(self) -> float:
        """Nothing starts before."""
        ...

    def take(self, now: float, wake: Wake) -> bool:
        """Take a slot. If there is none, `wake` is called, by any thread, when there may be one; and `wake` is who waits."""
        ...

    def may_take(self, now: float, wake: Wake) -> bool:
        """Whether `take` would."""
        ...

    def leave(self, wake: Wake) -> None:
        """Wait no longer."""
        ...

    def succeeded(self, now: float, amount: float, seconds: float) -> None:
        """Work that began `seconds` ago moved this amount."""
        ...

    def throttled(self, now: float, retry_after: float | None) -> None:
        """The store did not answer, or asked to be left alone."""
        ...

    def ended(self, now: float) -> None:
        """Neither."""
        ...


class Gates(Struct, frozen=True):
    """Where the two classes of work take their slots."""

    small: Gate
    bulk: Gate

    def of(self, bulk: bool) -> Gate:
        return self.bulk if bulk else self.small


class Retry(Struct, frozen=True):
    """How often and how long a failure is tried again: any, one of a store that does not answer, and one of a store that asks to
    be left alone. Times in seconds."""

    attempts: int = 3
    base: float = 0.1
    cap: float = 5.0
    deadline: float = 600.0
    unanswered: int = 6
    throttled: int = 24

    def delay(self, attempt: int, draw: float, retry_after: float | None = None) -> float:
        """The wait before attempt number `attempt` (the second is 1), never less than `retry_after`; `draw` is a random number in
        [0, 1)."""
        return (retry_after or 0.0) + draw * min(self.cap, self.base * 2.0 ** min(attempt, 60))

    def most(self, error: Exception) -> int:
        """How many attempts what fails like this has in all."""
        if not isinstance(error, StoreUnavailableError):
            return self.attempts
        return self.throttled if error.throttled else self.unanswered


class Reissue(Struct, frozen=True):
    """When a slow piece of work is started again (Rule 6)."""

    times: float = 3.0  # as slow as those that ended
    least: float = 2.0  # seconds
    share: float = 0.05  # of all pieces
    peers: int = 3  # that ended before


@dataclass(slots=True)
class Ticket(Generic[W]):
    """One piece of work on its way."""

    work: W
    bulk: bool
    attempt: int = 1
    since: float = 0.0
    started: float = 0.0


class SchedulerStatistics(Struct, frozen=True):
    """How much runs, how much waits for a retry, how many retries and reissues there were, whether the verdict is an error."""

    running: int
    waiting: int
    retries: int
    failed: bool
    reissued: int = 0


def _nobody() -> None:
    """Nobody waits."""


@dataclass(slots=True)
class Scheduler(Generic[W]):
    """Feed it what happened (`succeeded`, `failed`, `gave_up`, `restarted`), ask it what may start (`start`), and what is to be
    given up to be started again (`slow`)."""

    small: Iterator[W]
    bulk: Iterator[W]
    gates: Gates
    retry: Retry = field(default_factory=Retry)
    reissue: Reissue | None = None
    wake: Wake = _nobody
    error: Exception | None = None
    retries: int = 0
    reissued: int = 0
    _running: dict[bool, dict[int, Ticket[W]]] = field(default_factory=lambda: {False: {}, True: {}})  # in order of their start
    _empty: dict[bool, bool] = field(default_factory=lambda: {False: False, True: False})
    _due: dict[bool, list[tuple[float, int, Ticket[W]]]] = field(default_factory=lambda: {False: [], True: []})
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _given_up: set[int] = field(default_factory=set[int])  # to be started again
    _took: deque[float] = field(default_factory=lambda: deque[float](maxlen=64))
    _bulk_count: int = 0

    def start(self, now: float) -> Ticket[W] | None:
        """Work that may start now; None if there is none (Rules 1 to 4)."""
        for bulk, source in ((True, self.bulk), (False, self.small)):
            if self.error is None and self._has_some(bulk, now) and self.gates.of(bulk).take(now, self.wake):
                if ticket := self._next(bulk, source, now):
                    ticket.started = now
                    self._running[bulk][id(ticket)] = ticket
                    return ticket
                self.gates.of(bulk).ended(now)
        return None

    def _has_some(self, bulk: bool, now: float) -> bool:
        due = self._due[bulk]
        return not self._empty[bulk] or bool(due and due[0][0] <= now)

    def _next(self, bulk: bool, source: Iterator[W], now: float) -> Ticket[W] | None:
        due = self._due[bulk]
        if due and due[0][0] <= now:
            return heapq.heappop(due)[2]
        try:
            ticket = Ticket(next(source), bulk, since=now)
        except StopIteration:
            self._empty[bulk] = True
        except Exception as error:  # the verdict, which is raised later
            self._judged(error)
        else:
            self._bulk_count += bulk
            return ticket
        return None

    def succeeded(self, ticket: Ticket[W], now: float, amount: float = 0.0) -> None:
        """It moved this `amount`; 0 says nothing of how fast the store is."""
        gate, seconds = self._end(ticket), now - ticket.started
        if ticket.bulk:
            self._took.append(seconds)
        if amount > 0.0:
            gate.succeeded(now, amount, seconds)
        else:
            gate.ended(now)

    def failed(
        self, ticket: Ticket[W], error: Exception, now: float, draw: float, *, rest: W | None = None, amount: float = 0.0
    ) -> float | None:
        """Returns the wait before it is tried again; None if it is not. `rest` is what of the work is left to do, if not all; the
        `amount` is what was moved of it, where that was most."""
        if rest is not None:
            ticket.work = rest
        delay = self.retry.delay(ticket.attempt, draw, getattr(error, "retry_after", None))
        tired = ticket.attempt >= self.retry.most(error) or now + delay - ticket.since > self.retry.deadline
        if tired or not getattr(error, "retryable", False):
            self.gave_up(ticket, error, now)
            return None
        self._failed_at_gate(ticket, error, now, amount)
        ticket.attempt += 1
        self.retries += 1
        self._push(ticket, now + delay)
        return delay

    def gave_up(self, ticket: Ticket[W], error: Exception, now: float) -> None:
        """The work failed for good, whatever the error says of itself."""
        self._failed_at_gate(ticket, error, now)
        self._judged(error)

    def slow(self, now: float) -> Ticket[W] | None:
        """Work that is to be given up now, to be started again once it has ended; None if there is none (Rule 6)."""
        ticket, at = self._slowest()
        if ticket is None or now < at:
            return None
        self._given_up.add(id(ticket))
        self.reissued += 1
        return ticket

    def restarted(self, ticket: Ticket[W], now: float) -> None:
        """What `slow` gave has ended, undone."""
        self._end(ticket).ended(now)
        self._push(ticket, now)

    def was_given_up(self, ticket: Ticket[W]) -> bool:
        return id(ticket) in self._given_up

    def wake_at(self, now: float) -> float | None:
        """When to ask again, if nothing happens before; None if only an event can change something. Of a slot for what is due the
        gate tells."""
        if self.error is not None:
            return None
        times = list[float]()
        for bulk, due in self._due.items():
            gate = self.gates.of(bulk)
            if now < gate.not_before and (due or not self._empty[bulk]):
                times.append(max(gate.not_before, due[0][0] if due and self._empty[bulk] else now))
            elif due and (due[0][0] > now or gate.may_take(now, self.wake)):
                times.append(due[0][0])
        slowest, at = self._slowest()
        if slowest is not None:
            times.append(at)
        return min(times, default=None)

    @property
    def finished(self) -> bool:
        """Rule 5. True means that every later `start` gives None."""
        if any(self._running.values()):
            return False
        return self.error is not None or (not any(self._due.values()) and all(self._empty.values()))

    def leave(self, now: float) -> None:
        """It is over: what still ran was cancelled and has ended, and nobody waits at a gate any more."""
        for bulk, running in self._running.items():
            for _ in running:
                self.gates.of(bulk).ended(now)
            running.clear()
            self.gates.of(bulk).leave(self.wake)

    def statistics(self) -> SchedulerStatistics:
        running, waiting = sum(map(len, self._running.values())), sum(map(len, self._due.values()))
        return SchedulerStatistics(running, waiting, self.retries, self.error is not None, self.reissued)

    def _slowest(self) -> tuple[Ticket[W] | None, float]:
        """The piece of bulk work that runs for longest, and when it is slow."""
        rule = self.reissue
        if rule is None or self.error is not None or not self._empty[True] or self._due[True] or len(self._took) < rule.peers:
            return None, 0.0
        if self.reissued >= max(1, int(self._bulk_count * rule.share)):
            return None, 0.0
        oldest = next((ticket for key, ticket in self._running[True].items() if key not in self._given_up), None)
        if oldest is None:
            return None, 0.0
        from statistics import median  # loads fractions and more, for what is rare

        return oldest, oldest.started + max(rule.least, rule.times * median(self._took))

    def _end(self, ticket: Ticket[W]) -> Gate:
        del self._running[ticket.bulk][id(ticket)]
        self._given_up.discard(id(ticket))
        return self.gates.of(ticket.bulk)

    def _judged(self, error: Exception) -> None:
        self.error = self.error or error
        for gate in (self.gates.small, self.gates.bulk):  # nothing is to start: who waits behind may go on
            gate.leave(self.wake)

    def _failed_at_gate(self, ticket: Ticket[W], error: Exception, now: float, amount: float = 0.0) -> None:
        gate = self._end(ticket)
        if amount > 0.0 and getattr(error, "retry_after", None) is None:
            gate.succeeded(now, amount, now - ticket.started)
        elif isinstance(error, StoreUnavailableError):
            gate.throttled(now, error.retry_after)
        else:
            gate.ended(now)

    def _push(self, ticket: Ticket[W], at: float) -> None:
        heapq.heappush(self._due[ticket.bulk], (at, next(self._order), ticket))
