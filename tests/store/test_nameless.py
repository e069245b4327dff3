"""Files without a name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lading.store.folder import FolderStore
from lading.store.nameless import give_name, nameless


def made(folder: Path, content: bytes) -> int:
    descriptor = nameless(str(folder), 0o600)
    assert descriptor is not None
    os.write(descriptor, content)
    return descriptor


def test_a_file_appears_whole_and_nothing_else_does(tmp_path: Path) -> None:
    descriptor = made(tmp_path, b"data")
    before = list(tmp_path.iterdir())

    give_name(descriptor, str(tmp_path / "file"))
    os.close(descriptor)

    assert (before, [path.name for path in tmp_path.iterdir()]) == ([], ["file"])
    assert (tmp_path / "file").read_bytes() == b"data"


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    descriptor = made(tmp_path, b"new")

    with pytest.raises(FileExistsError):
        give_name(descriptor, str(tmp_path / "file"))
    os.close(descriptor)

    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_name_may_be_one_in_an_open_folder(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    descriptor = nameless(".", 0o600, dir_fd=folder)
    assert descriptor is not None

    give_name(descriptor, "file", dir_fd=folder)
    os.close(descriptor)
    os.close(folder)

    assert (tmp_path / "file").exists()


def test_a_file_system_without_them_says_so() -> None:
    assert nameless("/proc", 0o600) is None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        nameless(str(tmp_path / "none"), 0o600)


def test_a_writer_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    program = f"""
import os, signal
from lading.store.folder import FolderStore

def pieces():
    yield b"half"
    os.kill(os.getpid(), signal.SIGKILL)

FolderStore({str(tmp_path)!r}).put("a/b", 8).write(pieces())
"""

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    FolderStore(tmp_path).put("a/b", 8).write((b"complete",))
    assert (tmp_path / "a" / "b").read_bytes() == b"complete"
