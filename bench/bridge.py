"""The loop of the bridge, under which blocking calls run: asyncio's own beside uvloop's. Whole processes, interleaved, median.

    python bench/bridge.py [--count N] [--size BYTES] [--runs N] [--folder DIR]

20,000 files of 10 KiB logged and downloaded embedded; up to and down from the stand-in for S3; and a process that makes one
blocking call. docs/decisions says which of the two the bridge has, and why.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from _measure import Cost, heading, median, row, run
from _race_material import BUCKET, make_small
from _race_standin import stand_in

LOOPS = ("asyncio", "uvloop")
WORKS = ("start", "log", "download", "up", "down")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where things are in one run."""

    place: Path
    plan: Path
    endpoint: str

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}?endpoint={self.endpoint}&region=us-east-1"


def start(scene: Scene) -> None:
    from lading.api.portal import run
    from lading.api.session import workspace_here

    run(workspace_here)


def log(scene: Scene) -> None:
    import lading

    with lading.init(project="bridge") as logging:
        artifact = lading.Artifact("files", "dataset")
        artifact.add_dir(str(scene.plan.parent / "small"))
        logging.log_artifact(artifact)


def download(scene: Scene) -> None:
    import lading

    lading.Api().artifact("bridge/files").download(str(scene.place / "downloaded"))


def up(scene: Scene) -> None:
    import _race_ours

    from lading.api.portal import run

    run(lambda: _race_ours.up(str(scene.plan), scene.url, "uploaded"))


def down(scene: Scene) -> None:
    import _race_ours

    from lading.api.portal import run

    run(lambda: _race_ours.down(str(scene.plan), scene.url, str(scene.place / "down")))


DONE_BY: dict[str, Callable[[Scene], None]] = {each.__name__: each for each in (start, log, download, up, down)}


def child(loop: str, work: str, scene: Scene) -> None:
    """Do one work with the bridge on this loop, whatever the bridge would have taken."""
    import anyio.from_thread

    options = {"use_uvloop": loop == "uvloop"}
    plain = anyio.from_thread.start_blocking_portal

    def chosen(backend: str, backend_options: object = None, *, name: str | None = None) -> object:
        return plain(backend, options, name=name)

    anyio.from_thread.start_blocking_portal = chosen  # type: ignore[assignment]
    DONE_BY[work](scene)


def measure(loop: str, scene: Scene) -> dict[str, Cost]:
    env = {
        "LADING_HOME": str(scene.place / "home"),
        "LADING_QUIET": "1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = partial(_command, loop, scene)
    return {work: run(command(work), env) for work in WORKS}


def _command(loop: str, scene: Scene, work: str) -> list[str]:
    return [sys.executable, __file__, "--child", loop, work, str(scene.place), str(scene.plan), scene.endpoint]


def main(argv: Sequence[str]) -> int:
    if argv and argv[0] == "--child":
        child(argv[1], argv[2], Scene(Path(argv[3]), Path(argv[4]), argv[5]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args(argv)
    heading(f"the bridge's loop: {options.count} files of {options.size} bytes, median of {options.runs}, whole processes")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        place = Path(folder)
        make_small(place / "www" / BUCKET / "small", options.count, options.size)
        (place / "small").symlink_to(place / "www" / BUCKET / "small")
        ours = [sys.executable, str(Path(__file__).with_name("_race_ours.py"))]
        run([*ours, "plan", str(place / "small"), "small", str(place / "plan.json")])
        os.sync()
        costs: dict[tuple[str, str], list[Cost]] = {(work, loop): [] for work in WORKS for loop in LOOPS}
        with stand_in(place / "standin", place / "www") as server:
            for number in range(options.runs):
                for loop in LOOPS if number % 2 else reversed(LOOPS):
                    scene = Scene(place / f"{loop}-{number}", place / "plan.json", server.http)
                    scene.place.mkdir()
                    for work, cost in measure(loop, scene).items():
                        costs[work, loop].append(cost)
    for (work, loop), each in costs.items():
        row(f"{work}, {loop}", median(each))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
