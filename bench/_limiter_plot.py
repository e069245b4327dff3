"""The plot of `limiter_matrix.py`: what is reached on each kind of link, and how the limit gets there."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limiter_matrix import Cell

    from lading.testing.link import Course, Link

INK, QUIET, OURS, FIXED = "#22303c", "#8a97a3", "#0b6e99", "#d9822b"


def draw(cells: "Sequence[Cell]", courses: "Sequence[tuple[Link, Course, int]]", target: Path) -> None:
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    pyplot.rcParams.update({"font.size": 9, "font.family": "DejaVu Sans", "text.color": INK, "axes.labelcolor": INK})
    pyplot.rcParams.update({"xtick.color": INK, "ytick.color": INK, "axes.edgecolor": QUIET, "svg.fonttype": "none"})
    pyplot.rcParams["svg.hashsalt"] = "limiter"
    figure = pyplot.figure(figsize=(10.5, 7.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.0, 0.95), hspace=0.04)
    sizes = sorted({cell.link.size for cell in cells}, reverse=True)
    above.suptitle("Goodput of the adaptive limit, in % of the best fixed limit (the worst over loss 0–1 % and 0–5 % of 503)")
    maps = above.subplots(1, len(sizes), squeeze=False)[0]
    for axes, size in zip(maps, sizes, strict=True):
        _map(axes, [cell for cell in cells if cell.link.size == size], "parts of 16 MiB" if size > 1 << 20 else "files of 10 KiB")
    below.suptitle("How the limit gets there (parts of 16 MiB; dashed: the smallest fixed limit within 5 % of the best)")
    panes = below.subplots(1, len(courses), squeeze=False)[0]
    for axes, (link, course, best) in zip(panes, courses, strict=True):
        _course(axes, link, course, best)
    panes[0].set_ylabel("in flight")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=150, metadata={"Date": None} if target.suffix == ".svg" else {})
    pyplot.close(figure)


def _map(axes: Any, cells: "Sequence[Cell]", title: str) -> None:
    bandwidths = sorted({cell.link.bandwidth for cell in cells})
    trips = sorted({cell.link.round_trip for cell in cells})
    worst = [
        [
            min(cell.share for cell in cells if (cell.link.bandwidth, cell.link.round_trip) == (width, trip))
            for width in bandwidths
        ]
        for trip in trips
    ]
    axes.imshow(worst, cmap="Blues", vmin=0.75, vmax=1.12, aspect="auto", origin="lower")
    for row, shares in enumerate(worst):
        for column, share in enumerate(shares):
            axes.text(column, row, f"{share * 100:.0f}", ha="center", va="center", color="white" if share > 0.88 else INK)
    axes.set_xticks(range(len(bandwidths)), [_bits(each) for each in bandwidths])
    axes.set_yticks(range(len(trips)), [f"{each * 1000:.0f} ms" for each in trips])
    axes.set(title=title, xlabel="bandwidth (bit/s)", ylabel="round trip")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _course(axes: Any, link: "Link", course: "Course", best: int) -> None:
    times, limits = zip(*_stairs(course), strict=True)
    axes.plot(times, limits, color=OURS, linewidth=1.6)
    axes.axhline(best, color=FIXED, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_yscale("log", base=2)
    axes.set_ylim(0.8, 340)
    axes.set_yticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    axes.set_title(
        f"{_bits(link.bandwidth)}bit/s, {link.round_trip * 1000:.0f} ms\nloss {link.loss:.1%}, 503 {link.refused:.0%}", fontsize=9
    )
    axes.set_xlabel("seconds")
    axes.grid(color=QUIET, alpha=0.25, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _stairs(course: "Course") -> Iterator[tuple[float, int]]:
    for (at, limit), (until, _) in zip(course.limits, [*course.limits[1:], (course.seconds, 0)], strict=True):
        yield at, limit
        yield until, limit


def _bits(bandwidth: float) -> str:
    return f"{bandwidth / 1e9:.0f} G" if bandwidth >= 1e9 else f"{bandwidth / 1e6:.0f} M"
