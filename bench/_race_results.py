"""What the race found, as one value; and how that stands to its bars. Pure."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from _race_material import BIG_DOWN, BIG_UP, SMALL_DOWN, SMALL_UP, TLS_DOWN, TLS_UP, WORKS, Work
from msgspec import Struct

OURS = "lading"
MEMORY = 150e6
LAG_P99, LAG_MAX = 0.010, 0.050


class Measured(Struct, frozen=True):
    """One whole process: seconds of wall clock, CPU seconds of it and of the server meanwhile, peak resident bytes."""

    work: str
    contestant: str
    wall: float
    cpu: float
    rss: int
    server_cpu: float


class Lag(Struct, frozen=True):
    """How late a service was that wanted to tick every millisecond, in seconds, `beside` some work."""

    beside: str
    ticks: int
    p99: float
    max: float


class Amount(Struct, frozen=True):
    """What one work moves."""

    files: int
    bytes: int


class Race(Struct, frozen=True):
    """All that was measured, and where."""

    machine: str
    date: str
    runs: int
    versions: dict[str, str]
    amounts: dict[str, Amount]
    measured: tuple[Measured, ...]
    lags: tuple[Lag, ...]
    sink_bytes: int
    sink: Measured | None
    failed: dict[str, str]
    absent: tuple[str, ...]
    least_rss: int  # what a child inherits of the race's own memory; less than that cannot be seen

    def of(self, work: Work, contestant: str) -> list[Measured]:
        return [each for each in self.measured if (each.work, each.contestant) == (work.name, contestant)]

    def medians(self, work: Work) -> dict[str, Measured]:
        """By contestant, the fastest first: each figure's median, of memory the largest."""
        names = dict.fromkeys(each.contestant for each in self.measured if each.work == work.name)
        found = [_median(self.of(work, name)) for name in names]
        return {each.contestant: each for each in sorted(found, key=lambda each: each.wall)}


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        runs[0].work,
        runs[0].contestant,
        statistics.median(each.wall for each in runs),
        statistics.median(each.cpu for each in runs),
        max(each.rss for each in runs),
        statistics.median(each.server_cpu for each in runs),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A claim and how it went; `reached` is None where what it needs was not raced."""

    row: str
    claim: str
    found: str
    reached: bool | None


def bars(race: Race) -> list[Bar]:
    """Every bar, in the order of the table."""
    return [*_speed(race), *_cpu(race), *_memory(race), *_lag(race)]


# Of each work: how many times faster ours shall be, by contestant; "" stands for all that are not named.
FASTER: dict[Work, dict[str, float]] = {
    BIG_DOWN: {"s5cmd": 1.5, "": 1.2},
    BIG_UP: {"s5cmd": 2.5, "obstore": 1.5},
    TLS_DOWN: {"s5cmd": 1.0},
    TLS_UP: {"s5cmd": 2.0},
    SMALL_UP: {"s5cmd": 2.0},
    SMALL_DOWN: {"s5cmd": 4.0, "wandb": 10.0},
}


def _speed(race: Race) -> Iterator[Bar]:
    for work, factors in FASTER.items():
        medians = race.medians(work)
        ours = medians.pop(OURS, None)
        for name, factor in factors.items():
            others = [medians[name]] if name in medians else [] if name else [m for n, m in medians.items() if n not in factors]
            claim = f"≥ {factor:g} × faster than {name or 'every other'}"
            if ours is None or not others:
                yield Bar(work.name, claim, "", None)
                continue
            best = min(others, key=lambda each: each.wall)
            ratio = best.wall / ours.wall
            yield Bar(work.name, claim, f"{ratio:.2f} ×" + ("" if name else f" ({best.contestant})"), ratio >= factor)


def _cpu(race: Race) -> Iterator[Bar]:
    for work, share, said in ((BIG_DOWN, 1.0, "s5cmd's"), (BIG_UP, 0.5, "half of s5cmd's")):
        medians = race.medians(work)
        if OURS not in medians or "s5cmd" not in medians:
            yield Bar(work.name, f"CPU-seconds ≤ {said}", "", None)
            continue
        ratio = medians[OURS].cpu / medians["s5cmd"].cpu
        yield Bar(work.name, f"CPU-seconds ≤ {said}", f"{ratio:.2f} of s5cmd's", ratio <= share)
    for work in (SMALL_UP, SMALL_DOWN):
        medians = race.medians(work)
        ours, claim = medians.pop(OURS, None), "files/s per CPU-second above every peer"
        if ours is None or not medians:
            yield Bar(work.name, claim, "", None)
            continue
        best = min(medians.values(), key=lambda each: each.cpu)
        count = race.amounts[work.name].files
        found = f"{count / ours.cpu:,.0f} files per CPU-second; {best.contestant} {count / best.cpu:,.0f}"
        yield Bar(work.name, claim, found, ours.cpu < best.cpu)


def _memory(race: Race) -> Iterator[Bar]:
    claim = f"peak RSS ≤ {MEMORY / 1e6:.0f} MB"
    for work in WORKS:
        runs = race.of(work, OURS)
        most = max((each.rss for each in runs), default=0)
        yield Bar(work.name, claim, f"{most / 1e6:.0f} MB" if runs else "", most <= MEMORY if runs else None)
    if race.sink:
        found = f"{race.sink.rss / 1e6:.0f} MB, {race.sink_bytes / race.sink.wall / 1e9:.2f} GB/s"
        yield Bar(f"{race.sink_bytes / (1 << 30):.4g} GiB hashed, thrown away", claim, found, race.sink.rss <= MEMORY)


def _lag(race: Race) -> Iterator[Bar]:
    figures: tuple[tuple[str, float, Callable[[Lag], float]], ...] = (
        ("p99", LAG_P99, lambda lag: lag.p99),
        ("max", LAG_MAX, lambda lag: lag.max),
    )
    for beside in dict.fromkeys(lag.beside for lag in race.lags if lag.beside):
        for name, most, figure in figures:
            lags = [figure(lag) for lag in race.lags if lag.beside == beside]
            alone = statistics.median([figure(lag) for lag in race.lags if not lag.beside] or [0.0])
            middle = statistics.median(lags)
            found = f"{1e3 * middle:.1f} ms (worst run {1e3 * max(lags):.1f}, with nothing beside it {1e3 * alone:.1f})"
            yield Bar(f"loop lag beside {beside}", f"{name} ≤ {1e3 * most:g} ms", found, middle <= most)
