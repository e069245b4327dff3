"""When the scheduler tries again, and when it no longer does."""

import random
from collections.abc import Sequence

import pytest

from lading.errors import DigestMismatchError, StoreUnavailableError
from lading.transfer.scheduler import Retry, Scheduler, SchedulerStatistics

from .schedulers import BUSY, scheduler, started


def test_retries_wait_longer_each_time_up_to_the_cap() -> None:
    machine = scheduler(["s"], retry=Retry(unanswered=8, base=0.5, cap=10.0))
    (ticket,) = started(machine)
    waits = list[float]()

    for _ in range(7):
        machine.failed(ticket, BUSY, 100.0, 0.5)
        due = machine.wake_at(100.0)
        assert due is not None
        waits.append(due - 100.0)
        assert machine.start(due) is ticket

    assert waits == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_very_late_attempt_waits_for_the_cap() -> None:
    assert Retry(cap=20.0).delay(100_000, 1.0) == 20.0


def test_attempts_run_out() -> None:
    machine = scheduler(["s"], retry=Retry(unanswered=3))
    (ticket,) = started(machine)
    for _ in range(2):
        machine.failed(ticket, BUSY, 0.0, 0.0)
        assert machine.start(0.0) is ticket

    machine.failed(ticket, BUSY, 0.0, 0.0)

    assert machine.error is BUSY
    assert machine.finished
    assert machine.statistics() == SchedulerStatistics(running=0, waiting=0, retries=2, failed=True)


def test_the_deadline_counts_from_the_first_start() -> None:
    machine = scheduler(["s"], retry=Retry(unanswered=100, base=1.0, deadline=10.0))
    (ticket,) = started(machine, now=5.0)

    machine.failed(ticket, BUSY, 14.0, 0.25)
    machine.start(14.5)
    retried = machine.error is None
    machine.failed(ticket, BUSY, 14.9, 0.25)

    assert retried
    assert machine.error is BUSY


def storm(machine: Scheduler[str], error: Exception, draws: Sequence[float]) -> list[float]:
    """When each attempt begins, if each of them fails at once; until there is a verdict or the draws end."""
    (ticket,) = started(machine, 0.0)
    times, now = [0.0], 0.0
    for draw in draws:
        machine.failed(ticket, error, now, draw)
        wake = machine.wake_at(now)
        if wake is None:
            break
        now = wake
        assert machine.start(now - 0.001) is None
        assert machine.start(now) is ticket
        times.append(now)
    return times


def test_the_exact_sequence_of_a_storm() -> None:
    busy = StoreUnavailableError("503", throttled=True)
    machine = scheduler(["s"], retry=Retry(base=0.1, cap=2.0, throttled=9))

    times = storm(machine, busy, [0.5, 0.25, 1.0, 0.0, 0.5, 0.5, 0.75, 0.1, 0.9, 0.9])

    assert times == pytest.approx([0.0, 0.1, 0.2, 1.0, 1.0, 2.0, 3.0, 4.5, 4.7])
    assert machine.error is busy


def test_a_wish_of_the_store_comes_on_top() -> None:
    busy = StoreUnavailableError("503", throttled=True, retry_after=3.0)
    machine = scheduler(["s"], retry=Retry(base=0.1, cap=0.4, throttled=5))

    times = storm(machine, busy, [0.5, 0.5, 0.0, 0.5, 0.5])

    assert times == pytest.approx([0.0, 3.1, 6.3, 9.3, 12.5])


def test_a_wish_beyond_the_deadline_is_the_end_at_once() -> None:
    busy = StoreUnavailableError("503", throttled=True, retry_after=601.0)
    machine = scheduler(["s"], retry=Retry(deadline=600.0))

    times = storm(machine, busy, [0.0])

    assert times == [0.0]
    assert machine.error is busy


def test_storms_of_twenty_seconds_are_outlived_whatever_the_draws() -> None:
    busy, draw = StoreUnavailableError("503", throttled=True), random.Random(7).random
    lasted = [storm(scheduler(["s"]), busy, [draw() for _ in range(30)])[-1] for _ in range(2000)]

    assert min(lasted) > 20.0


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (DigestMismatchError("a", expected="b", actual="c"), 3),
        (StoreUnavailableError("reset"), 6),
        (StoreUnavailableError("503", throttled=True), 24),
    ],
)
def test_how_often_depends_on_what_went_wrong(error: Exception, attempts: int) -> None:
    assert len(storm(scheduler(["s"]), error, [0.01] * 30)) == attempts
