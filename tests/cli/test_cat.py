"""`lading cat`: verified bytes on stdout."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Lading, process_environment


@pytest.mark.parametrize("target", ["cats:latest/tom.txt", "pets/cats:v1/tom.txt", "ann/pets/cats:v1/tom.txt"])
def test_a_file_goes_to_stdout(lading: Lading, two: Path, target: str) -> None:
    answer = lading("cat", target)

    assert (answer.code, answer.out, answer.err) == (0, "tom, older", "")


def test_of_an_older_version_too(lading: Lading, two: Path) -> None:
    assert lading("cat", "cats:first/wild/lynx.txt").out == "lynx" * 4


@pytest.mark.parametrize("target", ["cats", "cats/tom.txt", "cats:latest", "cats:latest/", ":latest/x"])
def test_what_names_no_file_is_refused(lading: Lading, two: Path, target: str) -> None:
    answer = lading("cat", target)

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("error: ")


def test_a_file_that_is_not_there_is_named(lading: Lading, two: Path) -> None:
    answer = lading("cat", "cats:latest/nobody.txt")

    assert answer.code == 1
    assert "nobody.txt" in answer.err


def test_damage_ends_it_with_an_error(lading: Lading, two: Path, home: Path) -> None:
    for place in (home / "store/objects").rglob("*"):
        if place.is_file() and place.read_bytes() == b"tom, older":
            place.unlink()
            place.write_bytes(b"tom, wrong")

    answer = lading("cat", "cats:latest/tom.txt")

    assert (answer.code, answer.out) == (1, "")
    assert "Digest mismatch for tom.txt" in answer.err


def test_bytes_stay_bytes_and_a_reader_that_goes_away_ends_it(
    lading: Lading, shell: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    content = bytes(range(256)) * 40_000
    (folder / "raw.bin").write_bytes(content)
    lading("put", "raw")

    command = [sys.executable, "-m", "lading", "cat", "raw:latest/raw.bin"]
    whole = subprocess.run(command, env=process_environment(), capture_output=True, check=False)
    gone = shell("cat", "raw:latest/raw.bin")
    assert gone.stdout is not None
    assert gone.stderr is not None
    gone.stdout.close()
    said = gone.stderr.read()

    assert (whole.returncode, whole.stdout, whole.stderr) == (0, content, b"")
    assert (gone.wait(60), said) == (141, "")
    gone.stderr.close()
