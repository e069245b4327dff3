"""The files that are logged: where they come from, and those that change before they are sent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.workspace import Workspace
from lading.errors import FileChangedError, LocalFileError

from .conftest import artifact_of, open_sessions, versions

Fill = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


@pytest.mark.parametrize("name", ["file.bin", "folder", "folder/"])
def test_a_path_is_logged_under_the_runs_name(run: lading.Run, fill: Fill, name: str) -> None:
    """SEMANTICS 1.2: "path → Artifact named `run-{run_id}-{basename}`, type unspecified"."""
    fill(".", {"file.bin": "1", "folder/a": "2"})

    artifact = run.log_artifact(name)
    other = run.log_artifact(Path(name), name="other", type="dataset")

    assert artifact.qualified_name == f"me/p/run-{run.id}-{name.strip('/')}:v0"
    assert artifact.type == "unspecified"
    assert list(artifact.manifest.entries) == (["file.bin"] if name == "file.bin" else ["a"])
    assert (other.collection.name, other.type) == ("other", "dataset")
    with pytest.raises(ValueError, match="there is no file or folder 'gone'"):
        run.log_artifact("gone")


def test_the_executable_bit_and_odd_names_are_kept(run: lading.Run, fill: Fill) -> None:
    """DESIGN 4, "Names of files"."""
    folder = fill("in", {"run.sh": "1", "with space": "2", "ünï/ço\ndé": "3", "x" * 255: "4", "-rf": "5", "a%2e": "6"})
    (folder / "run.sh").chmod(0o755)
    artifact = run.log_artifact(artifact_of(folder))

    root = Path(artifact.download("out"))

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()) == sorted(
        artifact.manifest.entries
    )
    assert os.access(root / "run.sh", os.X_OK)
    assert not (root / "with space").stat().st_mode & 0o111


def test_the_working_folder_may_change_between_adding_and_logging(
    run: lading.Run, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("in", {"a": "1"})
    artifact = lading.Artifact("moved")
    artifact.add_file("in/a", "file")
    artifact.add_dir("in", "folder")
    monkeypatch.chdir(tmp_path)

    run.log_artifact(artifact)

    assert artifact.file_count == 2


def change(path: Path) -> None:
    path.write_text("other")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("harm", [change, Path.unlink, replace_by_folder, touch])
@pytest.mark.parametrize("size", [1, 9 << 20])
def test_a_file_that_changed_since_it_was_added_is_named_and_nothing_is_committed(
    run: lading.Run, workspace: Workspace, fill: Fill, harm: Callable[[Path], object], size: int
) -> None:
    """DESIGN 5: "A change between `add_file` and `log_artifact` is an error that names the file"."""
    folder = fill("in", {"a": "1", "b": os.urandom(size)})
    artifact = artifact_of(folder)
    harm(folder / "b")

    with pytest.raises((FileChangedError, LocalFileError), match="in/b: "):
        run.log_artifact(artifact)
    assert artifact.is_draft()
    assert versions() == []
    assert open_sessions(workspace) == []

    if (folder / "b").is_dir():
        (folder / "b").rmdir()
    fill("in", {"b": "good"})
    assert run.log_artifact(artifact_of(folder)).version == "v0"


@pytest.mark.parametrize("size", [1, 9 << 20, 40 << 20])
def test_a_file_whose_bytes_change_unseen_is_found_when_it_is_sent(
    run: lading.Run, workspace: Workspace, fill: Fill, stored: Stored, size: int
) -> None:
    """DESIGN 5 "Log" (4): "hashed again on the way"; the stamp is forged here."""
    folder = fill("in", {"b": os.urandom(size)})
    artifact = artifact_of(folder)
    stamp = (folder / "b").stat()
    with (folder / "b").open("r+b") as file:
        file.seek(size - 1)
        last = file.read(1)
        file.seek(size - 1)
        file.write(bytes([last[0] ^ 1]))
    os.utime(folder / "b", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    with pytest.raises(FileChangedError, match="in/b: changed"):
        run.log_artifact(artifact)
    assert versions() == []
    assert stored("objects/") == {}
    assert open_sessions(workspace) == []


def test_what_made_a_log_fail_may_be_mended_and_logged_again(run: lading.Run, fill: Fill) -> None:
    folder = fill("in", {"a": "1"})
    artifact = lading.Artifact("mended")
    artifact.add_file(folder / "a")
    (folder / "a").write_text("22")
    with pytest.raises(FileChangedError):
        run.log_artifact(artifact)

    artifact.add_file(folder / "a", overwrite=True)
    run.log_artifact(artifact)

    assert (artifact.version, artifact.size) == ("v0", 2)
