"""Hashing: by the definition of tree digests, of files that hold still."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import FileChangedError, LadingError, LocalFileError
from lading.manifest.digest import Algorithm, tree_digest
from lading.testing.trees import hashed, seeded
from lading.transfer.hashing import Hashed, hash_files
from lading.transfer.lanes import Lanes
from lading.transfer.local import LocalFile, local_file
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits

MIB = 1 << 20
LARGE = 8 * MIB + 1
A = Algorithm.BLAKE3


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    made = Lanes(3)
    yield made
    made.close()


@pytest.fixture(params=[100, LARGE], ids=["small", "large"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> LocalFile:
    """A file that may then change under its stamp."""
    path = tmp_path / "file"
    path.write_bytes(seeded(request.param))
    return local_file(str(path))


def append(path: str) -> None:
    with Path(path).open("ab") as out:
        out.write(b"more")


def replace(file: LocalFile) -> None:
    """By another file of the same content and time."""
    path = Path(file.path)
    content = path.read_bytes()
    path.rename(path.with_name("old"))
    path.write_bytes(content)
    os.utime(path, ns=(file.stamp.mtime, file.stamp.mtime))


async def digests(lanes: Lanes, files: list[LocalFile], *, md5: bool = False, algorithm: Algorithm = A) -> list[Hashed]:
    found = await hash_files(lanes, files, algorithm, md5=md5, meter=Meter(), limits=Limits())
    return [found[file.path] for file in files]


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 8 * MIB, LARGE, 20 * MIB])
async def test_digests_are_those_of_the_definition(tmp_path: Path, lanes: Lanes, size: int, algorithm: Algorithm) -> None:
    content = seeded(size)
    (tmp_path / "file").write_bytes(content)

    (found,) = await digests(lanes, [local_file(str(tmp_path / "file"))], algorithm=algorithm)

    assert found == hashed(content, algorithm)
    assert found.digest == tree_digest(algorithm, content)


@pytest.mark.parametrize("size", [0, MIB, LARGE])
async def test_md5_is_found_beside_the_digest(tmp_path: Path, lanes: Lanes, size: int) -> None:
    content = seeded(size)
    (tmp_path / "file").write_bytes(content)

    (found,) = await digests(lanes, [local_file(str(tmp_path / "file"))], md5=True)

    assert found.md5 == hashlib.md5(content).digest()
    assert found.digest == tree_digest(A, content)


async def test_many_files_come_back_in_order_and_every_byte_is_counted(tmp_path: Path, lanes: Lanes) -> None:
    sizes = [number * 997 % 5000 for number in range(600)] + [LARGE, 5, LARGE]
    files = list[LocalFile]()
    for number, size in enumerate(sizes):
        path = tmp_path / str(number)
        path.write_bytes(seeded(size, number))
        files.append(local_file(str(path)))
    meter = Meter()

    found = await hash_files(lanes, [*files, *files], A, md5=False, meter=meter, limits=Limits())

    assert [found[file.path].digest for file in files] == [tree_digest(A, seeded(size, n)) for n, size in enumerate(sizes)]
    assert (meter.statistics().bytes_hashed, meter.statistics().bytes_to_hash) == (sum(sizes), sum(sizes))


async def test_a_file_that_became_shorter_is_named(lanes: Lanes, file: LocalFile) -> None:
    os.truncate(file.path, 50)

    with pytest.raises(FileChangedError, match=file.path):
        await digests(lanes, [file])


async def test_a_file_that_grew_is_named(lanes: Lanes, file: LocalFile) -> None:
    append(file.path)

    with pytest.raises(FileChangedError, match=file.path):
        await digests(lanes, [file])


async def test_a_file_that_was_replaced_is_named(lanes: Lanes, file: LocalFile) -> None:
    replace(file)

    with pytest.raises(FileChangedError, match=file.path):
        await digests(lanes, [file])


async def test_a_file_that_was_touched_is_named(lanes: Lanes, file: LocalFile) -> None:
    os.utime(file.path, ns=(0, 0))

    with pytest.raises(FileChangedError, match=file.path):
        await digests(lanes, [file], md5=True)


async def test_a_file_that_vanished_is_named(lanes: Lanes, file: LocalFile) -> None:
    await asyncio.to_thread(os.remove, file.path)

    with pytest.raises(LocalFileError, match=f"{file.path}: no such file"):
        await digests(lanes, [file])


@pytest.mark.parametrize("size", [100, LARGE])
async def test_a_file_that_may_not_be_read_is_named(nobody: Path, lanes: Lanes, size: int) -> None:
    path = nobody / "secret"
    path.write_bytes(bytes(size))
    path.chmod(0)

    with pytest.raises(LocalFileError, match=r"secret: Permission denied\n  hint: check its owner"):
        await digests(lanes, [local_file(str(path))])


async def test_a_folder_is_named(tmp_path: Path, lanes: Lanes) -> None:
    with pytest.raises(LocalFileError, match="is no regular file"):
        await digests(lanes, [local_file(str(tmp_path))])


async def test_whoever_wants_to_know_of_lost_files_gets_the_others(tmp_path: Path, lanes: Lanes, file: LocalFile) -> None:
    (tmp_path / "other").write_bytes(b"other")
    other, lost = local_file(str(tmp_path / "other")), list[str]()
    os.truncate(file.path, 50)

    def note(file: LocalFile, error: LadingError) -> None:
        lost.append(f"{file.path} {error.code}")

    found = await hash_files(lanes, [file, other], A, md5=False, meter=Meter(), limits=Limits(), lost=note)

    assert found == {other.path: hashed(b"other")}
    assert set(lost) == {f"{file.path} file-changed"}
