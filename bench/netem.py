"""The adaptive limit against fixed ones over links that are slow for real: the kernel's TCP, a server and a client in network
namespaces of their own, and `tc netem` between them. Where the kernel has no netem, a process of ours (`_wire.py`) delays,
paces and loses the packets; that takes processor time which the client wants, so that the links are slower.

    python bench/netem.py [--cells N …] [--limits N …] [--mib N] [--times N] [--congestion NAME] [--folder DIR]

One object comes down through the engine, every leaf verified, again and again; the limits take turns. The first time says what
finding the limit costs, the median of the others is the steady state, whose bar is 85% of the best fixed limit. Nothing is
changed on the machine, and nothing is left of the namespaces. Where they cannot be made it says why, and that is all.
"""

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _link import ImpossibleError, Kind, Line, kind_here, link, serving
from _measure import heading, run
from _race_material import make_big

BAR = 0.85
BUSY = 0.8  # of a processor: a wire that needs more than that is what is measured
HERE = Path(__file__).parent
CELLS: dict[Kind, tuple[Line, ...]] = {
    "netem": (Line(1e9, 0.02), Line(200e6, 0.1), Line(1e9, 0.05, 0.001), Line(100e6, 0.001)),
    "wire": (Line(200e6, 0.02), Line(200e6, 0.1), Line(200e6, 0.05, 0.001), Line(100e6, 0.001)),
}
SECONDS = 6  # at the least, that a transfer takes
MOST = 512 << 20
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Timed:
    """A limit (0: found by trying). Seconds: the first time, and as it is later; and the limit at the end."""

    limit: int
    first: float
    steady: float
    final: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What was found on a link. `wire`: how busy our own wire was, as a share of the time."""

    line: Line
    size: int
    timed: tuple[Timed, ...]
    wire: float

    def share(self, seconds: str) -> float:
        """Of the best fixed limit, that the adaptive one reached."""
        found = {each.limit: float(getattr(each, seconds)) for each in self.timed}
        return min(taken for limit, taken in found.items() if limit) / found[0]

    @property
    def valid(self) -> bool:
        return self.wire < BUSY

    def show(self) -> None:
        print(f"\n{f'{self.line}, {self.size >> 20} MiB':<36}{'first':>9}{'steady':>10}{'Mbit/s':>8}")
        for each in self.timed:
            name = f"fixed at {each.limit}" if each.limit else f"found by trying, {each.final} at the end"
            print(f"  {name:<34}{each.first:>7.2f} s{each.steady:>8.2f} s{8 * self.size / each.steady / 1e6:>8.0f}")
        print(f"  reached {self.share('steady'):.0%} of the best fixed limit ({self.share('first'):.0%} the first time)")
        if self.wire:
            print(f"  our wire was busy for {self.wire:.0%} of the time{'' if self.valid else ': too busy to be this link'}")
        sys.stdout.flush()


def size_for(line: Line) -> int:
    """Bytes that keep the link busy for a while; whole parts of 16 MiB."""
    return min(MOST, max(4, int(line.rate / 8 * SECONDS) >> 24) << 24)


def made(place: Path, size: int) -> Path:
    """The plan of an object of this size below `www`; made once."""
    plan, folder = place / f"{size}.json", place / "www" / str(size)
    if not plan.exists():
        make_big(folder, size)
        run([sys.executable, str(HERE / "_race_ours.py"), "plan", str(folder), str(size), str(plan)])
    return plan


def measure(line: Line, kind: Kind, size: int, place: Path, asked: argparse.Namespace) -> Cell:
    plan, nginx, limits = made(place, size), Path(tempfile.mkdtemp(dir=place)), [0, *asked.limits]
    with link(line, kind) as ends, serving(ends, place / "www", nginx / "nginx", asked.congestion) as url:
        words = [str(HERE / "_netem_client.py"), str(plan), url, str(place / "out"), str(asked.times), *map(str, limits)]
        began, busy = time.perf_counter(), ends.wire_seconds()
        told = run(ends.in_client(sys.executable, *words), {"NO_PROXY": "*"}).output
        wire = (ends.wire_seconds() - busy) / (time.perf_counter() - began)
    timed = [
        Timed(limit, first, statistics.median(later or [first]), final) for limit, (first, *later), final in json.loads(told)
    ]
    return Cell(line, size, tuple(timed), wire)


def congestion(what: str) -> list[str]:
    """What the kernel says of how TCP finds its speed: the "congestion_control" that is used, or the "allowed_" ones."""
    path = Path(f"/proc/sys/net/ipv4/tcp_{what}")
    return path.read_text().split() if path.exists() else ["unknown"]


def stop(*_: object) -> None:
    """End on SIGTERM as on any error: with all that was made removed."""
    sys.exit(143)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[0, 1, 2, 3], help="which, from 0 to 3 (default: all)")
    parser.add_argument("--limits", type=int, nargs="+", default=[1, 4, 16, 64], help="the fixed ones")
    parser.add_argument("--mib", type=int, help="size of the object (default: some seconds' worth)")
    parser.add_argument("--times", type=int, default=4, help="transfers with each limit (default 4)")
    allowed = congestion("allowed_congestion_control")
    parser.add_argument("--congestion", choices=allowed, help="what the server's TCP uses (default: as this machine)")
    parser.add_argument("--folder", type=Path, default=MEMORY if MEMORY.is_dir() else None, help="default: in memory")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    try:
        kind, why = kind_here()
    except ImpossibleError as error:
        print(f"no slow link can be made here: {error}")
        return
    heading(f"the adaptive limit over slow links: {asked.times} times each, in turns")
    made_by = "tc netem" if kind == "netem" else f"no netem here ({why}): _wire.py carries the packets"
    print(f"# {made_by}; TCP with {asked.congestion or congestion('congestion_control')[0]}")
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory(prefix="lading-netem-", dir=asked.folder) as folder:
        chosen: list[int] = asked.cells
        for line in (CELLS[kind][number] for number in chosen):
            size = asked.mib << 20 if asked.mib else size_for(line)
            cells.append(measure(line, kind, size, Path(folder), asked))
            cells[-1].show()
    judged = [cell for cell in cells if cell.valid]
    below = [cell.line for cell in judged if cell.share("steady") < BAR]
    named = f": {'; '.join(map(str, below))}" if below else ""
    print(f"\n{len(cells)} links, {len(judged)} of them as slow as asked, {len(below)} below {BAR:.0%}{named}")


if __name__ == "__main__":
    main()
