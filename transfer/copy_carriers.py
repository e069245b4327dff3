"""Carriers: how the bytes of a source get into a part or an object of a store. Blocking."""

import contextlib
import os
from collections.abc import Generator
from typing import Protocol

from ..errors import FileChangedError, StoreError
from ..manifest.digest import LEAF_SIZE, Algorithm
from ..store.checksum import Summer, can_compute
from ..store.folder_jobs import etag_of
from ..store.halt import Halt
from ..store.jobs import WriteJob
from ..store.store import PART_SIZE, Write
from ..store.within import copied
from .copy_check import checksum_of, replayed
from .copy_sides import Here, Side
from .lanes import PIECE, buffer
from .leaves import read_leaves
from .local import local_errors
from .pairs import Found
from .plan import covers

_ALGORITHM = Algorithm.BLAKE3


class Carrier(Protocol):
    """Takes bytes from one kind of source."""

    @property
    def side(self) -> Side: ...

    def memory(self, size: int) -> int:
        """How much of it is held to carry so many bytes at a time, beside the lane's own."""
        ...

    def carry(self, found: Found, start: int, stop: int, job: WriteJob, halt: Halt) -> None:
        """Let the job have [start, stop). Raise if the source is not what was found, or what the job raises."""
        ...

    def check(self, found: Found) -> None:
        """Raise if the source is no longer what was found, as far as that can be seen at once."""
        ...


class FromFile:
    """Files of this machine: straight from the file where the job can, with a checksum where the store compares one."""

    def __init__(self, side: Here) -> None:
        self.side = side

    def memory(self, size: int) -> int:
        return PIECE

    def carry(self, found: Found, start: int, stop: int, job: WriteJob, halt: Halt) -> None:
        with _opened(found) as descriptor:
            if stop - start <= PIECE:
                job.write((_at_once(descriptor, found, start, stop),))
            elif stop - start <= LEAF_SIZE or not _taken(descriptor, found, start, stop, job, halt):
                with contextlib.closing(_pieces(descriptor, found, start, stop, halt)) as pieces:
                    job.write(pieces)

    def check(self, found: Found) -> None:
        with _opened(found):
            pass


class FromStore:
    """Objects: what the store does not copy by itself is held, part by part, until it is written; for what reads pushes, and what
    writes pulls."""

    def __init__(self, side: Side) -> None:
        self.side = side

    def memory(self, size: int) -> int:
        return min(size, PART_SIZE)

    def carry(self, found: Found, start: int, stop: int, job: WriteJob, halt: Halt) -> None:
        if not found.ranges and found.size > PART_SIZE:
            raise StoreError(f"{found.key or 'the source'} comes in one stream only", hint="copy it to a file first")
        if copied(self.side.job(found, start, stop), job):
            return
        if stop - start <= PART_SIZE:
            job.write((self._read(found, start, stop, halt),))
        else:
            steps = range(start, stop, PART_SIZE)
            job.write(self._read(found, step, min(step + PART_SIZE, stop), halt) for step in steps)

    def _read(self, found: Found, start: int, stop: int, halt: Halt) -> bytearray:
        data = bytearray()

        def take(piece: memoryview) -> None:
            halt.check()
            data.extend(piece)

        self.side.job(found, start, stop).read(buffer(), take)
        return data

    def check(self, found: Found) -> None:
        """Each range was read pinned."""


def holds(carrier: Carrier, write: Write, found: Found, start: int, stop: int, halt: Halt) -> bool:
    """Whether an earlier writer left the part, and it is what the source has: by the store's own checksum, or read back."""
    if not covers(write.done, start, stop):
        return False
    job = carrier.side.job(found, start, stop)
    if proof := write.proof(start, stop):
        return can_compute(proof.name) and checksum_of(proof.name, replayed(job), halt) == proof
    back = write.written(start, stop)
    return back is not None and read_leaves(back, _ALGORITHM, halt) == read_leaves(job, _ALGORITHM, halt)


@contextlib.contextmanager
def _opened(found: Found) -> Generator[int]:
    """A descriptor of the file. Raise `FileChangedError` if it is not what was found."""
    with local_errors(found.key):
        descriptor = os.open(found.key, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _compare(found, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _compare(found: Found, descriptor: int) -> None:
    if etag_of(os.fstat(descriptor)) != found.etag:
        raise FileChangedError(found.key, what="changed")


def _taken(descriptor: int, found: Found, start: int, stop: int, job: WriteJob, halt: Halt) -> bool:
    """Whether the job took the bytes straight from the file; with a checksum, if the store compares one."""
    checksum = None
    if job.checks:
        summer = Summer(job.checks)
        for piece in _pieces(descriptor, found, start, stop, halt):
            summer.update(piece)
        checksum = summer.checksum()
    taken = job.take(descriptor, start, checksum)
    _compare(found, descriptor)
    return taken


def _at_once(descriptor: int, found: Found, start: int, stop: int) -> memoryview:
    """All bytes of a range of at most one piece; valid until the lane's next read. Raise `FileChangedError`."""
    view, done = buffer()[: stop - start], 0
    with local_errors(found.key):
        while done < len(view):
            count = os.preadv(descriptor, [view[done:]], start + done)
            if not count:
                raise FileChangedError(found.key, what="became shorter")
            done += count
    _compare(found, descriptor)
    return view


def _pieces(descriptor: int, found: Found, start: int, stop: int, halt: Halt) -> Generator[memoryview]:
    """The bytes of the range, in pieces that are valid until the next one is asked for. Raise `FileChangedError`, after the last
    of them too: then what is being written is given up."""
    view, position = buffer(), start
    while position < stop:
        halt.check()
        with local_errors(found.key):
            count = os.preadv(descriptor, [view[: stop - position]], position)
        if not count:
            raise FileChangedError(found.key, what="became shorter")
        yield view[:count]
        position += count
    _compare(found, descriptor)
