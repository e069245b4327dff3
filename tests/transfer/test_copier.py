"""Copying between folders and stores, whichever way round: the rules of names, what is due, what is deleted, what is left."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.errors import (
    DigestMismatchError,
    FileChangedError,
    InvalidValueError,
    LadingError,
    LocalFileError,
    NotFoundError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.checksum import Checksum, Piece
from lading.store.jobs import ReadJob, WriteJob
from lading.store.memory import MemoryStore
from lading.store.store import PART_SIZE, ObjectMeta, Store, Write
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore
from lading.transfer import copy, sync
from lading.transfer.budget import BudgetStatistics, ByteBudget
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Step, Task
from lading.transfer.pairs import Compare
from lading.transfer.progress import Meter

from .conftest import open_descriptors

BIG = seeded(2 * LEAF_SIZE + 5)
TREE = {"a.txt": b"a", "empty": b"", "sub/b.txt": b"bb", "sub/deep/big": BIG}


@pytest.fixture
def buckets() -> Buckets:
    return Buckets()


@pytest.fixture
async def copier(buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Copier]:
    """When the test ends, nothing is lent, and no descriptor, lane or task is left."""
    monkeypatch.chdir(tmp_path)
    before, threads, budget = open_descriptors(), set(threading.enumerate()), ByteBudget(64 << 20)
    async with aclosing(Copier(opener=buckets, budget=budget)) as copier:
        yield copier
    assert budget.statistics() == BudgetStatistics(64 << 20, 0, 0)
    assert open_descriptors() <= before
    assert [thread.name for thread in set(threading.enumerate()) - threads if thread.name.startswith("lading-lane")] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Every row of the table in docs/cp.md: what is there, what is asked for, what comes of it.
TABLE = [
    ("x/a.txt", "new.txt", {"new.txt"}),
    ("x/a.txt", "new/", {"new/a.txt"}),
    ("x/a.txt", "there", {"there/a.txt"}),
    ("x", "new", {"new/x/a.txt", "new/x/sub/b.txt"}),
    ("x", "there/", {"there/x/a.txt", "there/x/sub/b.txt"}),
    ("x/", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/", "there/", {"there/a.txt", "there/sub/b.txt"}),
    ("x/*", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/*.txt", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/s*", "new/", {"new/sub/b.txt"}),
    ("*b.txt", "new/", {"new/x/sub/b.txt"}),
]

INTO_STORES = [row for row in TABLE if row[1] != "there"]  # where nothing but the slash makes a folder


@pytest.mark.parametrize(("source", "destination", "expected"), TABLE)
async def test_the_table_of_names_from_folder_to_folder(
    copier: Copier, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    write_tree(tmp_path, {"x/a.txt": b"a", "x/sub/b.txt": b"b"})
    (tmp_path / "there").mkdir()

    await run_task(copier, source, destination)

    assert {name for name in read_tree(tmp_path) if not name.startswith("x/")} == expected


@pytest.mark.parametrize(("source", "destination", "expected"), INTO_STORES)
async def test_the_table_of_names_from_folder_to_store(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    write_tree(tmp_path, {"x/a.txt": b"a", "x/sub/b.txt": b"b"})

    await run_task(copier, source, f"s3://b/{destination}")

    assert set(buckets.held("s3://b")) == expected


@pytest.mark.parametrize(("source", "destination", "expected"), TABLE)
async def test_the_table_of_names_from_store_to_folder(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    buckets.fill("s3://b", {"x/a.txt": b"a", "x/sub/b.txt": b"b"})
    (tmp_path / "there").mkdir()

    await run_task(copier, f"s3://b/{source}", destination)

    assert set(read_tree(tmp_path)) == expected


@pytest.mark.parametrize(("source", "destination", "expected"), INTO_STORES)
async def test_the_table_of_names_from_store_to_store(
    copier: Copier, buckets: Buckets, source: str, destination: str, expected: set[str]
) -> None:
    buckets.fill("s3://b", {"x/a.txt": b"a", "x/sub/b.txt": b"b"})

    await run_task(copier, f"s3://b/{source}", f"gs://c/{destination}")

    assert set(buckets.held("gs://c")) == expected


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


async def test_only_what_is_included_and_not_excluded_is_copied(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    await run_task(copier, "x/", "out", include=("*.txt", "empty"), exclude=("sub/*",))

    assert set(read_tree(tmp_path / "out")) == {"a.txt", "empty"}


async def test_flat_names_have_no_folders(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    await run_task(copier, "x", "out", flatten=True, exclude=("*big",))

    assert set(read_tree(tmp_path / "out")) == {"x/a.txt", "x/b.txt", "x/empty"}


async def test_raw_names_have_no_wildcards(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"a*": b"star", "ab": b"b"})

    await run_task(copier, "s3://b/a*", "out/", raw=True)

    assert read_tree(tmp_path / "out") == {"a*": b"star"}


async def test_links_are_followed_where_it_is_read(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path, {"real/a": b"a", "x/b": b"b"})
    (tmp_path / "x/link").symlink_to("../real")
    (tmp_path / "x/file").symlink_to("b")

    await run_task(copier, "x/", "s3://b")

    assert buckets.held("s3://b") == {"b": b"b", "file": b"b", "link/a": b"a"}


async def test_the_execute_bit_is_kept_between_folders(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"run": b"#!", "big": BIG})
    (tmp_path / "x/run").chmod(0o755)
    (tmp_path / "x/big").chmod(0o755)

    await run_task(copier, "x/", "out")

    assert all(os.access(tmp_path / "out" / name, os.X_OK) for name in ("run", "big"))


@pytest.mark.parametrize("key", ["../evil", "a/../../evil", "/etc/evil", "a//b"])
async def test_a_key_that_leads_out_of_the_folder_is_refused(copier: Copier, buckets: Buckets, tmp_path: Path, key: str) -> None:
    buckets.fill("s3://b", {f"p/{key}": b"x"})

    with pytest.raises(LadingError):
        await run_task(copier, "s3://b/p/", "out")

    assert read_tree(tmp_path) == {}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_linked_folder_is_not_written_through(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"sub/x": b"x"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").symlink_to("../elsewhere")

    with pytest.raises(LocalFileError, match="'sub' is a link"):
        await run_task(copier, "s3://b/", "out")

    assert read_tree(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("data", [b"x", BIG])
async def test_a_pipe_or_folder_does_not_become_a_file(copier: Copier, buckets: Buckets, tmp_path: Path, data: bytes) -> None:
    buckets.fill("s3://b", {"pipe": data})
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(LocalFileError, match="neither a file nor a folder"):
        await run_task(copier, "s3://b/pipe", "pipe")

    assert (tmp_path / "pipe").is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("nope", "out", LocalFileError),
        ("nope/", "out", LocalFileError),
        ("nope*", "out", NotFoundError),
        ("s3://b/nope", "out", NotFoundError),
        ("s3://b/nope/", "out", NotFoundError),
        ("s3://b/nope*", "out", NotFoundError),
        ("x/", "x/in/", InvalidValueError),
        ("x", "x/", InvalidValueError),
        ("x/", "x", InvalidValueError),
        ("s3://b/", "s3://b/in/", InvalidValueError),
        ("x/", "out/*", InvalidValueError),
        ("x/", "https://h/x", InvalidValueError),
    ],
)
async def test_what_cannot_be_copied_is_an_error_and_changes_nothing(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, error: type[Exception]
) -> None:
    write_tree(tmp_path, {"x/a": b"a"})
    buckets.fill("s3://b", {"a": b"a"})

    with pytest.raises((error, LocalFileError)):
        await run_task(copier, source, destination)

    assert read_tree(tmp_path) == {"x/a": b"a"}
    assert buckets.held("s3://b") == {"a": b"a"}


async def test_a_pattern_does_not_copy_what_it_has_copied(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.txt": b"a"})

    for _ in range(2):
        await run_task(copier, "*.txt", "out/")

    assert set(read_tree(tmp_path)) == {"a.txt", "out/a.txt"}


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
async def test_a_cancelled_copy_leaves_nothing(copier: Copier, buckets: Buckets, tmp_path: Path, way: str) -> None:
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


DIGESTS = [
    ("blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f", b"hello"),
    ("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", b"hello"),
    ("MD5:5D41402ABC4B2A76B9719D911017C592", b"hello"),
]


@pytest.mark.parametrize(("digest", "data"), DIGESTS)
@pytest.mark.parametrize("way", ["down", "up", "across", "local"])
async def test_a_digest_that_was_given_is_compared(
    copier: Copier, buckets: Buckets, tmp_path: Path, digest: str, data: bytes, way: str
) -> None:
    buckets.stores["s3://from"] = traced = TracedStore(buckets.fill("s3://from", {"a": data, "wrong": b"jello"}))
    buckets.fill("s3://to", {})
    write_tree(tmp_path / "x", {"a": data, "wrong": b"jello"})
    source = "s3://from" if way in ("down", "across") else "x"
    target = "s3://to" if way in ("up", "across") else "out"

    await run_task(copier, f"{source}/a", f"{target}/a", digest=digest)
    with pytest.raises(DigestMismatchError, match=digest.lower()):
        await run_task(copier, f"{source}/wrong", f"{target}/wrong", digest=digest)

    there = buckets.held("s3://to") if target == "s3://to" else read_tree(tmp_path / "out")
    assert there == {"a": data}
    assert len(traced.ranges("wrong")) == (source == "s3://from")


@pytest.mark.parametrize("text", ["sha256:12", "sha1:" + "0" * 40, "0" * 64, "md5:" + "g" * 32])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is no digest"):
        Task(source="a", destination="b", digest=text)


async def test_a_digest_is_that_of_one_object(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    with pytest.raises(InvalidValueError, match="more than one"):
        await run_task(copier, "x/", "out", digest=DIGESTS[0][0])


@pytest.mark.parametrize("size", [10, 2 * LEAF_SIZE + 5])
@pytest.mark.parametrize("way", ["down", "up", "across"])
async def test_verify_finds_a_flipped_bit(copier: Copier, buckets: Buckets, tmp_path: Path, way: str, size: int) -> None:
    contents = {"a": seeded(size)}
    for url in ("s3://from", "s3://to"):
        buckets.stores[url] = FaultyStore(buckets.fill(url, contents if url == "s3://from" else {}))
    write_tree(tmp_path / "x", contents)
    source, target = {"down": ("s3://from/", "out"), "up": ("x/", "s3://to"), "across": ("s3://from/", "s3://to")}[way]

    right = await run_task(copier, source, target, verify=True)

    assert right.progress.files_done == 1
    damaged = buckets.stores["s3://from"]
    assert isinstance(damaged, FaultyStore)
    if way == "up":
        (tmp_path / "x/a").write_bytes(contents["a"][::-1])
        buckets.stores["s3://to"] = Lying(buckets.memories["s3://to"])
        copier = Copier(opener=buckets)
    else:
        damaged.flip(times=50)
    with pytest.raises(DigestMismatchError):
        await run_task(copier, source, target, verify=True)
    if way == "up":
        await copier.aclose()
    if way == "down":
        assert read_tree(tmp_path / "out") == contents


class Lying(FaultyStore):
    """It says that it stored what it did not."""

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return super().put(f"lost/{key}", size, replace=True)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        return await super().begin(f"lost/{key}", size, part=part, replace=True)


async def test_verify_needs_a_checksum_of_the_store(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Mute(TracedStore):
        async def head(self, key: str) -> ObjectMeta:
            meta = await super().head(key)
            return ObjectMeta(meta.key, meta.size, meta.etag)

    buckets.stores["s3://b"] = Mute(buckets.fill("s3://b", {"a": b"a"}))
    write_tree(tmp_path / "x", {"b": b"b"})

    with pytest.raises(StoreError, match="states no checksum"):
        await run_task(copier, "s3://b/a", "out/", verify=True)
    await run_task(copier, "x/b", "s3://b/", verify=True)  # what was sent is read back

    assert read_tree(tmp_path / "out") == {}
    assert buckets.held("s3://b") == {"a": b"a", "b": b"b"}


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


async def test_a_large_number_of_pairs_moves_in_chunks(
    copier: Copier, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lading.transfer.copy_run.CHUNK", 1000)
    buckets.fill("s3://b", {f"{number:05}": b"x" for number in range(3500)})

    report = await run_task(copier, "s3://b/", "s3://c/")

    assert report.progress.files == report.progress.files_done == len(buckets.held("s3://c")) == 3500


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


async def test_a_name_that_is_not_utf8_is_no_key_and_may_be_a_file(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / os.fsdecode(b"caf\xe9")).write_bytes(b"c")

    await run_task(copier, "x/", "out")
    with pytest.raises(InvalidValueError, match="is not UTF-8"):
        await run_task(copier, "x/", "s3://b")

    assert read_tree(tmp_path / "out") == {os.fsdecode(b"caf\xe9"): b"c"}


async def test_a_key_of_the_form_of_our_temporary_files_is_refused(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"a/.lading-x-y-0": b"x"})

    with pytest.raises(LocalFileError, match="cannot be the name of a file"):
        await run_task(copier, "s3://b/", "out")

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


async def test_a_large_object_goes_to_a_web_address_without_being_held(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    big = seeded(40 << 20)
    buckets.fill("s3://b", {"big": big})
    traced = TracedStore(buckets.memories["s3://b"])
    buckets.stores["s3://b"] = traced
    buckets.fill("https://h/up", {})

    await run_task(copier, "s3://b/big", "https://h/up")

    assert buckets.held("https://h/up") == {"": big}
    assert traced.ranges() == [(0, 16 << 20), (16 << 20, 32 << 20), (32 << 20, 40 << 20)]


async def test_many_web_addresses_of_a_host_share_its_lanes(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    for number in range(200):
        buckets.fill(f"https://h/{number}", {"": b"x"})
    before = threading.active_count()
    tasks = [Task(source=f"https://h/{number}", destination="out/", durable=False) for number in range(200)]

    assert await copier.run_all(tasks, meter=Meter()) == []

    assert len(read_tree(tmp_path / "out")) == 200
    assert threading.active_count() - before < 100
