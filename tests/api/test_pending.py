"""Logs that go on in the background: of files that were promised not to change."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.workspace import Workspace
from lading.errors import ArtifactNotLoggedError, FileChangedError, StoreError, UnknownNameError, WaitTimeoutError
from lading.testing.wrappers import FaultyStore, SlowStore

Fill = Callable[..., Path]


def artifact_of(folder: Path, name: str = "ds", *, policy: str) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset")
    artifact.add_dir(folder, policy=policy)
    return artifact


def versions(name: str) -> list[str]:
    """The versions that readers see; none if they see no such collection."""
    try:
        return [artifact.version for artifact in lading.Api().artifacts("dataset", f"p/{name}")]
    except UnknownNameError:
        return []


def slowed(workspace: Workspace, delay: float) -> None:
    workspace.engine.store = SlowStore(workspace.store, delay=delay)


def test_immutable_returns_at_once_and_wait_waits(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    """DESIGN 5: "`immutable`: returns at once"; SEMANTICS 1.1: after `log_artifact` it is a draft until `wait()` returns."""
    slowed(workspace, 0.05)
    artifact = artifact_of(fill("in", {str(number): str(number) for number in range(3)}), policy="immutable")

    assert run.log_artifact(artifact) is artifact
    assert artifact.is_draft()
    with pytest.raises(ArtifactNotLoggedError):
        _ = artifact.version
    with pytest.raises(WaitTimeoutError, match=r"0\.001 seconds"):
        artifact.wait(timeout=0.001)
    assert artifact.wait() is artifact

    assert artifact.version == "v0"
    assert artifact.wait(timeout=0) is artifact


def test_finish_waits_for_all_that_is_logged_in_the_background(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    slowed(workspace, 0.02)
    artifacts = [artifact_of(fill(name, {name: name}), name, policy="immutable") for name in ("a", "b")]
    for artifact in artifacts:
        run.log_artifact(artifact)

    run.finish()

    assert [artifact.version for artifact in artifacts] == ["v0", "v0"]
    assert lading.Api().run(f"p/{run.id}").state == "finished"


def test_a_change_of_an_immutable_file_is_an_error_at_wait_and_at_finish(
    run: lading.Run, workspace: Workspace, fill: Fill
) -> None:
    """DESIGN 5: "a change is an error"."""
    slowed(workspace, 0.02)
    bad, good = fill("bad", {"a": "1"}), fill("good", {"b": "2"})
    changed, fine = artifact_of(bad, "changed", policy="immutable"), artifact_of(good, "fine", policy="immutable")
    fill("bad", {"a": "22"})

    run.log_artifact(changed)
    run.log_artifact(fine)

    with pytest.raises(FileChangedError, match="bad/a: changed"):
        changed.wait()
    with pytest.raises(FileChangedError, match="bad/a: changed"):
        run.finish()
    assert fine.version == "v0"  # the others are waited for
    assert versions("changed") == []
    assert lading.Api().run(f"p/{run.id}").state == "failed"


def test_a_draft_in_the_background_may_be_used(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    slowed(workspace, 0.02)

    artifact = run.use_artifact(artifact_of(fill("in", {"a": "1"}), policy="immutable"))

    assert artifact.version == "v0"


def background(workspace: Workspace, run: lading.Run) -> lading.Artifact:
    """One whose log goes on, from a file of its own, which goes when it is committed."""
    slowed(workspace, 0.05)
    artifact = lading.Artifact("ds", "dataset")
    with artifact.new_file("made", policy="immutable") as file:
        file.write("1")
    assert run.log_artifact(artifact).is_draft()
    return artifact


THEN: dict[str, Callable[[lading.Run, lading.Artifact], object]] = {
    "log": lambda run, artifact: run.log_artifact(artifact, aliases=["again"]),
    "use": lambda run, artifact: run.use_artifact(artifact),
    "link by the run": lambda run, artifact: run.link_artifact(artifact, "portfolio"),
    "link": lambda run, artifact: artifact.link("portfolio"),
    "save": lambda run, artifact: artifact.save(),
}


@pytest.mark.parametrize("then", THEN)
def test_what_is_being_logged_is_waited_for_and_not_logged_twice(run: lading.Run, workspace: Workspace, then: str) -> None:
    """SEMANTICS 1.1: "after `run.log_artifact(a)` it is *still* draft until `a.wait()` returns": all the same it may be
    saved, linked and used."""
    artifact = background(workspace, run)

    THEN[then](run, artifact)

    assert artifact.version == "v0"
    assert versions("ds") == ["v0"]
    assert run.log_artifact(artifact, aliases=["best"]).version == "v0"
    assert (Path(artifact.download()) / "made").read_text() == "1"


def test_what_failed_in_the_background_may_be_logged_again(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    store = FaultyStore(workspace.store)
    workspace.engine.store = store
    store.fail("flush", StoreError("broken"))
    artifact = artifact_of(fill("in", {"a": "1"}), policy="immutable")

    run.log_artifact(artifact)
    with pytest.raises(StoreError, match="broken"):
        artifact.wait()
    run.log_artifact(artifact).wait()

    assert artifact.version == "v0"
    assert not store.unused
