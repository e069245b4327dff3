"""One large file: hashed beside plain blake3, logged and downloaded beside `cp`. Paired runs, median of five.

    python bench/large_file.py [--gib N] [--runs N] [--folder DIR]

Bars: hashing at 80% of blake3's own speed with the same threads; log and download in 1.2 × (cp --reflink=never + hashing);
150 MB. `cp` leaves its copy in memory; lading's are on the disk when it says so. So both are shown: cp alone, and cp followed by
a sync of its copy; and the disk alone, to which the same bytes are written past the page cache: whoever is to leave them on the
disk needs that long. Each of them finds an idle disk and twice as much memory at hand as it will fill: with just as much, the
last quarter of a copy was made at a third of the speed.
"""

import argparse
import asyncio
import mmap
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from _measure import Cost, heading, lading, median, row, run, timed, verdict, warm_memory
from blake3 import blake3

from lading.manifest.digest import Algorithm
from lading.store.memory import MemoryStore
from lading.transfer.engine import Engine, local_limits
from lading.transfer.lanes import cores
from lading.transfer.local import local_file

CP, SYNCED, DISK = "cp --reflink=never", "cp, then sync", "the disk alone"
OURS = LOG, DOWNLOAD = "log (durable)", "download (durable)"
PAGE = 4096
BLOCK = 8 << 20  # small: the memory of this process counts as that of its children, too


def make_file(path: Path, size: int) -> None:
    """Random enough that nothing can be shared; no two leaves are equal."""
    block = bytearray(os.urandom(BLOCK))
    with path.open("wb") as file:
        for number in range(0, size, BLOCK):
            for at in range(0, BLOCK, 1 << 20):
                block[at : at + 8] = (number + at).to_bytes(8, "big")
            file.write(block[: min(BLOCK, size - number)])
    os.sync()


def hash_plainly(path: Path) -> None:
    blake3(max_threads=cores()).update_mmap(path).digest()


def hash_by_leaves(path: Path) -> None:
    engine = Engine(MemoryStore(), limits=local_limits(cores()))
    asyncio.run(engine.hash([local_file(str(path))], Algorithm.BLAKE3))
    engine.close()


HASHES = {"plainly": hash_plainly, "by-leaves": hash_by_leaves}


def seconds_to_hash(how: str, path: Path) -> float:
    """In a process of its own: memory that is mapped here would count as that of every later child."""
    return float(run([sys.executable, __file__, "--hash", how, str(path)]).output)


def write_directly(path: Path, size: int) -> None:
    """As the disk takes it: several large blocks at the same time, past the page cache where the file system lets us."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.posix_fallocate(descriptor, 0, size)
    block = mmap.mmap(-1, min(BLOCK, -(-size // PAGE) * PAGE))
    block.write(os.urandom(len(block)))
    try:
        direct = os.open(path, os.O_RDWR | os.O_DIRECT)
    except OSError:
        direct = os.dup(descriptor)

    def write(start: int) -> int:
        return os.pwrite(direct, block, start)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(0, size, len(block))))
    os.fsync(descriptor)


@dataclass(frozen=True)
class Works:
    """What is raced, each with nothing left of it afterwards. `home` holds a log of the source, to be downloaded."""

    source: Path
    home: Path
    place: Path

    def copy(self) -> dict[str, Cost]:
        copy = self.place / "copy"
        first = run(["cp", "--reflink=never", str(self.source), str(copy)])
        synced = run(["sync", str(copy)])
        copy.unlink()
        return {CP: first, SYNCED: Cost(first.wall + synced.wall, first.cpu + synced.cpu, first.rss)}

    def write(self) -> dict[str, Cost]:
        file = self.place / "written"
        cost = run([sys.executable, __file__, "--write", str(file), str(self.source.stat().st_size)])
        file.unlink()
        return {DISK: Cost(float(cost.output), cost.cpu, cost.rss)}

    def log(self) -> dict[str, Cost]:
        home = self.place / "home"
        cost = run(lading("put", str(self.source), "--name", "bench/large", "--json"), environment(home))
        shutil.rmtree(home)
        return {LOG: cost}

    def download(self) -> dict[str, Cost]:
        out = self.place / "out"
        cost = run(lading("get", "bench/large", "--root", str(out), "--json"), environment(self.home))
        assert (out / self.source.name).stat().st_size == self.source.stat().st_size
        shutil.rmtree(out)
        return {DOWNLOAD: cost}

    def round(self, number: int) -> dict[str, Cost]:
        """All of them, each round beginning with another: what comes later finds the disk busier."""
        works, costs = [self.copy, self.write, self.log, self.download], dict[str, Cost]()
        for work in works[number % len(works) :] + works[: number % len(works)]:
            os.sync()
            warm_memory(2 * self.source.stat().st_size)
            costs |= work()
        return costs


def environment(home: Path) -> dict[str, str]:
    return {"LADING_HOME": str(home), "LADING_QUIET": "1"}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--hash", nargs=2, metavar=("HOW", "FILE"), help="only print how many seconds that takes")
    parser.add_argument("--write", nargs=2, metavar=("FILE", "SIZE"), help="only print how many seconds writing takes")
    options = parser.parse_args(argv)
    if options.write:
        place, size = Path(options.write[0]), int(options.write[1])
        print(timed(lambda: write_directly(place, size)))
        return 0
    if options.hash:
        how, path = options.hash
        print(timed(lambda: HASHES[how](Path(path))))
        return 0
    size = int(options.gib * (1 << 30))
    heading(f"one file of {options.gib:g} GiB, median of {options.runs}")
    plain: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        works = Works(Path(folder, "file.bin"), Path(folder, "logged"), Path(folder))
        make_file(works.source, size)
        seconds_to_hash("plainly", works.source)
        for _ in range(options.runs):
            plain.append(seconds_to_hash("plainly", works.source))
            ours.append(seconds_to_hash("by-leaves", works.source))
        run(lading("put", str(works.source), "--name", "bench/large"), environment(works.home))
        rounds = [works.round(number) for number in range(options.runs)]
    hashing = statistics.median(ours)
    speed = statistics.median(plain) / hashing
    gb = size / 1e9
    print(f"blake3 alone, {cores()} threads: {gb / statistics.median(plain):.2f} GB/s; by leaves: {gb / hashing:.2f} GB/s")
    print(f"that is {speed:.0%} of blake3 alone, bar 80%: {'reached' if speed >= 0.8 else 'NOT REACHED'}")
    medians = {name: median([costs[name] for costs in rounds]) for name in (CP, SYNCED, DISK, *OURS)}
    for name, cost in medians.items():
        row(name, cost, "memory " + verdict(cost.rss, 150e6) if name in OURS else "")
    for against in (CP, SYNCED):
        bar = medians[against].wall + hashing
        for name in OURS:
            ratio = medians[name].wall / bar
            print(f"{name} / ({against} + hashing, {bar:.2f} s) = {ratio:.2f}, {verdict(ratio, 1.2)}")
    print(f"{DISK} / ({CP} + hashing) = {medians[DISK].wall / (medians[CP].wall + hashing):.2f}")
    for name in OURS:
        print(f"{name} / {DISK} = {medians[name].wall / medians[DISK].wall:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
