"""Leaves as they are read: their digests, from a job or from a descriptor."""

import os
from collections.abc import Callable

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
    view, leaf, position, before = buffer(), hasher(algorithm), start, turn("disk")
    while position < stop:
        halt.check()
        turn("disk")
        count = os.preadv(descriptor, [view[: stop - position]], position)
        if not count:
            raise FileChangedError(path, what="became shorter")
        turn("cpu")
        leaf.update(view[:count])
        position += count
    turn(before)
    return leaf.digest()
