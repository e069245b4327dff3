"""Processes that log at the same moment."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

import lading
from lading.api.portal import blocking
from lading.api.session import workspace_here

Fill = Callable[..., Path]


def log(folder: str, barrier: Barrier, answers: "multiprocessing.SimpleQueue[str]") -> None:
    """Runs in a process of its own."""
    try:
        with lading.init(project="p") as run:
            artifact = lading.Artifact("ds", "dataset")
            artifact.add_dir(folder)
            barrier.wait(30)
            run.log_artifact(artifact, aliases=[Path(folder).name])
            answers.put(f"{Path(folder).name} {artifact.version}")
    except BaseException as error:
        answers.put(f"{Path(folder).name} {error!r}")
        raise


def log_at_once(folders: list[Path]) -> dict[str, str]:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(len(folders)), context.SimpleQueue()
    processes = [context.Process(target=log, args=(str(folder), barrier, answers)) for folder in folders]
    for process in processes:
        process.start()
    found = dict(answers.get().split(" ", 1) for _ in processes)
    for process in processes:
        process.join(30)
    answers.close()
    return found


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
