"""Copies into files: a process that is killed in the middle of one is gone on with, and nothing else is left."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.errors import ObjectChangedError
from lading.manifest.digest import LEAF_SIZE
from lading.store.folder import FolderStore
from lading.store.folder_jobs import FolderRead, etag_of
from lading.store.http.store import HttpMeta
from lading.store.owner import PREFIX, Owner, this_process
from lading.store.posix import copy_range
from lading.store.store import write_bytes
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import SlowStore, TracedStore
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task
from lading.transfer.destination import SMALL_SUBJECT, sweep
from lading.transfer.progress import Meter

PART = 2 * LEAF_SIZE
BIG = seeded(3 * PART + 5)

# Two parts go through; in the middle of the third it says so and waits for its end.
CHILD = """
import asyncio, os, sys, threading
from lading.store.folder import FolderStore
from lading.testing.wrappers import StoreAround
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task

jobs = iter(range(100))

def stick():
    print("stuck", flush=True)
    threading.Event().wait()

class Read:
    def __init__(self, inner):
        self.inner, self.size, self.number, self.count = inner, inner.size, next(jobs), 0
    def read(self, buffer, each):
        def some(piece):
            self.count += 1
            if self.number == 2 and self.count == 2:
                stick()
            each(piece)
        self.inner.read(buffer, some)

class Write:
    checks = None
    def __init__(self, inner):
        self.inner, self.number = inner, next(jobs)
    def take(self, source, start, checksum):
        return False
    def write(self, pieces):
        def some():
            for count, piece in enumerate(pieces):
                if self.number == 2 and count == 1:
                    stick()
                yield piece
        self.inner.write(some())

class Sticky(StoreAround):
    def __init__(self, inner):
        super().__init__(inner)
        self.near = False
    def wrap_read(self, job, key):
        return Read(job)
    def wrap_write(self, job, key):
        return Write(job)

async def main():
    copier = Copier(opener=lambda url, options: Sticky(FolderStore("store")), concurrency=1)
    await copier.run(Task(source=sys.argv[1], destination=sys.argv[2]))

asyncio.run(main())
"""


def stuck_in_the_middle(source: str, destination: str) -> "subprocess.Popen[str]":
    child = subprocess.Popen([sys.executable, "-c", CHILD, source, destination], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "stuck\n"
    return child


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def spoil(path: Path) -> None:
    """Let its first byte be another one."""
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))


def kill_in_the_middle(source: str, destination: str) -> None:
    child = stuck_in_the_middle(source, destination)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TracedStore:
    """Objects in a folder, seen as if they were far away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return TracedStore(SlowStore(FolderStore(tmp_path / "store")))


@pytest.fixture
async def copier(store: TracedStore) -> AsyncIterator[Copier]:
    async with aclosing(Copier(opener=lambda url, options: store)) as copier:
        yield copier


async def test_a_killed_download_is_gone_on_with(copier: Copier, store: TracedStore, tmp_path: Path) -> None:
    await write_bytes(store.inner, "big", BIG)
    kill_in_the_middle("s3://b/big", "out/")
    left = names(tmp_path / "out")

    report = await run_task(copier, "s3://b/big", "out/")

    assert [name.startswith(".lading-") for name in left] == [True]
    assert read_tree(tmp_path / "out") == {"big": BIG}
    assert sorted(store.ranges()) == [(2 * PART, 3 * PART), (3 * PART, len(BIG))]
    assert report.progress.bytes_reused == 2 * PART


async def test_what_a_dead_download_left_is_not_believed(copier: Copier, store: TracedStore, tmp_path: Path) -> None:
    await write_bytes(store.inner, "big", BIG)
    kill_in_the_middle("s3://b/big", "out/")
    (left,) = names(tmp_path / "out")
    spoil(tmp_path / "out" / left)

    report = await run_task(copier, "s3://b/big", "out/")

    assert read_tree(tmp_path / "out") == {"big": BIG}
    assert report.progress.bytes_reused == PART


async def test_what_was_left_of_an_object_that_was_replaced_goes(copier: Copier, store: TracedStore, tmp_path: Path) -> None:
    await write_bytes(store.inner, "big", BIG)
    kill_in_the_middle("s3://b/big", "out/")
    await store.inner.delete(["big"])
    await write_bytes(store.inner, "big", BIG[::-1])

    report = await run_task(copier, "s3://b/big", "out/")

    assert read_tree(tmp_path / "out") == {"big": BIG[::-1]}
    assert report.progress.bytes_reused == 0


