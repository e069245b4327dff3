"""The adaptive limit, rule by rule, and over simulated links."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.testing.link import BULK, SMALL, Link, adaptive, best_fixed, simulate
from lading.transfer.limiter import FIRST_HOLD, LONGEST_PAUSE, Fixed, Limiter

STEADY, FULL = 1.0, 10.0  # bytes per second of one connection, and of the link


class Line:
    """A link that is always full: each step, all that is in flight ends, and as much starts."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter, self.now = limiter, 0.0
        self.fill()

    def fill(self) -> None:
        while self.limiter.may_start(self.now):
            self.limiter.started(self.now)

    def step(self, *, per_connection: float = STEADY, all_of_it: float = FULL, refused: int = 0) -> int:
        """One generation; the first `refused` of it are told "not now". Returns the limit after it."""
        count = self.limiter.in_flight
        seconds = 1.0 / min(per_connection, all_of_it / count)
        self.now += seconds
        for number in range(count):
            if number < refused:
                self.limiter.throttled(self.now)
            else:
                self.limiter.succeeded(self.now, 1.0, seconds)
            self.fill()
        return self.limiter.limit


def test_it_doubles_while_that_brings_more_and_then_holds() -> None:
    line = Line(Limiter(2))

    limits = [line.step() for _ in range(10)]

    assert limits[:4] == [2, 4, 8, 16]  # the first round only warms up
    assert limits[-1] == 16


def test_a_doubling_that_brought_nothing_is_taken_back() -> None:
    line = Line(Limiter(16))

    limits = [line.step() for _ in range(5)]

    assert 32 in limits[:2]
    assert limits[-1] == 16


def test_it_holds_for_longer_after_each_try_in_vain() -> None:
    line = Line(Limiter(16))
    limits = [line.step() for _ in range(200)]

    tries = [step for step in range(5, 200) if limits[step] > limits[step - 1]]
    waits = [later - earlier for earlier, later in itertools.pairwise(tries)]

    assert waits == sorted(waits)
    assert waits[-1] >= 2 * waits[0] >= 2 * FIRST_HOLD
    assert set(limits[5:]) == {16, 20}


def test_it_finds_more_when_there_is_more() -> None:
    line = Line(Limiter(8))
    before = [line.step() for _ in range(20)][-1]

    after = [line.step(all_of_it=40.0) for _ in range(120)][-1]

    assert before in (16, 20)
    assert after >= 34  # 85% of 40


def test_it_halves_once_for_all_that_was_in_flight() -> None:
    limiter = Limiter(64)
    line = Line(limiter)

    first = line.step(refused=64)
    for _ in range(20):
        limiter.throttled(line.now)
        limiter.started(line.now)

    assert first == 32
    assert limiter.limit in (16, 32)


def test_a_few_refusals_do_not_halve() -> None:
    line = Line(Limiter(32, 32))

    assert {line.step(refused=2) for _ in range(50)} == {32}


def test_it_never_falls_below_one_and_comes_back_after_a_storm() -> None:
    line = Line(Limiter(32, 32))

    storm = [line.step(all_of_it=1e9, refused=1000) for _ in range(1000)]
    calm = [line.step(all_of_it=1e9) for _ in range(120)]

    assert storm[-1] == 1
    assert calm[30] >= 16  # by doubling
    assert calm[-1] == 32


def test_a_storm_at_the_very_beginning_is_forgotten() -> None:
    line = Line(Limiter(8))
    for _ in range(200):
        line.step(all_of_it=1e9, refused=1000)

    calm = [line.step(all_of_it=1e9) for _ in range(60)]

    assert calm[-1] == 256


def test_below_a_rate_that_the_store_refuses_to_exceed_it_does_not_swing() -> None:
    line = Line(Limiter(8))

    limits = [line.step(all_of_it=1e9, refused=max(0, line.limiter.in_flight - 40)) for _ in range(600)]
    late = limits[200:]
    falls = sum(later < earlier for earlier, later in itertools.pairwise(late))

    assert sum(late) / len(late) >= 0.6 * 40
    assert falls <= 20


def test_a_limit_that_was_not_reached_does_not_rise() -> None:
    limiter = Limiter(4)

    for now in range(100):
        limiter.started(now)
        limiter.succeeded(now + 0.5, 1.0, 0.5)

    assert limiter.limit == 4


def test_what_began_before_it_moved_says_nothing_of_it() -> None:
    limiter = Limiter(2)
    for _ in range(2):
        limiter.started(0.0)
    for now in (1.0, 2.0):  # the first round only warms up
        for _ in range(2):
            limiter.succeeded(now, 1.0, 1.0)
            limiter.started(now)
    raised = limiter.limit

    for _ in range(10):
        limiter.succeeded(3.0, 1.0, 5.0)
        limiter.started(3.0)

    assert raised == limiter.limit == 4


def test_a_wish_to_be_left_alone_is_kept_but_not_for_ever() -> None:
    limiter = Limiter(4)
    limiter.started(0.0)
    limiter.started(0.0)

    limiter.throttled(10.0, 5.0)
    while_asked, afterwards = limiter.may_start(14.9), limiter.may_start(15.0)
    limiter.throttled(20.0, 1e9)

    assert (while_asked, afterwards) == (False, True)
    assert limiter.not_before == 20.0 + LONGEST_PAUSE


def test_a_fixed_limit_stays_but_keeps_to_what_it_is_asked() -> None:
    limiter = Fixed(3)
    for _ in range(3):
        limiter.started(0.0)

    limiter.succeeded(1.0, 1.0, 1.0)
    for _ in range(2):
        limiter.throttled(1.0, 2.0)

    assert (limiter.limit, limiter.in_flight, limiter.may_start(2.0), limiter.may_start(3.0)) == (3, 0, False, True)


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["ok", "busy", "other"]), st.floats(0.0, 100.0), st.floats(0.0, 10.0)), max_size=300
    ),
    start=st.integers(1, 300),
    maximum=st.integers(1, 256),
)
def test_whatever_happens_it_is_between_one_and_its_maximum(
    events: list[tuple[str, float, float]], start: int, maximum: int
) -> None:
    limiter, now = Limiter(start, maximum), 0.0
    for what, amount, seconds in events:
        while limiter.may_start(now):
            limiter.started(now)
        now += seconds
        if what == "ok":
            limiter.succeeded(now, amount, seconds)
        elif what == "busy":
            limiter.throttled(now)
        else:
            limiter.ended(now)

        assert 1 <= limiter.limit <= maximum
        assert limiter.in_flight >= 0


@pytest.mark.parametrize("size", [BULK, SMALL])
@pytest.mark.parametrize("refused", [0.0, 0.05])
@pytest.mark.parametrize(("bandwidth", "round_trip", "loss"), [(50e6, 0.1, 0.0), (10e9, 0.02, 0.001), (1e9, 0.001, 0.01)])
def test_on_every_link_it_reaches_what_the_best_fixed_limit_does(
    bandwidth: float, round_trip: float, loss: float, refused: float, size: int
) -> None:
    link = Link(bandwidth, round_trip, loss, refused, size)
    best, _ = best_fixed(link, 1500)

    course = simulate(link, adaptive(link), 3000)

    assert course.goodput >= 0.85 * best


def test_once_found_it_stays_but_for_a_try_now_and_then() -> None:
    link = Link(10e9, 0.02, 0.0, 0.0, BULK)

    course = simulate(link, adaptive(link), 6000)
    late = [limit for at, limit in course.limits if at > course.seconds / 2]

    assert len(late) <= 4
