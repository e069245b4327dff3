"""Ahead: large files that go to a near store before they are hashed: the copy is what is hashed, and the disk begins at once."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence

from blake3 import blake3

from ..errors import FileChangedError, StoreError
from ..manifest.digest import Algorithm, Hasher, hasher
from ..manifest.keys import object_key
from ..store.early import EarlyWrite, WritesEarly
from ..store.halt import Halt
from ..store.store import Store
from ..store.threads import to_the_end
from .gauges import turn
from .lanes import Lanes
from .leaves import pieces, read_leaves
from .local import LocalFile
from .novelty import Novelty

_log = logging.getLogger("lading.ahead")
FROM = 64 << 20  # bytes; smaller files are hashed so soon that nothing is gained


class Ahead:
    """What lies in a store by now of files that are to be sent to it. Any thread may add to it.

    What the store may have already is not written again: it is hashed first and sent afterwards, as any smaller file.
    """

    def __init__(self, store: WritesEarly, novelty: Novelty, *, least: int = FROM) -> None:
        """Of files from `least` bytes on."""
        self._store, self._novelty, self._least = store, novelty, least
        self._landed = dict[str, EarlyWrite]()  # by digest, which is that of the very bytes that were written
        self._pid = os.getpid()  # in a forked child these are its parent's

    @contextlib.asynccontextmanager
    async def writes(
        self, lanes: Lanes, files: Sequence[LocalFile], algorithm: Algorithm
    ) -> AsyncGenerator[dict[str, EarlyWrite]]:
        """The writes, by path, of those of these files that go there now. Of what has not landed when the block ends nothing is
        left. Raise `StoreError`."""
        large = [file for file in files if file.stamp.size >= self._least]
        begun = dict[str, EarlyWrite]()

        def begin(new: Sequence[LocalFile], halt: Halt) -> None:
            for file in new:
                halt.check()
                begun[file.path] = self._store.begin_early(_subject(file, algorithm), file.path, file.stamp.size)

        try:
            if large and self.serves(self._store):
                new = await self._novelty.new(lanes, large)
                await lanes.run(lambda halt: begin(new, halt))
            yield begun
        finally:
            if begun:
                await to_the_end(asyncio.to_thread(_discard, begun))

    def land(self, writes: dict[str, EarlyWrite], digests: Mapping[str, str], algorithm: Algorithm) -> None:
        """All of these files, by path, lies there and has this digest. Blocks. Raise `StoreError`."""
        for path in writes.keys() & digests.keys():
            digest = digests[path]
            writes[path].whole(object_key("", algorithm, digest).rpartition("/")[2])
            if self._landed.setdefault(digest, writes[path]) is writes[path]:
                del writes[path]

    def serves(self, store: Store) -> bool:
        """Whether it is this store, and this process, that files go ahead to and from."""
        return store.url == self._store.url and self._pid == os.getpid()

    def take(self, store: Store, digest: str) -> EarlyWrite | None:
        """What lies in this store with this digest: now the caller's."""
        return self._landed.pop(digest, None) if self.serves(store) else None

    def discard(self) -> None:
        """Leave nothing that was not taken. Blocks; repeatable."""
        _discard(self._landed)


def _discard(writes: dict[str, EarlyWrite]) -> None:
    while writes:
        try:
            writes.popitem()[1].discard()
        except StoreError as error:  # it is of no use to anybody, and what went on before matters more
            _log.warning("what was written ahead could not be removed: %s", error.message)


def carry_leaf(
    write: EarlyWrite, descriptor: int, path: str, index: int, start: int, stop: int, algorithm: Algorithm, halt: Halt
) -> bytes:
    """The digest of leaf `index`, bytes [start, stop) of an open file, which lies in the store when this returns. Raise
    `FileChangedError` if the file ends before `stop`, `StoreError`."""

    def written() -> bytes:
        return read_leaves(write.written(start, stop), algorithm, halt)[0]

    noted = write.noted(index)
    if noted is not None and written() == noted:
        return noted
    part = write.part(start, stop)
    try:
        taken = part.take(descriptor, start, None)
    except StoreError as error:
        if os.fstat(descriptor).st_size < stop:
            raise FileChangedError(path, what="became shorter") from error
        raise
    if taken:
        digest = written()
    else:
        leaf = hasher(algorithm)
        with contextlib.closing(pieces(descriptor, path, start, stop, halt)) as read:
            part.write(_hashed(read, leaf))
        digest = leaf.digest()
    write.note(index, digest)
    return digest


def _hashed(pieces: Iterable[memoryview], leaf: Hasher) -> Generator[memoryview]:
    """What is given away is what was hashed."""
    for piece in pieces:
        leaf.update(piece)
        turn("store")
        yield piece


def _subject(file: LocalFile, algorithm: Algorithm) -> str:
    """What tells the content from any other: the file, as it is now, and how its parts are hashed."""
    return blake3(f"{algorithm}\0{file.path}\0{file.stamp}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
