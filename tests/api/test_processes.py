"""Processes that log at the same moment."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.portal import blocking
from lading.api.session import workspace_here

Fill = Callable[..., Path]

LOG = """
import sys
from pathlib import Path
import lading

folder = Path(sys.argv[1])
with lading.init(project="p") as run:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    print("ready", flush=True)
    sys.stdin.readline()
    run.log_artifact(artifact, aliases=[folder.name])
print(folder.name, artifact.version)
"""


def log_at_once(folders: list[Path]) -> dict[str, str]:
    """Of each folder's name, the version that its process was given."""
    command = [sys.executable, "-P", "-c", LOG]
    processes = [
        subprocess.Popen([*command, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for folder in folders
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return dict(process.communicate(timeout=60)[0].split() for process in processes)


@pytest.mark.parametrize("fresh", [True, False])
def test_different_content_makes_two_versions_without_a_gap(home: Path, fill: Fill, fresh: bool) -> None:
    """DESIGN 5 "Log" (7): numbered in one transaction, `latest` on the later."""
    if not fresh:
        lading.init(project="p").finish()
    folders = [fill(name, {"same": "x" * 5000, "own": name}) for name in ("one", "two")]

    found = log_at_once(folders)

    assert sorted(found.values()) == ["v0", "v1"]
    latest = lading.Api().artifact("p/ds:latest")
    assert latest.version == "v1"
    for name, version in found.items():
        artifact = lading.Api().artifact(f"p/ds:{name}")
        assert artifact.version == version
        assert (Path(artifact.download()) / "own").read_text() == name
        assert (home / f"store/versions/me/p/ds/{version}.json").is_file()
    assert blocking(blocking(workspace_here)().catalog.unreceipted)("me", "p", "ds") == ()


def test_the_same_content_makes_one_version(home: Path, fill: Fill) -> None:
    """DESIGN 5 "Log" (7): "compare with `latest` again"."""
    folders = [fill(name, {"same": "x" * 5000, "big": b"y" * (9 << 20)}) for name in ("one", "two", "three")]

    found = log_at_once(folders)

    assert set(found.values()) == {"v0"}
    artifact = lading.Api().artifact("p/ds")
    assert sorted(artifact.aliases) == ["latest", "one", "three", "two"]
    artifact.verify(artifact.download())
