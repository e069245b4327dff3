"""The adaptive limit against fixed ones, over simulated links in virtual time: nothing sleeps, nothing is sent.

    python bench/limiter_matrix.py [--few] [--plot docs/figures/limiter.svg]

The links are those of `lading.testing.link`; the goodput of each cell is that of the second half of its pieces.
"""

import itertools
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lading.testing.link import BULK, SMALL, Link, adaptive, best_fixed, simulate

PIECES, FEW = 6000, 2000
BAR = 0.85
BANDWIDTHS = (50e6, 200e6, 1e9, 10e9, 40e9, 100e9)  # bits per second
ROUND_TRIPS = (0.001, 0.005, 0.02, 0.1, 0.2)
LOSSES = (0.0, 0.001, 0.01)
REFUSED = (0.0, 0.05)


SHOWN = (
    Link(50e6, 0.02, 0.0, 0.0, BULK),
    Link(1e9, 0.1, 0.001, 0.05, BULK),
    Link(10e9, 0.02, 0.0, 0.0, BULK),
    Link(100e9, 0.2, 0.01, 0.05, BULK),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A link, what the adaptive limit reached of the best fixed one, where it ended, and what the best fixed one was."""

    link: Link
    share: float
    limit: int
    best: int
    turns: int  # how often the limit turned round, down after up or up after down, in the second half of the time

    def row(self) -> str:
        link = self.link
        name = f"{link.bandwidth / 1e6:>9,.0f} {link.round_trip * 1000:>6.0f} {link.loss:>6.1%} {link.refused:>5.0%}"
        work = "bulk" if link.size == BULK else "small"
        return f"{work:<5} {name} {self.best:>6} {self.limit:>6} {self.turns:>6} {self.share:>7.1%}"


def measured(link: Link, pieces: int = PIECES) -> Cell:
    course, (best, limit) = simulate(link, adaptive(link), pieces), best_fixed(link, pieces // 2)
    return Cell(link, course.goodput / best, course.limits[-1][1], limit, course.turns())


def links(*, few: bool) -> Iterator[Link]:
    if few:
        for size, bandwidth, round_trip in itertools.product((BULK, SMALL), (50e6, 10e9), (0.001, 0.1)):
            yield from (Link(bandwidth, round_trip, loss, refused, size) for loss, refused in ((0.0, 0.0), (0.001, 0.05)))
        return
    for size, bandwidth, round_trip in itertools.product((BULK, SMALL), BANDWIDTHS, ROUND_TRIPS):
        yield from (Link(bandwidth, round_trip, loss, refused, size) for loss, refused in itertools.product(LOSSES, REFUSED))


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="a few cells only")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, too (SVG or PNG; matplotlib does it)")
    asked = parser.parse_args()
    print(f"{'work':<5} {'Mbit/s':>9} {'RTT ms':>6} {'loss':>6} {'503':>5} {'fixed':>6} {'ours':>6} {'turns':>6} {'reached':>7}")
    cells: list[Cell] = []
    for link in links(few=asked.few):
        cells.append(measured(link, FEW if asked.few else PIECES))
        print(cells[-1].row())
    below, worst = sum(cell.share < BAR for cell in cells), min(cells, key=lambda cell: cell.share)
    print(f"\n{len(cells)} cells, {below} below {BAR:.0%} of the best fixed limit; the worst reaches {worst.share:.1%}")
    if asked.plot:
        from _limiter_plot import draw

        draw(cells, [(link, simulate(link, adaptive(link), 4000), best_fixed(link, PIECES)[1]) for link in SHOWN], asked.plot)
    if below:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
