"""The course of a copy: what fails is tried again, and what is given up leaves nothing."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from lading.errors import (
    FileChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.checksum import Checksum, Piece
from lading.store.jobs import ReadJob, WriteJob
from lading.store.store import ObjectMeta, Store
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task
from lading.transfer.progress import Meter

BIG = seeded(2 * LEAF_SIZE + 5)


async def test_a_listing_that_breaks_off_goes_on_behind_what_was_seen(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Breaking(TracedStore):
        async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
            count = 0
            async for meta in super().list(prefix):
                if count == 1500 and len(self.keys("list")) == 1:
                    raise StoreUnavailableError("503")
                count += 1
                yield meta

    store = buckets.fill("s3://b", {f"{number:04}": b"x" for number in range(2000)})
    buckets.stores["s3://b"] = breaking = Breaking(store)

    report = await run_task(copier, "s3://b/", "out", durable=False)

    assert len(breaking.keys("list")) == 2
    assert report.progress.files_done == len(read_tree(tmp_path / "out")) == 2000


@pytest.mark.parametrize("size", [10, 2 * LEAF_SIZE + 5])
@pytest.mark.parametrize("way", ["down", "up", "across"])
async def test_what_fails_for_a_moment_is_tried_again(
    copier: Copier, buckets: Buckets, tmp_path: Path, way: str, size: int
) -> None:
    contents = {"a": seeded(size), "b": b"b"}
    for url in ("s3://from", "s3://to"):
        buckets.stores[url] = FaultyStore(buckets.fill(url, contents if url == "s3://from" else {}))
    write_tree(tmp_path / "x", contents)
    source, target, call = {
        "down": ("s3://from/", "out", "read"),
        "up": ("x/", "s3://to", "write"),
        "across": ("s3://from/", "s3://to", "read"),
    }[way]
    faulty = buckets.stores["s3://to" if way == "up" else "s3://from"]
    assert isinstance(faulty, FaultyStore)
    faulty.fail(call, StoreUnavailableError("503"), key="a", after=5)

    report = await run_task(copier, source, target)

    assert (read_tree(tmp_path / "out") if way == "down" else buckets.held("s3://to")) == contents
    assert not faulty.unused
    assert report.progress.retries == 1
    assert (report.progress.files_done, report.progress.bytes_done) == (2, size + 1)


@pytest.mark.parametrize("size", [10, 2 * LEAF_SIZE + 5])
@pytest.mark.parametrize("way", ["down", "up", "across"])
async def test_what_fails_for_good_leaves_nothing(copier: Copier, buckets: Buckets, tmp_path: Path, way: str, size: int) -> None:
    contents = {"a": seeded(size)}
    for url in ("s3://from", "s3://to"):
        buckets.stores[url] = FaultyStore(buckets.fill(url, contents if url == "s3://from" else {}))
    write_tree(tmp_path / "x", contents)
    source, target, call, at = {
        "down": ("s3://from/a", "out/a", "read", "s3://from"),
        "up": ("x/a", "s3://to/a", "write", "s3://to"),
        "across": ("s3://from/a", "s3://to/a", "write", "s3://to"),
    }[way]
    faulty = buckets.stores[at]
    assert isinstance(faulty, FaultyStore)
    faulty.fail(call, StoreDeniedError("403"), after=5)

    with pytest.raises(StoreDeniedError):
        await run_task(copier, source, target)

    assert buckets.held("s3://to") == {}
    assert read_tree(tmp_path) == {"x/a": contents["a"]}
    assert not faulty.unused


@pytest.mark.parametrize("way", ["down", "up", "across"])
async def test_a_cancelled_copy_leaves_nothing(
    copier: Copier, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("lading.transfer.engine.GRACE", 30.0)  # how soon it ends is not what this is about
    contents = {"big": BIG, "small": b"s"}
    for url in ("s3://from", "s3://to"):
        buckets.stores[url] = SlowStore(buckets.fill(url, contents if url == "s3://from" else {}), rate=100e6)
    write_tree(tmp_path / "x", contents)
    source, target = {"down": ("s3://from/big", "out/"), "up": ("x/big", "s3://to/"), "across": ("s3://from/big", "s3://to/")}[
        way
    ]
    meter = Meter()
    task = asyncio.ensure_future(copier.run(Task(source=source, destination=target), meter=meter))
    await asyncio.sleep(0.05)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert buckets.held("s3://to") == {}
    assert read_tree(tmp_path) == {"x/big": BIG, "x/small": b"s"}


async def test_an_object_that_is_replaced_in_between_is_an_error(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Replacing(TracedStore):
        def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
            memory.create("big", BIG[::-1], replace=True)
            return super().read(key, start, stop, etag=etag)

    memory = buckets.fill("s3://b", {"big": BIG})
    buckets.stores["s3://b"] = Replacing(memory)

    with pytest.raises(StoreError, match="replaced"):
        await run_task(copier, "s3://b/big", "out/")

    assert read_tree(tmp_path) == {}


class Touching(TracedStore):
    """While something is written, the file `path` is written to."""

    def __init__(self, inner: Store, path: Path) -> None:
        super().__init__(inner)
        self.path = path

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return TouchingWrite(job, self.path)


class TouchingWrite:
    checks = None

    def __init__(self, inner: WriteJob, path: Path) -> None:
        self.inner, self.path = inner, path

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        def touching() -> Iterator[Piece]:
            for piece in pieces:
                os.utime(self.path, (1, 1))
                yield piece

        self.inner.write(touching())


@pytest.mark.parametrize("size", [3 << 20, 2 * LEAF_SIZE + 5])
async def test_a_file_that_changes_while_it_is_read_is_an_error(
    copier: Copier, buckets: Buckets, tmp_path: Path, size: int
) -> None:
    write_tree(tmp_path, {"a": seeded(size)})
    buckets.stores["s3://b"] = Touching(buckets.fill("s3://b", {}), tmp_path / "a")

    with pytest.raises(FileChangedError, match="a: changed"):
        await run_task(copier, "a", "s3://b/")

    assert buckets.held("s3://b") == {}


async def test_a_small_file_is_read_at_once_and_may_change_then(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": b"a"})
    buckets.stores["s3://b"] = Touching(buckets.fill("s3://b", {}), tmp_path / "a")

    await run_task(copier, "a", "s3://b/")

    assert buckets.held("s3://b") == {"a": b"a"}


async def test_a_large_number_of_pairs_moves_in_chunks(
    copier: Copier, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lading.transfer.copy_run.CHUNK", 1000)
    buckets.fill("s3://b", {f"{number:05}": b"x" for number in range(3500)})

    report = await run_task(copier, "s3://b/", "s3://c/")

    assert report.progress.files == report.progress.files_done == len(buckets.held("s3://c")) == 3500
