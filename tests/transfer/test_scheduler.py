"""The scheduler, rule by rule."""

import itertools
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError, StoreError
from lading.transfer.endpoints import fixed_gates
from lading.transfer.scheduler import Limits, Reissue, Retry, Scheduler, Ticket

from .schedulers import BUSY, scheduler, started

BROKEN = StoreError("broken")


def work(tickets: Sequence[Ticket[str]]) -> list[str]:
    return [ticket.work for ticket in tickets]


def test_work_starts_in_order_up_to_the_limit_of_each_kind() -> None:
    machine = scheduler(["s1", "s2", "s3"], ["b1", "b2"], limits=Limits(2, 1))

    first = started(machine)
    machine.succeeded(first[1], 0.0)
    second = started(machine)

    assert work(first) == ["b1", "s1", "s2"]
    assert work(second) == ["s3"]


def test_the_source_is_asked_only_when_there_is_a_free_slot() -> None:
    asked = list[int]()

    def source() -> Iterator[str]:
        for number in itertools.count():
            asked.append(number)
            yield str(number)

    machine = Scheduler[str](source(), iter(()), fixed_gates(Limits(3, 1)).parts())
    tickets = started(machine)
    machine.succeeded(tickets[0], 0.0)
    started(machine)

    assert asked == [0, 1, 2, 3]


def test_what_is_due_goes_first() -> None:
    machine = scheduler(["s1", "s2"], limits=Limits(1, 1))
    (ticket,) = started(machine)
    machine.failed(ticket, BUSY, 0.0, 0.5)
    early = started(machine, 0.0)
    machine.succeeded(early[0], 0.0)

    late = started(machine, 1.0)

    assert work(early) == ["s2"]
    assert late == [ticket]
    assert ticket.attempt == 2


def test_due_work_of_one_kind_does_not_wait_for_slots_of_the_other() -> None:
    machine = scheduler(["s1", "s2"], ["b1", "b2"], limits=Limits(1, 1))
    bulk, small = started(machine)
    machine.failed(bulk, BUSY, 0.0, 0.0)
    again = machine.start(0.0)
    assert again is bulk
    machine.failed(small, BUSY, 0.0, 0.0)

    assert work(started(machine)) == ["s1"]


def test_there_is_nothing_to_wake_for_while_all_slots_are_taken() -> None:
    machine = scheduler(bulk=["b1", "b2"], limits=Limits(1, 1), retry=Retry(base=0.0))
    (ticket,) = started(machine)
    machine.failed(ticket, BUSY, 0.0, 0.0)
    before = machine.wake_at(0.0)
    machine.start(0.0)
    machine.failed(ticket, BUSY, 0.0, 0.5)
    machine.start(-1.0)

    assert before == 0.0
    assert machine.wake_at(0.0) is None


def test_an_error_that_is_not_retryable_is_the_verdict() -> None:
    machine = scheduler(["s1", "s2", "s3"], ["b1"])
    bulk, first, second = started(machine)

    machine.failed(first, BROKEN, 0.0, 0.0)
    machine.failed(second, BUSY, 0.0, 0.0)

    assert started(machine, 100.0) == []
    assert machine.wake_at(0.0) is None
    assert [machine.finished] == [False]
    machine.failed(bulk, ValueError("later"), 0.0, 0.0)
    assert machine.finished
    assert machine.error is BROKEN


def test_what_gave_up_is_not_tried_again() -> None:
    machine = scheduler(["s"])
    (ticket,) = started(machine)

    machine.gave_up(ticket, BUSY, 0.0)

    assert machine.error is BUSY
    assert machine.finished


def test_only_the_rest_is_tried_again() -> None:
    machine = scheduler(["whole"])
    (ticket,) = started(machine)

    machine.failed(ticket, BUSY, 0.0, 0.0, rest="rest")

    assert work(started(machine)) == ["rest"]


def test_a_source_that_fails_is_the_verdict() -> None:
    def source() -> Iterator[str]:
        yield "s1"
        raise BROKEN

    machine = Scheduler[str](source(), iter(()), fixed_gates(Limits(2, 2)).parts())
    (ticket,) = started(machine)
    running = machine.finished
    machine.succeeded(ticket, 0.0)

    assert not running
    assert machine.error is BROKEN
    assert machine.finished


def test_nothing_at_all_is_finished_once_asked() -> None:
    machine = scheduler()

    assert machine.start(0.0) is None
    assert machine.finished


@pytest.mark.parametrize("limits", [(0, 1), (1, 0), (-1, 1)])
def test_limits_below_one_would_hang_and_are_refused(limits: tuple[int, int]) -> None:
    with pytest.raises(InvalidValueError, match="at the same time"):
        Limits(*limits)


def tail(seconds: Sequence[float], *, count: int = 100) -> tuple[Scheduler[str], list[Ticket[str]]]:
    """A machine whose first pieces of so many took so long, and what still runs, begun at 10."""
    machine = Scheduler(iter(()), iter([""] * count), fixed_gates(Limits(1, count)).parts(), Retry(), Reissue())
    tickets = started(machine, 10.0)
    for ticket, each in zip(tickets, seconds, strict=False):
        machine.succeeded(ticket, 10.0 + each, 1.0)
    assert machine.start(11.0) is None
    return machine, tickets[len(seconds) :]


