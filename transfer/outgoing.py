"""The bytes of a local file on their way out: checked against its digests before the last of each leaf is given away."""

import os
from collections.abc import Generator

from ..errors import FileChangedError
from ..manifest.digest import LEAF_SIZE, Algorithm, hasher, leaf_digest
from ..store.halt import Halt
from .gauges import turn
from .lanes import buffer
from .local import check_unchanged, local_errors
from .plan import Run, SendItem


def outgoing(item: SendItem, run: Run, algorithm: Algorithm, halt: Halt) -> Generator[memoryview]:
    """The bytes of these leaves, in pieces that are valid until the next one is asked for. Raise `FileChangedError`,
    `LocalFileError`. Close it if it is not read to its end."""
    view, path, expected = buffer(), item.file.path, iter(item.leaf_digests(run.first, run.stop))
    start, stop = run.start_byte, run.stop_byte
    with local_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            position, leaf = start, hasher(algorithm)
            while position < stop:
                halt.check()
                turn("disk")
                end = min(stop, position - position % LEAF_SIZE + LEAF_SIZE)
                count = os.preadv(descriptor, [view[: end - position]], position)
                if not count:
                    raise FileChangedError(path, what="became shorter")
                turn("cpu")
                leaf.update(view[:count])
                position += count
                if position == end:
                    if leaf.digest() != next(expected):
                        raise FileChangedError(path, what="changed")
                    leaf = hasher(algorithm)
                turn("store")
                yield view[:count]
            if start == stop and leaf.digest() != next(expected):
                raise FileChangedError(path, what="changed")
            check_unchanged(path, item.file.stamp, os.fstat(descriptor))
        finally:
            os.close(descriptor)


def whole(item: SendItem, algorithm: Algorithm) -> memoryview:
    """All bytes of a file of at most one piece, checked; valid until the lane's next read. Raise as `outgoing` does."""
    view, path = buffer(), item.file.path
    turn("disk")
    with local_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            count = os.preadv(descriptor, [view], 0)
            check_unchanged(path, item.file.stamp, os.fstat(descriptor))
        finally:
            os.close(descriptor)
    turn("cpu")
    if leaf_digest(algorithm, view[:count]).hex() != item.hashed.digest:
        raise FileChangedError(path, what="changed")
    turn("store")
    return view[:count]
