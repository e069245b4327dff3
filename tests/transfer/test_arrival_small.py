"""Small files that arrive: with files that have no name before they are whole, and where there are none."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from lading.errors import AlreadyExistsError, DigestMismatchError
from lading.manifest.digest import Algorithm, leaf_digest
from lading.store import nameless
from lading.store.halt import Halt
from lading.store.memory import MemoryStore
from lading.store.store import write_bytes
from lading.transfer.arrival_small import arrive_small, arrive_whole
from lading.transfer.local import stamp_of
from lading.transfer.plan import FetchItem

A = Algorithm.BLAKE3
CONTENT = b"content"


@pytest.fixture(params=[True, False], ids=["nameless", "named"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(nameless, "_POSSIBLE", False)


@pytest.fixture
def folder(tmp_path: Path) -> Generator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def files(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in folder.iterdir()]


def item(*, of: bytes = CONTENT, executable: bool = False) -> FetchItem:
    return FetchItem("a/file", leaf_digest(A, of).hex(), len(CONTENT), "k", executable)


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_is_there_whole_and_says_its_stamp(folder: int, tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "file").write_bytes(before)

    stamp = arrive_whole(item(), memoryview(CONTENT), folder, A, str(tmp_path / "file"))

    assert files(tmp_path) == [("file", CONTENT)]
    assert stamp == stamp_of((tmp_path / "file").stat())


async def test_it_may_come_in_pieces(folder: int, tmp_path: Path) -> None:
    store = MemoryStore()
    await write_bytes(store, "k", CONTENT)

    arrive_small(item(), store.read("k", 0, len(CONTENT)), folder, A, Halt(), str(tmp_path / "file"))

    assert files(tmp_path) == [("file", CONTENT)]


async def test_what_may_not_be_replaced_stays(folder: int, tmp_path: Path) -> None:
    store = MemoryStore()
    await write_bytes(store, "k", CONTENT)
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(AlreadyExistsError):
        arrive_small(item(), store.read("k", 0, len(CONTENT)), folder, A, Halt(), str(tmp_path / "file"), replace=False)

    assert files(tmp_path) == [("file", b"old")]


def test_other_bytes_never_get_there(folder: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(DigestMismatchError):
        arrive_whole(item(of=b"other"), memoryview(CONTENT), folder, A, str(tmp_path / "file"))

    assert files(tmp_path) == [("file", b"old")]


@pytest.mark.parametrize(("executable", "mode"), [(False, 0o640), (True, 0o750)])
def test_modes_follow_the_umask(folder: int, tmp_path: Path, executable: bool, mode: int) -> None:
    before = os.umask(0o027)
    try:
        arrive_whole(item(executable=executable), memoryview(CONTENT), folder, A, str(tmp_path / "file"))
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
