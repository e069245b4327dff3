"""How much may be in flight to one endpoint: found by trying, without a clock of its own.

    Rule 1  The limit is at least 1 and at most `maximum`. It moves only when a round is over: when as many pieces as there are
            slots began and ended under it. A limit that was never reached says nothing, and stays; nor does the very first round,
            in which connections are made.
    Rule 2  While it is young it doubles, as long as that brings at least a quarter of what it should.
    Rule 3  Then it holds, and now and then tries a quarter more. What brings nothing is taken back, and the next try is
            twice as far away: it does not swing.
    Rule 4  When more than a fifth of what was started of late is told "not now", it halves, once for all that was in flight. A
            few are no sign of too much: some stores say it at random. Then it doubles up to where it was halved to first, and
            holds; if more had never been in vain before, it goes on doubling after that.
    Rule 5  An endpoint that says for how long it wants to be left alone is left alone for as long, by all; for a minute at most.

Each event costs the same however much is in flight. Times are seconds; amounts are bytes, or whatever grows with the work.
"""

import math
from dataclasses import dataclass

MAXIMUM = 256
LONGEST_PAUSE = 60.0
WORTH = 0.25  # of what a rise should bring, to be kept
NOTHING = 1.05  # a gain below this is none
RECENT = 40  # starts, or as many as there are slots
TOO_MANY = 0.2  # of them
FIRST_HOLD, LONGEST_HOLD = 4, 64  # rounds


@dataclass(slots=True)
class _Round:
    """What ended since the limit moved, of what had begun since then."""

    since: float
    count: int = 0
    amount: float = 0.0
    seconds: float = 0.0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class _Rise:
    """A rise that is being tried: from this limit, with this goodput."""

    limit: int
    goodput: float
    doubling: bool


class Limiter:
    """The limit of one class of work at one endpoint. Tell it what happened; ask for `limit`, `in_flight`, `not_before`."""

    def __init__(self, start: int, maximum: int = MAXIMUM) -> None:
        self.maximum = max(1, maximum)
        self.limit = max(1, min(start, self.maximum))
        self.in_flight = 0
        self.not_before = -math.inf
        self._round = _Round(-math.inf)
        self._doubling_to = self.maximum
        self._rise: _Rise | None = None
        self._rounds = 0  # held so far
        self._hold = FIRST_HOLD
        self._full = False  # whether more once brought nothing
        self._share = 0.0  # of what was started of late, told "not now"
        self._old = 0  # pieces in flight that began before the limit was halved
        self._answered = True  # since it was halved
        self._warm = False  # whether a first round is over, in which connections were made

    def started(self, now: float) -> None:
        self.in_flight += 1
        self._share -= self._share / self._recent
        self._round.peak = max(self._round.peak, self.in_flight)

    def succeeded(self, now: float, amount: float, seconds: float) -> None:
        """A piece that began `seconds` ago moved this amount."""
        self.ended(now)
        self._answered = True
        one = self._round
        if now - seconds >= one.since:
            one.count, one.amount, one.seconds = one.count + 1, one.amount + amount, one.seconds + seconds
            if one.count >= self._enough():
                self._judge(now)

    def throttled(self, now: float, retry_after: float | None = None) -> None:
        """A piece was refused, or had no answer."""
        old = self._old > 0
        self.ended(now)
        self._pause(now, retry_after)
        self._share += 1.0 / self._recent
        if self._share > TOO_MANY and not old:
            self._halve(now)

    def ended(self, now: float) -> None:
        """A piece ended that says nothing of the endpoint."""
        self.in_flight -= 1
        self._old = max(0, self._old - 1)

    def forget(self) -> None:
        """Nothing is in flight any more, whatever was told; what was learned stays."""
        self.in_flight = self._old = 0
        self._settle(-math.inf, self.limit)

    def may_start(self, now: float) -> bool:
        return self.in_flight < self.limit and now >= self.not_before

    def _pause(self, now: float, retry_after: float | None) -> None:
        if retry_after is not None:
            self.not_before = max(self.not_before, now + min(retry_after, LONGEST_PAUSE))

    @property
    def _recent(self) -> int:
        """How many starts are the latest. Refusals come sooner than bytes, so that those of all in flight may come in a row."""
        return max(RECENT, self.limit)

    def _enough(self) -> int:
        if self._rise.doubling if self._rise else self.limit < self._doubling_to:
            return max(2, self.limit // 2)  # a doubling shows soon
        # To see what a quarter more brings takes a closer look.
        return max(4, self.limit if self._rise is None else 2 * self.limit)

    def _judge(self, now: float) -> None:
        one, rise = self._round, self._rise
        goodput = self.limit * one.amount / max(one.seconds, 1e-9)
        if one.peak < self.limit or not self._warm:
            self._warm = True
            self._move(now, self.limit)
        elif rise is not None:
            self._judge_rise(now, rise, goodput)
        elif self.limit < self._doubling_to or self._rounds >= self._hold:
            self._try_more(now, goodput)
        else:
            self._rounds += 1
            self._move(now, self.limit)

    def _judge_rise(self, now: float, rise: _Rise, goodput: float) -> None:
        gain, asked = goodput / max(rise.goodput, 1e-9), self.limit / rise.limit
        if gain >= 1.0 + WORTH * (asked - 1.0):
            self._hold = FIRST_HOLD
            self._try_more(now, goodput)
            return
        self._doubling_to, self._full = 1, True
        self._hold = FIRST_HOLD if rise.doubling else min(2 * self._hold, LONGEST_HOLD)
        self._settle(now, self.limit if rise.doubling and gain > NOTHING else rise.limit)

    def _try_more(self, now: float, goodput: float) -> None:
        if not self._full and self.limit >= self._doubling_to:
            self._doubling_to = self.maximum  # what stopped it was a storm, and that is over
        limit, doubling = self.limit, self.limit < self._doubling_to
        more = min(2 * limit, self._doubling_to) if doubling else min(limit + max(1, limit // 4), self.maximum)
        if more == limit:
            self._settle(now, limit)
            return
        self._rise = _Rise(limit, goodput, doubling)
        self._move(now, more)

    def _settle(self, now: float, limit: int) -> None:
        self._rise, self._rounds = None, 0
        self._move(now, limit)

    def _halve(self, now: float) -> None:
        half = max(1, self.limit // 2)
        if self._answered:  # else it is the same storm
            self._doubling_to, self._hold = half, min(2 * self._hold, LONGEST_HOLD)
        self._answered, self._share, self._old = False, 0.0, self.in_flight
        self._settle(now, half)

    def _move(self, now: float, limit: int) -> None:
        self.limit = limit
        self._round = _Round(now, peak=self.in_flight)


class Fixed(Limiter):
    """A limit that stays."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, limit)

    def succeeded(self, now: float, amount: float, seconds: float) -> None:
        self.ended(now)

    def throttled(self, now: float, retry_after: float | None = None) -> None:
        self.ended(now)
        self._pause(now, retry_after)
