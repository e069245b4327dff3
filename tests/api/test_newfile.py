"""Files that an artifact makes itself: `new_file`."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]


def test_new_file_is_added_when_it_is_closed() -> None:
    """Seed 000, "new_file"."""
    artifact = lading.Artifact("my_data", type="dataset")

    with artifact.new_file("sub/hello.txt") as f:
        f.write("hello!")
        assert len(artifact.manifest) == 0

    assert artifact.manifest.entries["sub/hello.txt"].size == 6


def test_new_file_takes_bytes_encodings_and_no_mode(home: Path) -> None:
    """Seed 000, `new_file(name, mode=None)`."""
    artifact = lading.Artifact("my_data", type="dataset")

    with artifact.new_file("b", "wb") as f:
        f.write(b"\xff")
    with artifact.new_file("l", mode=None, encoding="latin-1") as f:
        f.write("ä")

    assert artifact.manifest.entries["b"].size == artifact.manifest.entries["l"].size == 1


def test_new_file_replaces_only_without_x() -> None:
    """SEMANTICS 1.1, '"x" not in mode ⇒ overwrite; FileExists → ValueError'."""
    artifact = lading.Artifact("my_data", type="dataset")
    with artifact.new_file("a") as f:
        f.write("1")

    with pytest.raises(ValueError, match="already exists"), artifact.new_file("./a") as f:
        f.write("22")
    with artifact.new_file("a", "w") as f:
        f.write("333")

    assert artifact.size == 3
    for mode in ("r", "a", "xw", "q", "b"):
        with pytest.raises(ValueError, match="mode"), artifact.new_file("z", mode):
            pass


def test_a_block_that_raises_adds_nothing_and_leaves_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SEMANTICS 1.1, "UnicodeEncodeError re-raised after printing"."""
    artifact = lading.Artifact("my_data", type="dataset")

    with pytest.raises(RuntimeError, match="no"), artifact.new_file("a"):
        raise RuntimeError("no")
    with pytest.raises(UnicodeEncodeError), artifact.new_file("b", encoding="ascii") as f:
        f.write("ä")

    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []
    assert "ERROR Failed to open the provided file" in capsys.readouterr().err


def test_made_files_go_when_the_artifact_is_logged_or_goes(run: lading.Run, home: Path) -> None:
    """DESIGN 5: "Apart from the store's one copy, lading makes no second copy of data by default"."""
    logged, dropped = lading.Artifact("a", "dataset"), lading.Artifact("b", "dataset")
    for artifact in (logged, dropped):
        with artifact.new_file("f") as f:
            f.write(artifact.name)
    assert len(list((home / "tmp").iterdir())) == 2

    run.log_artifact(logged)
    del dropped, artifact
    gc.collect()

    assert list((home / "tmp").iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_take_the_parents_made_files_with_it(run: lading.Run) -> None:
    artifact = lading.Artifact("a", "dataset")
    with artifact.new_file("f") as f:
        f.write("1")
    if not (child := os.fork()):
        del artifact
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)

    run.log_artifact(artifact)

    assert artifact.version == "v0"
