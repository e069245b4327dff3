"""The contract, for the stores of the package and through its wrappers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import AlreadyExistsError, LocalFileError, NotFoundError, StoreError, StoreFullError
from lading.store import nameless
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.owner import Fate, Owner, fate_of, parse_temporary, temporary_name, this_process
from lading.store.posix import rename_new
from lading.store.store import Store, write_bytes
from lading.testing.store_contract import StoreContract
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore

from .uploads import dead


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    async def leftovers(self, store: Store) -> list[str]:
        assert isinstance(store, MemoryStore)
        return ["open"] * store.open_writes


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderStore:
        return FolderStore(tmp_path / "new" / "store")

    async def leftovers(self, store: Store) -> list[str]:
        assert isinstance(store, FolderStore)
        folder = Path(store.root) / "tmp"
        return [path.name for path in folder.iterdir()] if folder.exists() else []


class TestFolderStoreWhereFilesHaveNames(TestFolderStore):
    """On file systems that have no files without."""

    @pytest.fixture(autouse=True)
    def named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nameless, "_POSSIBLE", False)


class TestWrappedStore(StoreContract):
    @pytest.fixture
    def store(self) -> TracedStore:
        return TracedStore(SlowStore(MemoryStore()))


class TestFaultyStore(StoreContract):
    @pytest.fixture
    def store(self) -> FaultyStore:
        return FaultyStore(MemoryStore())

    async def test_jobs_are_small_values(self, store: Store) -> None:
        """Not these: they share the faults with their store."""


async def test_a_fault_is_met_once_and_known_when_unmet() -> None:
    store = FaultyStore(MemoryStore())
    store.fail("head", StoreError("broken"))
    store.fail("flush", StoreError("never met"))

    with pytest.raises(StoreError, match="broken"):
        await store.head("k")
    with pytest.raises(NotFoundError):
        await store.head("k")

    assert [fault.call for fault in store.unused] == ["flush"]


async def test_objects_of_a_folder_are_read_only_and_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        store = FolderStore(tmp_path)
        await write_bytes(store, "small", b"1")
        write = await store.begin("large", 4)
        write.part(0, 4).write((b"1234",))
        await write.complete()
    finally:
        os.umask(before)

    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("small", "large")] == [0o440, 0o440]


async def test_a_pipe_in_a_folder_is_no_object_and_nobody_waits_for_it(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    os.mkfifo(tmp_path / "key")

    with pytest.raises(NotFoundError):
        await store.head("key")
    with pytest.raises(StoreError, match="key"):
        store.read("key", 0, 5).read(memoryview(bytearray(5)), bytearray().extend)
    assert [meta.key async for meta in store.list("")] == []


async def test_a_folder_key_cannot_climb_out(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")

    for key in ("../x", "/etc/passwd", "a/../../x", "a//b", "."):
        with pytest.raises(NotFoundError):
            await store.head(key)


async def test_a_dead_writers_parts_are_taken_over(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    (tmp_path / "tmp").mkdir()
    left = tmp_path / "tmp" / f".lading-cdef-{dead()}-0"
    with left.open("wb") as file:
        file.seek(1 << 20)
        file.write(b"x" * 4096)

    write = await store.begin("objects/ab/cdef", 2 << 20)

    assert write.done == {(1 << 20, (1 << 20) + 4096)}
    assert not left.exists()
    await write.abort()
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_a_living_or_uncertain_writers_parts_are_left_alone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    here = this_process()
    (tmp_path / "tmp").mkdir()
    others = (here, Owner("otherboot", here.namespace, 1, "1"), Owner(here.boot, "1", 1, "1"), Owner("", "", 99, ""))
    for number, owner in enumerate(others):
        (tmp_path / "tmp" / f".lading-cdef-{owner}-{number + 1000000}").write_bytes(b"left")

    write = await store.begin("objects/ab/cdef", 4)

    assert write.done == frozenset()
    assert len(list((tmp_path / "tmp").iterdir())) == 5
    await write.abort()


def test_a_temporary_name_tells_its_subject_and_owner() -> None:
    name = temporary_name("some-subject")

    parsed = parse_temporary(name)

    assert parsed == ("some-subject", this_process())
    assert fate_of(this_process()) is Fate.ALIVE
    assert parse_temporary("notes.txt") is None
    assert parse_temporary(".lading-odd") is None


def test_renaming_never_replaces(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")

    with pytest.raises(FileExistsError):
        rename_new(str(tmp_path / "a"), str(tmp_path / "b"))
    rename_new(str(tmp_path / "a"), str(tmp_path / "c"))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]
    assert (tmp_path / "b").read_text() == "b"


async def test_a_full_disk_is_named_and_leaves_nothing(small_disk: Path) -> None:
    store = FolderStore(small_disk / "store")

    with pytest.raises(StoreFullError, match="is full"):
        store.put("objects/big", 64 << 20).write(bytes(1 << 20) for _ in range(64))

    assert list((small_disk / "store" / "tmp").iterdir()) == []
    with pytest.raises(NotFoundError):
        await store.head("objects/big")


async def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = FolderStore(tmp_path / "file")

    with pytest.raises(StoreError, match="file"):
        await write_bytes(store, "k", b"1")


async def test_a_racing_create_is_reported(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    job = store.put("k", 1)
    job.write((b"1",))

    with pytest.raises(AlreadyExistsError):
        job.write((b"1",))


async def test_errors_of_the_source_are_not_taken_for_those_of_the_store(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    def pieces(error: Exception) -> Iterator[bytes]:
        yield b"1"
        raise error

    write = await store.begin("large", 2)
    for job in (store.put("small", 2), write.part(0, 2)):
        for error in (FileNotFoundError("source"), LocalFileError("source")):
            with pytest.raises(type(error), match="source"):
                job.write(pieces(error))

    await write.abort()
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_a_dead_writers_read_only_file_is_taken_over(nobody: Path) -> None:
    """It died between making its file read-only and renaming it."""
    store = FolderStore(nobody)
    (nobody / "tmp").mkdir()
    left = nobody / "tmp" / f".lading-cdef-{dead()}-0"
    left.write_bytes(b"1234")
    left.chmod(0o440)

    write = await store.begin("objects/ab/cdef", 4)
    write.part(0, 4).write((b"5678",))
    await write.complete()

    assert (nobody / "objects/ab/cdef").read_bytes() == b"5678"
    assert (nobody / "objects/ab/cdef").stat().st_mode & 0o777 == 0o440


async def test_a_folder_is_no_object_and_what_lies_below_an_object_is_missing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await write_bytes(store, "a/b", b"1")

    with pytest.raises(NotFoundError):
        await store.head("a")
    await store.delete(["a/b/c"])
    with pytest.raises(NotFoundError):
        _ = [meta async for meta in store.list("../")]


async def test_a_flush_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="a/b"):
        await FolderStore(tmp_path).flush(["a/b"])
