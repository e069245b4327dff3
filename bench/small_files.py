"""20,000 files of 10 KiB: logged, logged again unchanged, downloaded, downloaded again. Whole processes, median of five.

    python bench/small_files.py [--count N] [--size BYTES] [--runs N] [--folder DIR]

Bars on two cores: log 2.5 s (durable), again 0.7 s with no object and no manifest written, download 2.5 s (verified,
durable), 150 MB each. Nothing is deleted before the end: ext4 looks past every inode that was freed in the last minutes, which
makes whatever creates files after a large `rm` up to ten times slower (`cp -r` of the same files: 0.4 s, or 4 s after an `rm`).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _measure import Cost, heading, lading, median, row, run, verdict, warm_memory

BARS = {"log": 2.5, "log again, unchanged": 0.7, "download": 2.5}
MEMORY = 150e6
WARM = 1 << 30  # more than any of them fills


def make_files(folder: Path, count: int, size: int) -> None:
    """Files that all differ, a hundred to a folder; settled, so that an index may trust their stamps."""
    block = os.urandom(size)
    for number in range(count):
        place = folder / f"class_{number // 100:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"sample_{number:08}.bin").write_bytes(number.to_bytes(8, "big") + block[8:])
    os.sync()
    time.sleep(2.1)


def stored(home: Path) -> dict[str, tuple[int, int]]:
    """Inode and mtime of all that lies in the store."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in (home / "store").rglob("*")}


def measure(source: Path, place: Path, count: int) -> dict[str, Cost]:
    """One run, in a home of its own."""
    home, out = place / "home", place / "out"
    env = {"LADING_HOME": str(home), "LADING_QUIET": "1"}
    put = lading("put", str(source), "--name", "bench/files", "--type", "dataset", "--json")
    get = lading("get", "bench/files:latest", "--root", str(out), "--json")
    warm_memory(WARM)
    costs = {"log": run(put, env)}
    before = stored(home)
    costs["log again, unchanged"] = run(put, env)
    assert stored(home) == before, "an unchanged log wrote to the store"
    assert json.loads(costs["log again, unchanged"].output)["version"] == "v0"
    warm_memory(WARM)
    costs["download"] = run(get, env)
    assert sum(1 for path in out.rglob("*") if path.is_file()) == count
    costs["download again, unchanged"] = run(get, env)
    return costs


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args(argv)
    heading(f"{options.count} files of {options.size} bytes, median of {options.runs}, whole processes")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source = Path(folder) / "source"
        make_files(source, options.count, options.size)
        runs = [measure(source, Path(folder) / f"run{number}", options.count) for number in range(options.runs)]
    for name in runs[0]:
        cost = median([each[name] for each in runs])
        bars = [verdict(cost.wall, BARS[name])] if name in BARS else []
        row(name, cost, ", ".join([*bars, "memory " + verdict(cost.rss, MEMORY)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
