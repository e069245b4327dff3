"""Mapped files."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from lading.manifest.digest import LEAF_SIZE
from lading.transfer import mapping
from lading.transfer.mapping import mapped, steady


def on(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file system be of this kind."""

    def kind_of(device: int) -> str:
        del device
        return kind

    monkeypatch.setattr(mapping, "_kind", kind_of)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One that can be mapped, wherever this machine has a file system of that kind."""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(LEAF_SIZE + 4096))
    return path


@pytest.fixture
def descriptor(file: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[int]:
    number = os.open(file, os.O_RDONLY)
    on("ext4", monkeypatch)  # that of the temporary folder may be unknown to us
    try:
        yield number
    finally:
        os.close(number)


def test_what_is_mapped_is_what_would_be_read(file: Path, descriptor: int) -> None:
    with steady(descriptor) as can_be_mapped:
        window = mapped(descriptor, LEAF_SIZE, LEAF_SIZE + 4096)
        assert can_be_mapped
        assert window
        with window, memoryview(window) as view:
            found = bytes(view)

    assert found == file.read_bytes()[LEAF_SIZE:]


def test_who_wants_to_cut_the_file_waits_until_nobody_reads(file: Path, descriptor: int) -> None:
    cutting, cut = threading.Event(), threading.Event()

    def shorten() -> None:
        cutting.set()
        os.truncate(file, 1)
        cut.set()

    with steady(descriptor) as can_be_mapped:
        assert can_be_mapped
        thread = threading.Thread(target=shorten)
        thread.start()
        cutting.wait()
        early = cut.wait(0.03)
        size = os.fstat(descriptor).st_size
    thread.join()

    assert (early, size) == (False, LEAF_SIZE + 4096)
    assert os.fstat(descriptor).st_size == 1


def test_a_file_that_somebody_writes_to_is_not_steady(file: Path, descriptor: int) -> None:
    with file.open("r+b"), steady(descriptor) as can_be_mapped:
        assert not can_be_mapped


def test_a_file_system_that_others_may_write_to_is_not_steady(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    on("nfs4", monkeypatch)

    with steady(descriptor) as can_be_mapped:
        assert not can_be_mapped


def test_what_the_file_does_not_have_is_not_mapped(descriptor: int) -> None:
    with steady(descriptor):
        assert mapped(descriptor, LEAF_SIZE, LEAF_SIZE + 4097) is None


def test_hashing_a_file_that_is_cut_and_grows_all_the_time_ends_with_an_answer_or_an_error(file: Path) -> None:
    program = f"""
import asyncio, os, threading, time
from lading.errors import FileChangedError
from lading.manifest.digest import Algorithm
from lading.store.memory import MemoryStore
from lading.transfer.engine import Engine
from lading.transfer.local import local_file

path, size = {str(file)!r}, {4 * LEAF_SIZE}
began, over, seen = time.monotonic(), threading.Event(), set()

def churn():
    while not over.is_set():
        os.truncate(path, 4096)
        os.truncate(path, size)

os.truncate(path, size)
thread = threading.Thread(target=churn)
thread.start()
engine = Engine(MemoryStore())
while time.monotonic() - began < (20 if seen <= {{"an answer"}} else 0.7):
    try:
        asyncio.run(engine.hash([local_file(path)], Algorithm.BLAKE3))
        seen.add("an answer")
    except FileChangedError:
        seen.add("an error")
over.set()
thread.join()
engine.close()
print("alive", "an error" in seen)
"""

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, "alive True\n"), ended.stderr
