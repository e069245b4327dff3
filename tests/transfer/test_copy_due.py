"""What is due in a copy: what is replaced, what is left alone, and what is deleted."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lading.errors import (
    LocalFileError,
    StoreDeniedError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.jobs import ReadJob
from lading.store.store import ObjectMeta
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import FaultyStore, TracedStore
from lading.transfer import sync
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Step, Task
from lading.transfer.pairs import Compare

BIG = seeded(2 * LEAF_SIZE + 5)


async def test_what_is_there_is_replaced(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "new", {"small": b"new", "big": BIG})
    old = {"small": b"old", "big": b"old"}
    write_tree(tmp_path / "out", old)
    buckets.fill("s3://b", old)

    await run_task(copier, "new/", "out")
    await run_task(copier, "new/", "s3://b")

    assert read_tree(tmp_path / "out") == buckets.held("s3://b") == {"small": b"new", "big": BIG}


async def test_what_is_there_stays_where_nothing_is_to_be_clobbered(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "new", {"small": b"new", "big": BIG, "c": b"c"})
    old = {"small": b"old", "big": b"old"}
    write_tree(tmp_path / "out", old)
    buckets.fill("s3://b", old)

    for place in ("out", "s3://b"):
        report = await run_task(copier, "new/", place, compare=Compare.NEVER)
        assert (report.progress.files_done, report.progress.files_reused) == (3, 2)

    assert read_tree(tmp_path / "out") == buckets.held("s3://b") == {**old, "c": b"c"}


async def test_who_was_faster_is_not_clobbered(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Taken(TracedStore):
        """What is written at this moment is not listed yet."""

        async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
            for nothing in list[ObjectMeta]():
                yield nothing

    memory = buckets.fill("s3://b", {"small": b"old", "big": b"old"})
    buckets.stores["s3://b"] = Taken(memory)
    write_tree(tmp_path / "new", {"small": b"new", "big": BIG})

    report = await run_task(copier, "new/", "s3://b", compare=Compare.NEVER)

    assert buckets.held("s3://b") == {"small": b"old", "big": b"old"}
    assert (report.progress.files_done, report.progress.files_reused) == (2, 2)
    assert report.progress.bytes_done == report.progress.bytes_reused == len(BIG) + 3


async def test_a_file_that_appears_meanwhile_is_not_clobbered(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Racing(TracedStore):
        """Whenever something is read, somebody else has just made a file of its name."""

        def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
            write_tree(tmp_path / "out", {key: b"theirs"})
            return super().read(key, start, stop, etag=etag)

    buckets.stores["s3://b"] = Racing(buckets.fill("s3://b", {"small": b"s", "big": BIG}))

    report = await run_task(copier, "s3://b/", "out", compare=Compare.NEVER)

    assert read_tree(tmp_path / "out") == {"small": b"theirs", "big": b"theirs"}
    assert (report.progress.files_done, report.progress.files_reused) == (2, 2)


async def test_sync_copies_what_differs_and_deletes_what_has_no_source(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"same": b"s", "longer": b"new", "new": b"n", "keep.log": b"k"})
    os.utime(tmp_path / "x/same", (1, 1))
    there = {"same": b"s", "longer": b"o", "gone": b"g", "sub/gone": b"g", "other.log": b"l"}
    write_tree(tmp_path / "out", there)

    report = await sync("x/", "out", delete=True, exclude=["*.log"])

    assert read_tree(tmp_path / "out") == {"same": b"s", "longer": b"new", "new": b"n", "other.log": b"l"}
    assert report.deleted == ("out/gone", "out/sub/gone")
    assert (report.progress.files_done, report.progress.files_reused) == (3, 1)
    assert not (tmp_path / "out/sub").exists()


async def test_sync_of_a_folder_by_its_name_deletes_only_below_that_name(
    copier: Copier, buckets: Buckets, tmp_path: Path
) -> None:
    write_tree(tmp_path / "x", {"a": b"a"})
    buckets.fill("s3://b", {"x/gone": b"g", "y/stays": b"s"})

    await run_task(copier, "x", "s3://b", compare=Compare.SIZE_OR_NEWER, delete=True)

    assert buckets.held("s3://b") == {"x/a": b"a", "y/stays": b"s"}


async def test_objects_whose_key_ends_with_a_slash_take_no_part(copier: Copier, buckets: Buckets) -> None:
    buckets.fill("s3://from", {"a": b"a", "kept/": b"marks a folder"})
    buckets.fill("s3://to", {"gone": b"", "kept/": b"marks a folder"})

    report = await run_task(copier, "s3://from/", "s3://to/", delete=True)

    assert report.deleted == ("s3://to/gone",)
    assert buckets.held("s3://to") == {"a": b"a", "kept/": b"marks a folder"}


async def test_steps_say_what_would_be_done_and_do_nothing(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"new": b"nn"})
    buckets.fill("s3://b", {"p/gone": b"g"})
    task = Task(source="x/", destination="s3://b/p", compare=Compare.SIZE_OR_NEWER, delete=True)

    steps = [step async for step in copier.steps(task)]

    assert steps == [Step("copy", "s3://b/p/new", "x/new", 2), Step("delete", "s3://b/p/gone")]
    assert buckets.held("s3://b") == {"p/gone": b"g"}


@pytest.mark.parametrize("call", ["list", "write"])
async def test_nothing_is_deleted_after_a_failure(copier: Copier, buckets: Buckets, tmp_path: Path, call: str) -> None:
    class Denied(FaultyStore):
        async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
            async for meta in super().list(prefix):
                yield meta
            if fault := self.next("listed", prefix):
                assert fault.error is not None
                raise fault.error

    there = {"gone": b"g"}
    target = FaultyStore(buckets.fill("s3://target", there))
    source = Denied(buckets.fill("s3://source", {"a": b"a", "b": b"b"}))
    buckets.stores |= {"s3://target": target, "s3://source": source}
    (source if call == "list" else target).fail("listed" if call == "list" else call, StoreDeniedError("no"))

    with pytest.raises(StoreDeniedError):
        await run_task(copier, "s3://source/", "s3://target/", delete=True)

    assert "gone" in buckets.held("s3://target")
    assert not source.unused
    assert not target.unused


async def test_an_unreadable_folder_deletes_nothing(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"a": b"a"})
    (tmp_path / "x/broken").symlink_to("nowhere")
    write_tree(tmp_path / "out", {"gone": b"g"})

    with pytest.raises(LocalFileError):
        await run_task(copier, "x/", "out", delete=True)

    assert (tmp_path / "out/gone").exists()