async def test_what_a_living_download_writes_is_left_alone(copier: Copier, store: TracedStore, tmp_path: Path) -> None:
    await write_bytes(store.inner, "big", BIG)
    child = stuck_in_the_middle("s3://b/big", "out/")
    try:
        (left,) = names(tmp_path / "out")

        report = await run_task(copier, "s3://b/big", "out/")

        assert names(tmp_path / "out") == [left, "big"]
        assert (tmp_path / "out/big").read_bytes() == BIG
        assert report.progress.bytes_reused == 0
    finally:
        child.kill()
        child.communicate()


async def test_a_killed_upload_is_gone_on_with(copier: Copier, store: TracedStore, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    kill_in_the_middle("big", "s3://b/up/")

    report = await run_task(copier, "big", "s3://b/up/")

    assert read_tree(tmp_path / "store") == {"up/big": BIG}
    assert report.progress.bytes_reused == 2 * PART


async def test_a_file_that_changed_since_is_sent_anew(copier: Copier, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    kill_in_the_middle("big", "s3://b/up/")
    (tmp_path / "big").write_bytes(BIG[::-1])

    report = await run_task(copier, "big", "s3://b/up/")

    assert read_tree(tmp_path / "store") == {"up/big": BIG[::-1]}
    assert report.progress.bytes_reused == 0


async def test_a_batch_looks_through_each_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[str]()

    def noting(folder: int) -> None:
        looked.append(str(Path(f"/proc/self/fd/{folder}").readlink()))
        sweep(folder)

    monkeypatch.setattr("lading.transfer.copy_in.sweep", noting)
    names = [f"{folder}/{number}" for folder in ("a", "b") for number in range(40)]
    write_tree(tmp_path / "in", {name: name.encode() for name in names})
    dead = Owner(this_process().boot, this_process().namespace, 2**22 - 1, "1")
    write_tree(tmp_path / "out", {"a/left": b"", f"a/{PREFIX}{'0' * SMALL_SUBJECT}-{dead}-0": b"half"})

    async with aclosing(Copier()) as copier:
        tasks = [Task(source=f"{tmp_path}/in/{name}", destination=f"{tmp_path}/out/{name}") for name in names]
        failed = await copier.run_all(tasks, meter=Meter())

    assert failed == []
    assert sorted(looked) == [f"{tmp_path}/out/a", f"{tmp_path}/out/b"]
    assert read_tree(tmp_path / "out") == {name: name.encode() for name in names} | {"a/left": b""}


async def test_a_server_that_knows_no_ranges_is_read_in_one_stream(tmp_path: Path) -> None:
    buckets = Buckets()
    store = TracedStore(Streams(buckets.fill("https://h/big", {"": BIG})))
    buckets.stores["https://h/big"] = store
    async with aclosing(Copier(opener=buckets)) as copier:
        await run_task(copier, "https://h/big", f"{tmp_path}/")

    assert read_tree(tmp_path) == {"big": BIG}
    assert store.ranges() == [(0, len(BIG))]


class Streams(SlowStore):
    async def head(self, key: str) -> HttpMeta:
        meta = await super().head(key)
        return HttpMeta(meta.key, meta.size, meta.etag, ranges=False)


def test_a_range_of_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")
    job = FolderRead(str(path), "a", "this machine", 0, 6, etag_of(path.stat()))

    with pytest.raises(ObjectChangedError):
        job.read(memoryview(bytearray(3)), lambda piece: os.utime(path, (1, 1)))


async def test_a_large_file_that_changes_while_the_kernel_copies_it_is_not_copied(
    copier: Copier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"from/a": BIG})

    def copied_and_touched(source: int, target: int, start: int, stop: int) -> bool:
        done = copy_range(source, target, start, stop)
        os.utime(source, (1, 1))
        return done

    monkeypatch.setattr("lading.transfer.arrival.copy_range", copied_and_touched)

    with pytest.raises(ObjectChangedError):
        await run_task(copier, tmp_path / "from/a", tmp_path / "to/")

    assert read_tree(tmp_path / "to") == {}
