"""Ahead: large files that go to a near store while they are hashed, so that their bytes are read once."""

import contextlib
import os
from collections.abc import Generator, Sequence

from blake3 import blake3

from ..errors import FileChangedError
from ..manifest.digest import Algorithm, Hasher, hasher
from ..store.early import EarlyWrite, WritesEarly
from ..store.halt import Halt
from .gauges import turn
from .lanes import Lanes, buffer
from .leaves import read_leaves
from .local import LocalFile, local_errors
from .novelty import Novelty

FROM = 64 << 20  # bytes; smaller files are hashed so soon that nothing is gained


class Ahead:
    """What lies in a store by now of files that are to be sent to it. Any thread may add to it.

    What the store may have already is not written again: it is hashed first and sent afterwards, as any smaller file.
    """

    def __init__(self, store: WritesEarly, novelty: Novelty, *, least: int = FROM) -> None:
        """Of files from `least` bytes on."""
        self._store, self._novelty, self._least = store, novelty, least
        self._begun = dict[str, EarlyWrite]()  # by path
        self._landed = dict[str, EarlyWrite]()  # by digest, which is that of the very bytes that were written

    async def begin(self, lanes: Lanes, files: Sequence[LocalFile], algorithm: Algorithm) -> dict[str, EarlyWrite]:
        """The writes of those that go there now, by path. Raise `StoreError`."""
        large = [file for file in files if file.stamp.size >= self._least]
        new = await self._novelty.new(lanes, large) if large else []
        return await lanes.run(lambda halt: {file.path: self._begin(file, algorithm) for file in new}) if new else {}

    def _begin(self, file: LocalFile, algorithm: Algorithm) -> EarlyWrite:
        write = self._begun[file.path] = self._store.begin_early(_subject(file, algorithm), file.path, file.stamp.size)
        return write

    def landed(self, path: str, digest: str) -> None:
        """All of the file lies there, and has this digest."""
        self._landed[digest] = self._begun.pop(path)

    def take(self, digest: str) -> EarlyWrite | None:
        """What lies there with this digest: now the caller's."""
        return self._landed.pop(digest, None)

    def discard(self) -> None:
        """Leave nothing that was not taken. Blocks; repeatable."""
        for writes in (self._begun, self._landed):
            while writes:
                writes.popitem()[1].discard()


def carry_leaf(
    write: EarlyWrite, descriptor: int, path: str, index: int, start: int, stop: int, algorithm: Algorithm, halt: Halt
) -> bytes:
    """The digest of leaf `index`, bytes [start, stop) of an open file, which lies in the store when this returns. Raise
    `FileChangedError` if the file ends before `stop`, `StoreError`."""
    noted = write.noted(index)
    if write.shared or noted:
        (digest,) = read_leaves(write.written(start, stop), algorithm, halt)
        if write.shared or digest == noted:
            write.note(index, digest)
            return digest
    leaf = hasher(algorithm)
    with contextlib.closing(_pieces(descriptor, path, start, stop, leaf, halt)) as pieces:
        write.part(start, stop).write(pieces)
    digest = leaf.digest()
    write.note(index, digest)
    return digest


def _pieces(descriptor: int, path: str, start: int, stop: int, leaf: Hasher, halt: Halt) -> Generator[memoryview]:
    """What is read is hashed and given away before more is read: both are of the same bytes."""
    view, position = buffer(), start
    while position < stop:
        halt.check()
        turn("disk")
        with local_errors(path):
            count = os.preadv(descriptor, [view[: stop - position]], position)
        if not count:
            raise FileChangedError(path, what="became shorter")
        turn("cpu")
        leaf.update(view[:count])
        position += count
        turn("store")
        yield view[:count]


def _subject(file: LocalFile, algorithm: Algorithm) -> str:
    """What tells the content from any other: the file, as it is now, and how its parts are hashed."""
    return blake3(f"{algorithm}\0{file.path}\0{file.stamp}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
