"""The race: our engine beside s5cmd, obstore, boto3, rclone, aria2c and W&B's download engine, on one nginx over loopback.

    python bench/race.py --install [--runs N] [--json FILE] [--plot FILE]

One object of 4 GiB down and up, over HTTP and TLS; 20,000 files of 10 KiB down and up; 64 GiB hashed and thrown away; the lag
of an event loop beside downloads. Every contestant is a whole process, whose seconds, CPU seconds and peak memory are the
kernel's; rounds are interleaved, so that what else the machine does hits all. Sources and targets lie in memory. What arrived
is checked after the clock stopped: sizes always, digests once for each contestant. Ours verifies by itself, the others do not.

`--install` makes an environment for the peers in the cache folder and, as root on Debian, installs rclone and aria2.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import _race_table
import msgspec
from _measure import Cost, run, warm_memory
from _race_material import (
    BIG_DOWN,
    BUCKET,
    SMALL_DOWN,
    WORKS,
    Work,
    check_bodies,
    check_folder,
    make_big,
    make_small,
    make_sparse,
    read_plan,
    warm,
)
from _race_peers import UPLOADED, Peers, Scene, commands, ours, variables
from _race_results import OURS, Amount, Lag, Measured, Race
from _race_standin import StandIn, stand_in, version

ENDLESS = "endless/zeros"
LEAF = 8 << 20
ROOM = 256 << 20  # for what a process needs beside the content, when memory is warmed for it


@dataclass(slots=True)
class Track:
    """One race on its way."""

    options: argparse.Namespace
    place: Path
    standin: StandIn
    contestants: list[str]
    peers: Peers
    measured: list[Measured] = field(default_factory=list[Measured])
    lags: list[Lag] = field(default_factory=list[Lag])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def scene(self, work: Work, endpoint: str) -> Scene:
        path = self.place / f"{work.plan}.json"
        return Scene(work, endpoint, read_plan(path), path, self.place / "out", self.standin.certificate)

    def run(self, command: Sequence[str]) -> Cost:
        return run(command, variables(self.standin))

    def race(self, work: Work) -> None:
        """All rounds of one work. A peer that fails is out of it; ours must not."""
        racing = self.contestants
        if not work.down:
            racing = [name for name in racing if self.attempt(self.look_at, name, work)]
        for number in range(self.options.runs):
            step = self.measure_first if number == 0 else self.measure
            racing = [name for name in racing if self.attempt(step, name, work)]

    def attempt(self, step: Callable[[str, Work], bool], name: str, work: Work) -> bool:
        """Whether the contestant takes part and did not fail."""
        try:
            return step(name, work)
        except (RuntimeError, AssertionError) as error:
            if name == OURS:
                raise
            self.failed[f"{name} ({work.name})"] = " ".join(str(error).split())[-300:]
            return False

    def look_at(self, name: str, work: Work) -> bool:
        """Upload once where everything is kept, and compare it."""
        scene = self.scene(work, self.standin.keeping)
        command = commands(self.peers)[name](scene)
        if command is None:
            return False
        try:
            self.run(command)
            check_bodies(scene.plan, self.standin.kept(UPLOADED))
        finally:
            self.standin.forget()
        return True

    def measure_first(self, name: str, work: Work) -> bool:
        return self.measure(name, work, digests=True)

    def measure(self, name: str, work: Work, *, digests: bool = False) -> bool:
        scene = self.scene(work, self.standin.endpoint(tls=work.tls))
        command = commands(self.peers)[name](scene)
        if command is None:
            return False
        scene.out.mkdir()
        warm_memory(scene.plan.size + ROOM)
        try:
            log, before = self.standin.log_size(), self.standin.cpu()
            cost = self.run(command)
            server = self.standin.cpu() - before
            if work.down:
                check_folder(scene.plan, scene.out, digests=digests)
            else:
                size = self.standin.received(UPLOADED, log)
                assert size == scene.plan.size, f"{size} bytes were sent instead of {scene.plan.size}"
        finally:
            shutil.rmtree(scene.out)
        cost = without_preparation(cost)
        self.measured.append(Measured(work.name, name, cost.wall, cost.cpu, cost.rss, server))
        say(f"{work.name:12} {name:8} {cost.wall:7.2f} s {cost.cpu:7.2f} CPU-s {cost.rss / 1e6:6.0f} MB")  # for who cannot wait
        return True

    def listen(self) -> None:
        """How late a service is that ticks beside downloads."""
        for _ in range(self.options.runs):
            for work, beside in ((None, ""), (BIG_DOWN, "a large download"), (SMALL_DOWN, "many small files")):
                if work is None:
                    command = ours("idle", 2 if self.options.gib >= 1 else 0.2)
                else:
                    scene = self.scene(work, self.standin.http)
                    warm_memory(scene.plan.size + ROOM)
                    command = ours("lag", scene.plan_path, scene.store_url, scene.out)
                found = json.loads(self.run(command).output.splitlines()[-1])
                shutil.rmtree(self.place / "out", ignore_errors=True)
                self.lags.append(Lag(beside, found["ticks"], found["p99"], found["max"]))
                say(f"loop lag     {beside or 'alone':16} p99 {1e3 * found['p99']:.1f} ms, max {1e3 * found['max']:.1f} ms")

    def sink(self, size: int) -> Measured:
        scene = self.scene(BIG_DOWN, self.standin.http)
        before = self.standin.cpu()
        cost = self.run(ours("sink", scene.store_url, ENDLESS, size))
        return Measured("sink", OURS, cost.wall, cost.cpu, cost.rss, self.standin.cpu() - before)


def without_preparation(cost: Cost) -> Cost:
    """W&B's script says what it took to prepare what its service would have told it; that does not count."""
    for line in cost.output.splitlines():
        if line.startswith('{"before"'):
            before = json.loads(line)["before"]
            return Cost(cost.wall - before["wall"], cost.cpu - before["cpu"], cost.rss)
    return cost


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    system, cores = f"{platform.system()} {platform.release()}", len(os.sched_getaffinity(0))
    return f"{system}, {cores} cores of {models[0] if models else platform.machine()}, Python {platform.python_version()}"


