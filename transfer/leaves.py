"""Leaves as they are read: their digests, from a job or from a descriptor."""

import os
from collections.abc import Callable, Generator

from ..errors import FileChangedError
from ..manifest.digest import LEAF_SIZE, Algorithm, hasher
from ..store.halt import Halt
from ..store.jobs import ReadJob
from .gauges import turn
from .lanes import buffer


def read_leaves(
    job: ReadJob, algorithm: Algorithm, halt: Halt, each: Callable[[memoryview, int], None] | None = None
) -> list[bytes]:
    """The digests of the leaves in what the job reads; `each` sees every piece and its offset first."""
    digests: list[bytes] = []
    leaf, done = hasher(algorithm), 0

    def take(piece: memoryview) -> None:
        nonlocal leaf, done
        halt.check()
        if each:
            turn("disk")
            each(piece, done)
        turn("cpu")
        while len(piece):
            room = LEAF_SIZE - done % LEAF_SIZE
            part, piece = piece[:room], piece[room:]
            leaf.update(part)
            done += len(part)
            if done % LEAF_SIZE == 0:
                digests.append(leaf.digest())
                leaf = hasher(algorithm)
        turn("store")

    job.read(buffer(), take)
    if done % LEAF_SIZE or not done:
        digests.append(leaf.digest())
    return digests


def hash_range(descriptor: int, path: str, start: int, stop: int, algorithm: Algorithm, halt: Halt) -> bytes:
    """The digest of bytes [start, stop) as one leaf. Raise `FileChangedError` if the file ends before `stop`."""
    leaf, before = hasher(algorithm), turn("disk")
    for piece in pieces(descriptor, path, start, stop, halt):
        leaf.update(piece)
    turn(before)
    return leaf.digest()


def pieces(descriptor: int, path: str, start: int, stop: int, halt: Halt) -> Generator[memoryview]:
    """Bytes [start, stop) of an open file; each piece is valid until the next is asked for. Raise `FileChangedError` if it ends
    before `stop`."""
    view, position = buffer(), start
    while position < stop:
        halt.check()
        turn("disk")
        count = os.preadv(descriptor, [view[: stop - position]], position)
        if not count:
            raise FileChangedError(path, what="became shorter")
        turn("cpu")
        position += count
        yield view[:count]
