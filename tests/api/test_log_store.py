"""Logging into a store that fails, is away, is full, or belongs to another catalogue."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.portal import blocking
from lading.api.workspace import Workspace
from lading.errors import LocalFileError, StoreError, StoreForeignError, StoreFullError, StoreUnavailableError
from lading.store.folder import FolderStore
from lading.testing.wrappers import FaultyStore
from lading.transfer.scheduler import Retry

from .conftest import artifact_of, open_sessions, versions

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]


def test_the_store_is_where_it_should_be(dataset: Make, workspace: Workspace, home: Path) -> None:
    dataset({"a": "1"})

    assert isinstance(workspace.store, FolderStore)
    assert workspace.store.root == str(home / "store")
    assert blocking(workspace.catalog.id)() in (home / "store" / "lading-store.json").read_text()


@pytest.mark.parametrize("call", ["write", "flush"])
def test_a_store_that_fails_leaves_no_version_and_the_next_log_succeeds(
    run: lading.Run, workspace: Workspace, fill: Fill, call: str
) -> None:
    """SEMANTICS 3 (#12749): "failed save deleted the inputs"."""
    store = FaultyStore(workspace.store)
    workspace.engine.store = store
    store.fail(call, StoreError("broken"))
    folder = fill("in", {"a": "1", "b": "2"})
    artifact = artifact_of(folder)

    with pytest.raises(StoreError, match="broken"):
        run.log_artifact(artifact)
    assert versions() == []
    assert open_sessions(workspace) == []
    assert not store.unused
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]

    assert run.log_artifact(artifact).version == "v0"
    artifact.verify(artifact.download())


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ("write", "lading-store"),
        ("write", "objects/"),
        ("write", "manifests/"),
        ("write", "versions/"),
        ("flush", ""),
        ("head", ""),
    ],
)
def test_a_store_that_is_away_for_a_moment_is_asked_again(
    run: lading.Run, workspace: Workspace, fill: Fill, call: str, key: str
) -> None:
    store = FaultyStore(workspace.store)
    workspace.engine.store = store
    workspace.engine.retry = Retry(base=0.01)
    store.fail(call, StoreUnavailableError("503"), times=2, key=key)

    artifact = run.log_artifact(artifact_of(fill("in", {"a": "1"})))

    assert artifact.version == "v0"
    assert not store.unused


def test_a_full_store_is_named_and_takes_the_log_once_there_is_room(
    run: lading.Run, workspace: Workspace, fill: Fill, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 7: a disk of 8 MiB."""
    run.finish()
    monkeypatch.setenv("LADING_STORE", f"file://{small_disk}/store")
    with lading.init(project="p") as here:
        artifact = artifact_of(fill("in", {"a": "1", "b": os.urandom(9 << 20), "c": os.urandom(7 << 20)}))

        with pytest.raises(StoreFullError, match="is full"):
            here.log_artifact(artifact)
        assert versions() == []
        assert open_sessions(workspace) == []
        assert list((small_disk / "store" / "tmp").iterdir()) == []

        small = here.log_artifact(artifact_of(fill("small", {"a": "1"})))
        assert small.version == "v0"


def test_a_full_home_is_named_and_nothing_is_half_written(fill: Fill, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_HOME", str(small_disk / "home"))
    folder = fill("in", {str(number): os.urandom(1 << 20) for number in range(12)})

    with lading.init(project="p") as run:
        with pytest.raises((StoreFullError, LocalFileError), match="full"):
            run.log_artifact(artifact_of(folder))
        assert [path for path in (small_disk / "home" / "store").rglob("*") if path.name.startswith(".lading-")] == []
        for path in (small_disk / "home" / "store" / "objects").rglob("*"):
            if path.is_file():
                path.unlink()  # so that the run can end
        assert versions() == []


def test_a_store_of_another_catalogue_is_not_written(
    dataset: Make, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 4, `lading-store.json`: "any other catalogue may read, never write"."""
    dataset({"a": "1"})
    monkeypatch.setenv("LADING_CATALOG", f"sqlite:///{tmp_path}/other.db")

    with lading.init(project="p") as run:
        artifact = artifact_of(fill("in", {"x": "2"}))
        with pytest.raises(StoreForeignError, match="belongs to another catalogue"):
            run.log_artifact(artifact)
    assert versions() == []


def test_a_receipt_that_cannot_be_written_fails_no_log(
    run: lading.Run, fill: Fill, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = home / "store/versions/me/p"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where folders belong")
    artifact = lading.Artifact("ds")
    artifact.add_dir(fill("in", {"a": "1"}))

    run.log_artifact(artifact)

    assert artifact.version == "v0"
    assert "its receipt could not be written" in caplog.text
    in_the_way.unlink()
    again = lading.Artifact("ds")
    again.add_dir(fill("in", {"a": "1"}))
    run.log_artifact(again)
    assert (in_the_way / "ds/v0.json").is_file()
