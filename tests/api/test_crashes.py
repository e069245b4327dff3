"""`kill -9` after each step of logging and in the middle of downloads: what is left is whole, and the next call goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import lading
from lading.api.portal import blocking
from lading.api.receipts import Receipt
from lading.api.session import workspace_here
from lading.errors import UnknownNameError
from lading.testing.wrappers import TracedStore

from .conftest import tree

Fill = Callable[..., Path]
SCRIPT = Path(__file__).with_name("crashing.py")

# docs/design.md, "Logging": a point or two for each numbered step, and what is sent again after it. What was stored durably
# (`stored` has returned) is not.
POINTS = {
    "after:hash": True,
    "after:latest": True,
    "after:open_session": True,
    "after:ask": True,
    "in:write:objects/": True,
    "in:write:objects/#3": True,
    "before:write:manifests/": True,
    "in:write:manifests/#2": True,
    "after:write:manifests/#2": True,
    "before:flush": True,
    "after:flush": True,
    "before:stored": True,
    "after:stored": False,
    "before:commit": False,
    "after:commit": False,
    "in:write:versions/": False,
    "after:write:versions/": False,
    "after:flush#2": False,
    "after:receipted": False,
}


def kill(what: str, point: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what, point, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, f"{point} was not met: {done.stderr}"


def log(folder: Path) -> lading.Artifact:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    return lading.log_artifact(artifact)


def check_all(home: Path, count: int) -> None:
    """All `count` versions are numbered without a gap, arrive whole, and have receipts."""
    versions = list(lading.Api().artifacts("dataset", "p/ds", order="version_index"))
    assert [each.version for each in versions] == [f"v{number}" for number in range(count)]
    for each in versions:
        root = each.download(f"checked/{each.version}")
        each.verify(root)
        receipt = msgspec.json.decode((home / f"store/versions/me/p/ds/{each.version}.json").read_bytes(), type=Receipt)
        assert (receipt.version_id, receipt.document) == (each.id, each.commit_hash)
    assert blocking(blocking(workspace_here)().catalog.unreceipted)("me", "p", "ds") == ()


@pytest.mark.parametrize("point", POINTS)
def test_a_log_that_is_killed_leaves_no_dangling_name_and_the_next_one_goes_on(home: Path, fill: Fill, point: str) -> None:
    """DESIGN 5 "Log": "A crash anywhere leaves garbage, never a dangling name"."""
    files: dict[str, str | bytes] = {"big": os.urandom(20 << 20), **{f"s{number}": f"{number}{point}" for number in range(5)}}
    with lading.init(project="p"):
        log(fill("first", {"s0": "first"}))
    folder = fill("in", files)

    kill("log", point, folder)

    with lading.init(project="p"):
        for each in lading.Api().artifacts("dataset", "p/ds"):
            each.verify(each.download(f"after/{each.version}"))
        workspace = blocking(workspace_here)()
        store = TracedStore(workspace.engine.store)
        workspace.engine.store = store
        again = log(folder)
        sent = [key for key in store.keys("write") if key.startswith(("objects/", "manifests/"))]
        assert again.version == "v1"
        assert "latest" in again.aliases
        assert bool(sent) == POINTS[point]
        check_all(home, 2)
        assert log(fill("other", {"a": "2"})).version == "v2"
        check_all(home, 3)


@pytest.mark.parametrize("point", ["in:write:lading-store.json", "after:write:lading-store.json", "after:flush", "after:commit"])
def test_the_first_log_of_all_may_be_killed(home: Path, fill: Fill, point: str) -> None:
    folder = fill("in", {"a": "1"})

    kill("log", point, folder)

    if point != "after:commit":
        with pytest.raises(UnknownNameError):
            lading.Api().artifact("p/ds")
    with lading.init(project="p"):
        assert log(folder).version == "v0"
        check_all(home, 1)


def test_a_long_log_that_is_killed_again_and_again_gets_there(home: Path, fill: Fill) -> None:
    """DESIGN 5 "Resume": "`kill -9` loses at most the parts in flight"."""
    folder = fill("in", {"big": os.urandom(70 << 20)})

    for _ in range(4):
        kill("log", "in:write:objects/#2", folder)
    with lading.init(project="p"):
        artifact = log(folder)
        check_all(home, 1)

    assert artifact.version == "v0"
    assert list((home / "store/tmp").iterdir()) == []


@pytest.mark.parametrize("point", ["in:read:objects/", "in:read:objects/#700"])
def test_a_download_of_small_files_that_is_killed_goes_on_and_leaves_nothing(home: Path, fill: Fill, point: str) -> None:
    """DESIGN 5 "Resume"."""
    folder = fill("in", {f"d{number % 5}/{number}": os.urandom(300) for number in range(1500)})
    with lading.init(project="p"):
        artifact = log(folder)
    out = fill("out", {})

    for _ in range(2):
        kill("download", point, out)
        arrived = {path: content for path, content in tree(out).items() if "/.lading-" not in path}
        assert arrived == {path: (folder / path).read_bytes() for path in arrived}  # nothing half-written under its name
    artifact.download(out)

    assert tree(out) == tree(folder)
    artifact.verify(out)


def test_a_download_of_a_large_file_that_is_killed_goes_on_where_it_was(home: Path, fill: Fill) -> None:
    """DESIGN 5 "Resume": what a certainly dead process left is adopted, and verified."""
    folder = fill("in", {"big": os.urandom(64 << 20)})
    with lading.init(project="p"):
        artifact = log(folder)
    out = fill("out", {})

    for number in (1, 2, 3):
        kill("download", f"in:read:objects/#{number}", out)
        assert not (out / "big").exists()
    artifact.download(out)

    assert tree(out) == tree(folder)
    artifact.verify(out)
