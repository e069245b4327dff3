"""A table into an artifact and out of it: each step a whole process, median of the runs.

    python bench/table.py [--rows N] [--runs N] [--folder DIR]

Bars, for 200,000 rows of 8 columns (numbers, texts, times, lists, None): 10 s and 400 MB to make, add and log it, 10 s and 400 MB
to get it. The rows alone, as Python's lists, are "hold". The table that is got must equal the one that was made.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _measure import Cost, heading, median, row, run, verdict

COLUMNS = ["id", "label", "score", "right", "when", "vector", "note", "text"]
BARS = {"make, add and log": (10.0, 400.0), "get": (10.0, 400.0), "get, to pyarrow": (12.0, 500.0)}
STEPS = {"hold": "hold", "make, add and log": "add", "get": "get", "get, to pyarrow": "arrow"}


def rows(count: int) -> Iterator[list[object]]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(count):
        note = None if n % 3 else f"note {n}"
        yield [n, f"class {n % 10}", n / 7, n % 2 == 0, began + timedelta(seconds=n), [n * 0.5, 1.5, 2.5], note, "x" * (n % 60)]


def step(name: str, count: int) -> None:
    """What one process does."""
    if name == "hold":
        held = list(rows(count))
        assert len(held) == count
        return
    import lading

    if name == "add":
        with lading.init(project="bench") as active:
            artifact = lading.Artifact("rows", "dataset")
            artifact["table"] = lading.Table(columns=COLUMNS, data=list(rows(count)))
            active.log_artifact(artifact).wait()
        return
    table = lading.Api(project="bench").artifact("rows:latest")["table"]
    assert isinstance(table, lading.Table)
    assert len(table) == count
    if name == "arrow":
        assert table.to_arrow().num_rows == count
    assert all(read == made for read, made in zip(table.data, rows(count), strict=True))


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--step", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.step:
        step(options.step, options.rows)
        return 0
    heading(f"a table of {options.rows:,} rows and {len(COLUMNS)} columns, median of {options.runs}, whole processes")
    costs: dict[str, list[Cost]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for number in range(options.runs):
            settings = {"LADING_HOME": f"{folder}/{number}", "LADING_QUIET": "1", "LADING_ARTIFACT_DIR": f"{folder}/out{number}"}
            for name, what in STEPS.items():
                command = [sys.executable, os.path.abspath(__file__), "--step", what, "--rows", str(options.rows)]  # noqa: PTH100
                costs[name].append(run(command, settings))
    for name, found in costs.items():
        cost = median(found)
        wall, memory = BARS.get(name, (0.0, 0.0))
        row(name, cost, f"{verdict(cost.wall, wall)}, {verdict(cost.rss / 1e6, memory)}" if wall else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
