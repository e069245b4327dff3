"""Checkouts and verifications: a folder that holds an artifact and nothing else, and whether it does."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.workspace import Workspace
from lading.errors import (
    LocalFileError,
    UsageError,
    VerificationError,
)

from .conftest import tree

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


# -- checkout ---------------------------------------------------------------------------------------------------------------


def test_a_checkout_holds_the_artifact_and_nothing_else(dataset: Make, fill: Fill) -> None:
    """Seed 000, "checkout"; SEMANTICS 2.6, and 5: "checkout leaves empty dirs"."""
    artifact = dataset({"a": "1", "sub/b": "2", "file": "3"})
    other = fill("other", {"precious": "x"})
    root = fill(
        "out", {"a": "wrong", "mine": "x", "sub/mine": "y", "deep/er/mine": "z", "file/was/folder": "q", ".lading-x": "t"}
    )
    (root / "empty").mkdir()
    (root / "link").symlink_to(other / "precious")
    (root / "linked").symlink_to(other)

    assert artifact.checkout(root) == str(root)

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*")) == ["a", "file", "sub", "sub/b"]
    assert tree(root) == {"a": b"1", "file": b"3", "sub/b": b"2"}
    assert tree(other) == {"precious": b"x"}


def test_a_checkout_without_a_root_goes_to_the_name_without_version(dataset: Make, tmp_path: Path) -> None:
    """SEMANTICS 2.6, "checkout: without version"."""
    dataset({"a": "1", "b": "2"}).checkout()

    assert dataset({"a": "2"}).checkout() == str(tmp_path / "work/artifacts/ds")
    assert tree(tmp_path / "work/artifacts/ds") == {"a": b"2"}


def test_a_checkout_keeps_files_that_are_right(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    root = Path(artifact.checkout())
    inode = (root / "a").stat().st_ino

    artifact.checkout()

    assert (root / "a").stat().st_ino == inode


def test_a_checkout_into_a_place_that_holds_other_things_is_refused(
    dataset: Make, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = dataset({"a": "1"})
    monkeypatch.setenv("HOME", str(tmp_path / "people" / "me"))
    (tmp_path / "people" / "me").mkdir(parents=True)
    (tmp_path / "alias").symlink_to(home)
    before = tree(home / "store")

    for root in ("/", ".", "..", tmp_path, home, home / "store", home / "store" / "objects", home / "new", tmp_path / "alias"):
        with pytest.raises(UsageError, match="checkout would empty"):
            artifact.checkout(root)
    for root in (tmp_path / "people", tmp_path / "people" / "me"):
        with pytest.raises(UsageError, match="checkout would empty"):
            artifact.checkout(root)
    assert tree(home / "store") == before


def test_a_checkout_does_not_empty_a_store_or_catalogue_elsewhere(
    run: lading.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.finish()
    monkeypatch.setenv("LADING_STORE", str(tmp_path / "apart" / "my store"))
    monkeypatch.setenv("LADING_CATALOG", f"sqlite:///{tmp_path}/names/catalog.db")
    with lading.init(project="p") as here:
        artifact = here.log_artifact(lading.Artifact("ds", "dataset"))

        for root in ("apart", "apart/my store", "apart/my store/objects", "names"):
            with pytest.raises(UsageError, match="checkout would empty"):
                artifact.checkout(tmp_path / root)


# -- verify -----------------------------------------------------------------------------------------------------------------


def test_verify_names_everything_that_is_wrong(dataset: Make, fill: Fill) -> None:
    """Seed 000, "verify": ValueError; SEMANTICS 2.6, the texts."""
    artifact = dataset({"a": "1", "b": "2", "sub/c": "3", "d": "4"})
    root = Path(artifact.download())
    artifact.verify(root)
    (root / "b").write_text("x")
    (root / "sub/c").unlink()
    (root / "d").unlink()
    (root / "d").symlink_to(fill("other", {"d": "4"}) / "d")
    (root / "sub/stranger").write_text("y")
    (root / "dangling").symlink_to("nowhere")

    with pytest.raises(VerificationError) as caught:
        artifact.verify()

    assert caught.value.problems == (
        f"Found file {root}/dangling which is not a member of artifact me/p/ds:v0",
        f"Found file {root}/sub/stranger which is not a member of artifact me/p/ds:v0",
        "Missing file: d",
        "Missing file: sub/c",
        "Digest mismatch for file: b",
    )
    assert isinstance(caught.value, ValueError)


def test_verify_reads_every_byte_whatever_the_index_says(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    root = Path(artifact.download())
    os.utime(root / "a", ns=(1, 1))
    artifact.download()  # the index knows it now
    (root / "a").write_text("2")
    os.utime(root / "a", ns=(1, 1))

    with pytest.raises(ValueError, match="Digest mismatch for file: a"):
        artifact.verify()


def test_an_ignore_file_hides_no_stranger(dataset: Make, fill: Fill) -> None:
    artifact = dataset({"a": "1"})
    root = Path(artifact.download())
    fill("artifacts/ds:v0", {".ladingignore": "*\n", "stranger": "x", ".lading-y": "z"})

    with pytest.raises(VerificationError) as caught:
        artifact.verify()
    assert [problem.split()[2].removeprefix(f"{root}/") for problem in caught.value.problems] == [
        ".lading-y",
        ".ladingignore",
        "stranger",
    ]


def test_verify_reads_in_several_lanes(dataset: Make, workspace: Workspace) -> None:
    """SEMANTICS 2.6: there, "sequential md5"."""
    artifact = dataset({"large": os.urandom(32 << 20)})
    artifact.download()

    def lanes() -> int:
        workspace.engine.lanes.close()
        before = set(threading.enumerate())
        artifact.verify()
        return len([each for each in set(threading.enumerate()) - before if each.name.startswith("lading-lane")])

    assert any(lanes() >= 2 for _ in range(3))  # one may be done before another has anything to do, by chance


def test_verify_downloads_first_where_nothing_is(dataset: Make, tmp_path: Path) -> None:
    """Seed 000, "verify": without a root the artifact is downloaded to './artifacts/self.name/'."""
    artifact = dataset({"a": "1"})

    artifact.verify()

    assert tree(tmp_path / "work/artifacts/ds:v0") == {"a": b"1"}
    (tmp_path / "work/artifacts/ds:v0/a").unlink()
    with pytest.raises(ValueError, match="Missing file: a"):  # what was there is checked as it is
        artifact.verify()


def test_verify_counts_the_references_that_it_left_out(run: lading.Run, fill: Fill, caplog: pytest.LogCaptureFixture) -> None:
    """SEMANTICS 2.6: "refs skipped with a warning"; seed 000: references are not checked."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_reference(f"file://{fill('in', {'a': '1', 'b': '2'})}")
    artifact.add_file("in/a", "own")
    root = Path(run.log_artifact(artifact).download())
    (root / "a").write_text("other")

    artifact.verify()

    assert caplog.messages == ["me/p/ds:v0: 2 references were not verified"]


def test_verify_needs_a_folder(dataset: Make) -> None:
    with pytest.raises(LocalFileError, match="no such folder"):
        dataset({"a": "1"}).verify("gone")
