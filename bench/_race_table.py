"""The race as a page of Markdown: every figure, then every bar."""

from collections.abc import Iterator

from _race_material import WORKS, Work
from _race_results import OURS, Amount, Bar, Measured, Race, bars

TITLES = {
    "big-down": "down, HTTP",
    "big-up": "up, HTTP",
    "big-down-tls": "down, TLS",
    "big-up-tls": "up, TLS",
    "small-down": "down, HTTP",
    "small-up": "up, HTTP",
}
MARKS = {True: "✓", False: "✗ **not reached**", None: "not raced"}


def page(race: Race) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in race.versions.items())
    lines = [f"{race.machine}; {race.date}; medians of {race.runs}, rounds interleaved.", "", versions, ""]
    for work in WORKS:
        if race.medians(work):
            lines += [*_figures(race, work), ""]
    lines += [f"{what} failed: {why}" for what, why in race.failed.items()]
    if race.absent:
        lines += [f"Not installed, so not raced: {', '.join(race.absent)} (run again with --install)."]
    rows = {work.name: title(work, race.amounts[work.name]) for work in WORKS}
    return "\n".join([*lines, *_bars(bars(race), rows)])


def title(work: Work, amount: Amount) -> str:
    """What the work is, in words."""
    if amount.files == 1:
        return f"{amount.bytes / (1 << 30):.3g} GiB {TITLES[work.name]}"
    return f"{amount.files:,} × {amount.bytes / amount.files / 1024:.3g} KiB {TITLES[work.name]}"


def memory(race: Race, each: Measured) -> str:
    """Peak megabytes."""
    return f"{'≤ ' if each.rss <= race.least_rss else ''}{each.rss / 1e6:.0f}"


def _figures(race: Race, work: Work) -> Iterator[str]:
    amount = race.amounts[work.name]
    medians = race.medians(work)
    ours = medians.get(OURS)
    many = amount.files > 1
    speeds = "files/s" if many else "GB/s"
    yield f"| {title(work, amount)} | seconds (least – most) | {speeds} | CPU-s | its server's | peak MB | ours is faster |"
    yield "|---|---|---|---|---|---|---|"
    for name, each in medians.items():
        walls = [run.wall for run in race.of(work, name)]
        speed = f"{amount.files / each.wall:,.0f}" if many else f"{amount.bytes / each.wall / 1e9:.2f}"
        ratio = "" if ours is None or name == OURS else f"{each.wall / ours.wall:.2f} ×"
        shown = f"**{name}**, verified" if name == OURS else name
        yield (
            f"| {shown} | {each.wall:.2f} ({min(walls):.2f} – {max(walls):.2f}) | {speed} | {each.cpu:.2f} "
            f"| {each.server_cpu:.2f} | {memory(race, each)} | {ratio} |"
        )


def _bars(found: list[Bar], rows: dict[str, str]) -> Iterator[str]:
    yield "| work | bar | measured | |"
    yield "|---|---|---|---|"
    for bar in found:
        yield f"| {rows.get(bar.row, bar.row)} | {bar.claim} | {bar.found} | {MARKS[bar.reached]} |"
