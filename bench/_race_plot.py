"""The race as a figure: seconds and CPU seconds of every contestant, a panel for each work."""

import importlib
from pathlib import Path
from typing import Any

from _race_material import WORKS, Work
from _race_results import OURS, Race
from _race_table import memory, title

HERS, OWN, CPU = "#9aa5b1", "#1f6f78", "#d9822b"


def draw(race: Race, target: Path) -> None:
    """Write the figure; the suffix says in which form."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "race", "font.size": 9, "svg.fonttype": "none"})
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    works = [work for work in WORKS if race.medians(work)]
    columns = 2
    rows = -(-len(works) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(10, 0.9 + 2.3 * rows), squeeze=False, layout="constrained")
    for axes in grid.flat[len(works) :]:
        axes.set_visible(False)
    for axes, work in zip(grid.flat, works, strict=False):
        _panel(axes, race, work)
    runs = f"medians of {race.runs}, whiskers from the least to the most" if race.runs > 1 else "one run"
    figure.suptitle(
        f"Seconds (broad bars: {runs}) and CPU seconds (thin bars) of whole processes; shorter is better\n"
        f"{race.machine}; {race.date}\n"
        "nginx on the same machine over loopback, files in memory; lading verifies every leaf, the others nothing",
        fontsize=8.5,
    )
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else {})
    pyplot.close(figure)


def _panel(axes: Any, race: Race, work: Work) -> None:
    medians = race.medians(work)
    names = list(medians)
    for place, each in enumerate(medians.values()):
        walls = [run.wall for run in race.of(work, each.contestant)]
        spread = [[each.wall - min(walls)], [max(walls) - each.wall]]
        color = OWN if each.contestant == OURS else HERS
        axes.barh(place - 0.14, each.wall, 0.5, color=color)
        if len(walls) > 1:
            axes.errorbar(each.wall, place - 0.14, xerr=spread, color="#333333", linewidth=1, capsize=2)
        axes.barh(place + 0.26, each.cpu, 0.18, color=CPU)
        text = f" {each.wall:.1f} s · {each.cpu:.1f} CPU-s · {memory(race, each)} MB"
        axes.text(max(max(walls), each.cpu), place, text, va="center", fontsize=7.5)
    axes.set_yticks(range(len(names)), names)
    for label in axes.get_yticklabels():
        if label.get_text() == OURS:
            label.set_fontweight("bold")
    axes.set_xlabel("seconds", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.42)
    axes.set_xlim(left=0)
    axes.set_title(title(work, race.amounts[work.name]), fontsize=9, fontweight="bold", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
