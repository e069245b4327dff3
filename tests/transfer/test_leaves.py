"""Leaves as they are read, whatever pieces they come in."""

import os
from pathlib import Path

import pytest

from lading.errors import FileChangedError
from lading.manifest.digest import LEAF_SIZE, Algorithm, leaf_digest
from lading.store.halt import Halt, Halted
from lading.store.memory import MemoryStore
from lading.store.store import write_bytes
from lading.testing.trees import hashed, seeded
from lading.transfer.leaves import hash_range, read_leaves
from lading.transfer.plan import split_leaves

A = Algorithm.BLAKE3


@pytest.mark.parametrize("size", [0, 1, LEAF_SIZE - 1, LEAF_SIZE, LEAF_SIZE + 1, 2 * LEAF_SIZE + 5])
async def test_leaves_of_what_a_job_reads(size: int) -> None:
    store, content = MemoryStore(), seeded(size)
    await write_bytes(store, "k", content)
    seen = bytearray(size)

    def each(piece: memoryview, offset: int) -> None:
        seen[offset : offset + len(piece)] = piece

    found = read_leaves(store.read("k", 0, size), A, Halt(), each)

    what = hashed(content)
    assert tuple(found) == split_leaves(what.leaves or what.digest)
    assert seen == content


class OddPieces:
    """A job that keeps to no boundary."""

    def __init__(self, content: bytes, piece: int) -> None:
        self.content, self.piece, self.size = content, piece, len(content)

    def read(self, buffer: memoryview, each: "object") -> None:
        assert callable(each)
        for start in range(0, self.size, self.piece):
            each(memoryview(self.content)[start : start + self.piece])


@pytest.mark.parametrize("piece", [LEAF_SIZE - 1, 2 * LEAF_SIZE + 3, 999_983])
def test_pieces_may_cross_leaves(piece: int) -> None:
    content = seeded(2 * LEAF_SIZE + 5)

    assert tuple(read_leaves(OddPieces(content, piece), A, Halt())) == split_leaves(hashed(content).leaves or "")


async def test_reading_stops_when_it_was_given_up() -> None:
    store, halt = MemoryStore(), Halt()
    await write_bytes(store, "k", bytes(10))
    halt.asked = True

    with pytest.raises(Halted):
        read_leaves(store.read("k", 0, 10), A, halt)


def test_a_range_of_a_descriptor_is_hashed_as_a_leaf(tmp_path: Path) -> None:
    content = seeded(3 << 20)
    (tmp_path / "file").write_bytes(content)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        found = hash_range(descriptor, "file", 5, (2 << 20) + 7, A, Halt())
        with pytest.raises(FileChangedError, match="became shorter"):
            hash_range(descriptor, "file", 5, 4 << 20, A, Halt())
    finally:
        os.close(descriptor)

    assert found == leaf_digest(A, content[5 : (2 << 20) + 7])
