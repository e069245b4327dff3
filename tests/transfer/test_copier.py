"""Copiers: tasks that share stores, lanes and limits, and what they were given."""

import asyncio
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.manifest.digest import LEAF_SIZE
from lading.store.memory import MemoryStore
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import TracedStore
from lading.transfer import copy, sync
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task
from lading.transfer.progress import Meter

BIG = seeded(2 * LEAF_SIZE + 5)
TREE = {"a.txt": b"a", "empty": b"", "sub/b.txt": b"bb", "sub/deep/big": BIG}


async def test_a_whole_bucket_and_back(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", TREE)

    down = await run_task(copier, "s3://b", "out")
    up = await run_task(copier, "out/", "gs://c")
    across = await run_task(copier, "gs://c/", "s3://d/p/")

    assert read_tree(tmp_path / "out") == TREE
    assert buckets.held("gs://c") == TREE
    assert buckets.held("s3://d") == {f"p/{name}": data for name, data in TREE.items()}
    for report in (down, up, across):
        assert (report.progress.files_done, report.progress.bytes_done) == (4, 3 + len(BIG))
        assert report.progress.files_reused == report.progress.bytes_reused == 0


async def test_tasks_of_a_batch_do_not_keep_each_other(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {f"{number}": b"x" for number in range(50)})
    tasks = [Task(source=f"s3://b/{number}", destination=f"out/{number}") for number in range(-1, 51)]
    meter = Meter()

    failed = await copier.run_all(tasks, meter=meter)

    assert [task.source for task, _ in failed] == ["s3://b/-1", "s3://b/50"]
    assert len(read_tree(tmp_path / "out")) == meter.finish().files_done == 50


async def test_options_go_to_buckets_and_not_to_web_addresses(buckets: Buckets, tmp_path: Path) -> None:
    options = {"profile": "p", "endpoint": "http://h"}
    for url in ("s3://b", "gs://b"):
        buckets.fill(url, {"a": b"a"})
    buckets.fill("https://h/a", {"": b"a"})
    async with aclosing(Copier(opener=buckets, options=options)) as copier:
        for source in ("s3://b/a", "gs://b/a", "https://h/a"):
            await run_task(copier, source, f"{tmp_path}/")

    assert buckets.options == {"s3://b": options, "gs://b": {"endpoint": "http://h"}, "https://h/a": {}}
    assert read_tree(tmp_path) == {"a": b"a"}


async def test_what_lies_below_an_address_is_listed(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"x/a": b"a", "x/b/c": b"cc", "y": b""})

    below = [(name, found.size) async for name, found in copier.list("s3://b/x/")]
    alone = [(name, found.size) async for name, found in copier.list("s3://b/y")]
    matching = [(name, found.size) async for name, found in copier.list("s3://b/*c")]

    assert below == [("s3://b/x/a", 1), ("s3://b/x/b/c", 2)]
    assert alone == [("s3://b/y", 0)]
    assert matching == [("s3://b/x/b/c", 2)]


async def test_the_functions_copy_without_a_copier(tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)
    seen: list[int] = []

    report = await copy(
        f"{tmp_path}/x/", f"{tmp_path}/out", exclude=["*big"], progress=lambda progress: seen.append(progress.bytes)
    )

    assert set(read_tree(tmp_path / "out")) == {"a.txt", "empty", "sub/b.txt"}
    assert report.progress.bytes == seen[-1] == 3


async def test_a_misspelled_argument_is_an_error_before_anything_is_done(tmp_path: Path) -> None:
    write_tree(tmp_path, {"x/a": b"a", "y/kept.log": b"k"})

    with pytest.raises(TypeError, match="exlude"):
        await sync(f"{tmp_path}/x/", f"{tmp_path}/y", delete=True, exlude=["*.log"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    assert read_tree(tmp_path) == {"x/a": b"a", "y/kept.log": b"k"}


def test_stores_in_memory_are_closed_with_the_copier() -> None:
    closed: list[str] = []

    class Closing(MemoryStore):
        async def close(self) -> None:
            closed.append(self.url)

    async def main() -> None:
        store = Closing()
        store.create("a", b"a")
        async with aclosing(Copier(opener=lambda url, options: store)) as copier:
            assert [name async for name, _ in copier.list("s3://b/")] == ["s3://b/a"]

    asyncio.run(main())

    assert len(closed) == 1


async def test_a_cancellation_does_not_cut_its_end_short(buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"a": b"a"})
    before, copier = set(threading.enumerate()), Copier(opener=buckets)
    for place in ("s3://c", "gs://d", f"{tmp_path}/"):
        await run_task(copier, "s3://b/a", place)
    closing = asyncio.create_task(copier.aclose())
    await asyncio.sleep(0)

    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing

    assert [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("lading-lane")] == []


async def test_a_large_object_goes_to_a_web_address_without_being_held(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    big = seeded(40 << 20)
    buckets.fill("s3://b", {"big": big})
    traced = TracedStore(buckets.memories["s3://b"])
    buckets.stores["s3://b"] = traced
    buckets.fill("https://h/up", {})

    await run_task(copier, "s3://b/big", "https://h/up")

    assert buckets.held("https://h/up") == {"": big}
    parts = [(0, 16 << 20), (16 << 20, 32 << 20), (32 << 20, 40 << 20)]
    assert traced.ranges()[-3:] == parts  # before them, the other store was shown all of it, which it might have copied by itself


async def test_many_web_addresses_of_a_host_share_its_lanes(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    for number in range(200):
        buckets.fill(f"https://h/{number}", {"": b"x"})
    before = threading.active_count()
    tasks = [Task(source=f"https://h/{number}", destination="out/", durable=False) for number in range(200)]

    assert await copier.run_all(tasks, meter=Meter()) == []

    assert len(read_tree(tmp_path / "out")) == 200
    assert threading.active_count() - before < 100