def raced(options: argparse.Namespace, place: Path, contestants: list[str], absent: list[str], peers: Peers) -> Race:
    www, sink_bytes = place / "www", int(options.sink_gib * (1 << 30)) // LEAF * LEAF
    make_big(www / BUCKET / "big", int(options.gib * (1 << 30)))
    make_small(www / BUCKET / "small", options.files, options.size)
    make_sparse(www / BUCKET / ENDLESS, sink_bytes)
    for prefix in ("big", "small"):
        run(ours("plan", www / BUCKET / prefix, prefix, place / f"{prefix}.json"))
    warm(place, int(options.gib * (1 << 30)))
    with stand_in(place / "nginx", www) as standin:
        track = Track(options, place, standin, contestants, peers)
        plans = {prefix: read_plan(place / f"{prefix}.json") for prefix in ("big", "small")}
        for plan in plans.values():
            standin.add_listing(plan)
        for work in WORKS:
            if work.name in options.works:
                track.race(work)
        sink = None
        if OURS in contestants:
            track.listen()
            sink = track.sink(sink_bytes)
    versions = {"nginx": version()} | peers.versions(contestants)
    amounts = {work.name: Amount(len(plans[work.plan].files), plans[work.plan].size) for work in WORKS}
    return Race(
        machine(),
        f"{datetime.now(UTC):%Y-%m-%d}",
        options.runs,
        versions,
        amounts,
        tuple(track.measured),
        tuple(track.lags),
        sink_bytes,
        sink,
        track.failed,
        tuple(absent),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
    )


def stop(number: int, frame: object) -> None:
    """Nothing is left behind: no server, and no gigabytes of memory."""
    sys.exit(128 + number)


def main(argv: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, stop)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lading-race"
    names = list(commands(Peers(cache)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=4, help="size of the large object")
    parser.add_argument("--files", type=int, default=20_000, help="how many small files")
    parser.add_argument("--size", type=int, default=10_240, help="bytes of each")
    parser.add_argument("--sink-gib", type=float, default=64, help="what is hashed and thrown away")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--works", nargs="+", choices=[work.name for work in WORKS], default=[work.name for work in WORKS])
    parser.add_argument("--contestants", nargs="+", choices=names, default=names)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where to work; memory, or the disk is raced")
    parser.add_argument("--cache", type=Path, default=cache, help="where the peers' environment is")
    parser.add_argument("--install", action="store_true", help="install the peers that are missing")
    parser.add_argument("--json", type=Path, help="write all that was measured to this file")
    parser.add_argument("--plot", type=Path, help="draw it into this file (.svg, .png)")
    options = parser.parse_args(argv)
    peers = Peers(options.cache)
    if options.install:
        peers.install()
    absent = peers.absent(options.contestants)
    contestants = [name for name in options.contestants if name not in absent]
    most = 2.2 * (options.gib * (1 << 30) + options.files * max(options.size, 4096))  # what is moved, where from and where to
    if shutil.disk_usage(options.folder).free < most:
        parser.error(f"{options.folder} has less than {most / 1e9:.1f} GB free: name another --folder, or race less")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="race-") as folder:
        race = raced(options, Path(folder), contestants, absent, peers)
    print(_race_table.page(race))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(race), indent=1))
    if options.plot:
        from _race_plot import draw  # only now: memory of this process counts as that of every later child

        draw(race, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
