"""A link in virtual time: how fast a limit of what is in flight is on it, without sending or sleeping.

A link shares its bandwidth equally among its connections; each connection is held back by its window (4 MiB per round trip) and
by loss (Mathis: 1.22 segments of 1460 bytes per round trip and root of the loss). Before its first byte a request waits for a
round trip and for the server, 5 to 25 ms. Connections are kept open, and what is refused is asked for again at the end.
"""

import heapq
import itertools
import math
import random
from dataclasses import dataclass

from ..transfer.endpoints import FIRST_BULK, FIRST_SMALL
from ..transfer.limiter import Fixed, Limiter

FIXED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
WINDOW, SEGMENT = 4 << 20, 1460
BULK, SMALL = 16 << 20, 10 << 10


@dataclass(frozen=True, slots=True)
class Link:
    """One cell of the matrix. Bits per second, seconds, shares."""

    bandwidth: float
    round_trip: float
    loss: float
    refused: float
    size: int

    @property
    def connection(self) -> float:
        """Bytes per second of one connection that has the link for itself."""
        by_loss = SEGMENT * 1.22 / (self.round_trip * math.sqrt(self.loss)) if self.loss else math.inf
        return min(self.bandwidth / 8, WINDOW / self.round_trip, by_loss)


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it: bytes per second of the second half, how long all took, and the limit at each change, with its time."""

    goodput: float
    seconds: float
    limits: list[tuple[float, int]]

    def turns(self) -> int:
        """How often the limit turned round, from up to down or back, in the second half of the time."""
        late = [limit for at, limit in self.limits if at > self.seconds / 2]
        ups = [after > before for before, after in itertools.pairwise(late)]
        return sum(one != other for one, other in itertools.pairwise(ups))


def simulate(link: Link, limiter: Limiter, pieces: int, seed: int = 1) -> Course:
    """Move so many pieces. All connections have the same rate at any time, so that one clock of bytes orders their ends."""
    draw = random.Random(seed).random
    waiting: list[tuple[float, float, bool]] = []  # (when the first byte comes, when it was asked for, whether it is refused)
    moving: list[tuple[float, float]] = []  # (the clock of bytes at its end, when it was asked for)
    now = clock = 0.0
    done, half, limits = 0, 0.0, [(0.0, limiter.limit)]
    while done < pieces:
        while limiter.may_start(now):
            limiter.started(now)
            heapq.heappush(waiting, (now + link.round_trip + 0.005 + 0.02 * draw(), now, draw() < link.refused))
        rate = min(link.connection, link.bandwidth / 8 / len(moving)) if moving else 0.0
        next_end = now + (moving[0][0] - clock) / rate if moving else math.inf
        if waiting and waiting[0][0] <= next_end:
            at, asked, refused = heapq.heappop(waiting)
            clock, now = clock + rate * (at - now), at
            if refused:
                limiter.throttled(now)
            else:
                heapq.heappush(moving, (clock + link.size, asked))
        else:
            clock, asked = heapq.heappop(moving)
            now = next_end
            limiter.succeeded(now, link.size, now - asked)
            done += 1
            if done == pieces // 2:
                half = now
        if limiter.limit != limits[-1][1]:
            limits.append((now, limiter.limit))
    return Course((pieces - pieces // 2) * link.size / (now - half), now, limits)


def adaptive(link: Link) -> Limiter:
    """The limiter that such work begins with at an endpoint that nobody knows yet."""
    return Limiter(FIRST_BULK if link.size == BULK else FIRST_SMALL)


def best_fixed(link: Link, pieces: int) -> tuple[float, int]:
    """The best goodput that a fixed limit reaches, and the smallest limit that reaches as good as that."""
    reached = {limit: simulate(link, Fixed(limit), pieces).goodput for limit in FIXED}
    best = max(reached.values())
    return best, next(limit for limit, goodput in reached.items() if goodput >= 0.95 * best)