def test_what_takes_three_times_as_long_as_the_others_is_started_again() -> None:
    machine, (slow,) = tail([1.0] * 99)

    assert machine.wake_at(11.0) == 13.0
    assert machine.slow(12.9) is None
    assert machine.slow(13.0) is slow
    assert machine.was_given_up(slow)
    machine.restarted(slow, 13.1)
    assert machine.start(13.1) is slow
    assert (slow.attempt, machine.retries, machine.reissued) == (1, 0, 1)
    machine.succeeded(slow, 14.0, 1.0)
    assert machine.finished


def test_what_takes_less_than_two_seconds_is_never_slow() -> None:
    machine, (slow,) = tail([0.01] * 99)

    assert machine.slow(11.99) is None
    assert machine.slow(12.0) is slow


def test_no_more_than_one_in_twenty_is_started_again_but_one() -> None:
    machine, running = tail([1.0] * 80)
    few, (one, _) = tail([1.0] * 4, count=6)

    assert list(iter(lambda: machine.slow(100.0), None)) == running[:5]
    assert list(iter(lambda: few.slow(100.0), None)) == [one]


def test_nothing_is_slow_while_there_is_something_to_start_or_little_to_compare_with() -> None:
    machine = Scheduler(iter(()), iter([""] * 9), fixed_gates(Limits(1, 5)).parts(), Retry(), Reissue())
    first = started(machine, 0.0)
    for ticket in first[:3]:
        machine.succeeded(ticket, 1.0, 1.0)
    early, (unlike, *_) = machine.slow(100.0), tail([1.0] * 2)

    assert early is None
    assert machine.wake_at(1.0) is None
    assert unlike.slow(100.0) is None


def test_without_a_rule_nothing_is_started_again() -> None:
    machine = scheduler(bulk=["a"] * 9, limits=Limits(1, 9))
    for ticket in started(machine)[:8]:
        machine.succeeded(ticket, 1.0)

    assert machine.slow(1e9) is None


def test_a_verdict_makes_way_for_others_at_the_gate() -> None:
    gates = fixed_gates(Limits(1, 1))
    machine = Scheduler(iter(()), iter(["a", "b"]), gates.parts(), Retry())
    (ticket,) = started(machine)
    waited = gates.bulk.statistics().waiting

    machine.gave_up(ticket, BROKEN, 1.0)

    assert waited == 1
    assert gates.bulk.statistics().waiting == 0


def test_an_event_costs_the_same_however_long_the_queue_is() -> None:
    def seconds(count: int) -> float:
        machine = scheduler([""] * count, limits=Limits(count // 2, 1), retry=Retry(unanswered=3, base=0.0))
        began = time.process_time()
        while not machine.finished:
            for ticket in started(machine):
                if ticket.attempt == 1:
                    machine.failed(ticket, BUSY, 0.0, 0.0)
                else:
                    machine.succeeded(ticket, 0.0)
        return time.process_time() - began

    seconds(1000)

    assert any(seconds(100_000) < 40 * max(seconds(10_000), 0.01) for _ in range(3))  # other things cost time, too, now and then


@given(
    fates=st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(["busy", "half"]), max_size=4), st.booleans()), max_size=30),
    limits=st.builds(Limits, st.integers(1, 3), st.integers(1, 3)),
    data=st.data(),
)
def test_everything_is_done_exactly_once_or_there_is_a_verdict(
    fates: list[tuple[bool, list[str], bool]], limits: Limits, data: st.DataObject
) -> None:
    """`fates`: of each piece of work, whether it is bulk, how its attempts fail, and whether it is broken in the end."""
    todo = [[number for number, fate in enumerate(fates) if fate[0] == bulk] for bulk in (False, True)]
    machine = Scheduler[int](iter(todo[0]), iter(todo[1]), fixed_gates(limits).parts(), Retry(unanswered=4, base=0.1))
    running, done, now, steps = list[Ticket[int]](), list[int](), 0.0, 0
    while not machine.finished:
        steps += 1
        assert steps < 10_000, "it never finishes"
        while ticket := machine.start(now):
            running.append(ticket)
        assert sum(not ticket.bulk for ticket in running) <= limits.small
        assert sum(ticket.bulk for ticket in running) <= limits.bulk
        assert machine.statistics().running == len(running)
        if not running:
            wake = machine.wake_at(now)
            assert wake is not None or machine.finished
            now = max(now, wake or now)
            continue
        ticket = running.pop(data.draw(st.integers(0, len(running) - 1)))
        _, failures, broken = fates[ticket.work]
        if ticket.attempt <= len(failures):
            machine.failed(ticket, BUSY, now, data.draw(st.floats(0, 0.99)), rest=ticket.work)
        elif broken:
            machine.failed(ticket, BROKEN, now, 0.0)
        else:
            done.append(ticket.work)
            machine.succeeded(ticket, 0.0)

    hopeless = any(broken or len(failures) >= 4 for _, failures, broken in fates)
    assert len(done) == len(set(done))
    assert (machine.error is not None) == hopeless
    assert hopeless or sorted(done) == list(range(len(fates)))
