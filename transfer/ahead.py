"""Ahead: large files that go to a near store while they are hashed, so that their bytes are read once."""

import contextlib
import functools
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from blake3 import blake3

from ..errors import FileChangedError, LadingError
from ..manifest.digest import Algorithm, Hasher, hasher
from ..store.early import EarlyWrite, WritesEarly
from ..store.folder_jobs import FolderRead
from ..store.halt import Halt
from ..store.jobs import ReadJob
from .gauges import turn
from .lanes import Lanes, buffer
from .leaves import read_leaves
from .local import LocalFile, local_errors

FROM = 64 << 20  # bytes; smaller files are hashed so soon that nothing is gained
MOST = 64  # objects of one size that a file is compared with
_SAMPLES, _SAMPLE = 8, 4096

Objects = Callable[[int], Awaitable[Mapping[str, int]]]


class Ahead:
    """What lies in a store by now of files that are to be sent to it. Any thread may add to it.

    What the store has already is not to be written again. Before a file is hashed, only samples can say so: where an object of
    its size, or another file, has the same bytes in a few places, it is hashed first and sent afterwards, as any smaller one.
    """

    def __init__(self, store: WritesEarly, objects: Objects, *, least: int = FROM) -> None:
        """Of files from `least` bytes on. `objects` awaits the keys and sizes of objects of so many bytes and more."""
        self.store, self._objects, self._least = store, objects, least
        self._met = set[bytes]()  # samples of files that were added
        self._begun = dict[str, EarlyWrite]()  # by path
        self._landed = dict[str, EarlyWrite]()  # by digest, which is that of the very bytes that were written
        self._lock = threading.Lock()

    async def begin(self, lanes: Lanes, files: Sequence[LocalFile], algorithm: Algorithm) -> dict[str, EarlyWrite]:
        """The writes of those that go there now, by path. Raise `StoreError`."""
        large = [file for file in files if file.stamp.size >= self._least]
        if not large:
            return {}
        objects = await self._objects(self._least)
        return await lanes.run(lambda halt: self._begin(large, objects, algorithm, halt))

    def _begin(
        self, files: Sequence[LocalFile], objects: Mapping[str, int], algorithm: Algorithm, halt: Halt
    ) -> dict[str, EarlyWrite]:
        alike = Counter(objects.values())
        files = [file for file in files if alike[file.stamp.size] <= MOST]
        samples = {file: found for file in files if (found := _sample(_read(file.path), file.stamp.size, halt))}
        counts, stored = Counter(samples.values()), self._stored({file.stamp.size for file in files}, objects, halt)
        with self._lock:
            known = self._met | stored
            chosen = [file for file, found in samples.items() if counts[found] == 1 and found not in known]
            self._met |= counts.keys()
        return {file.path: self._begin_one(file, algorithm) for file in chosen}

    def _stored(self, sizes: AbstractSet[int], objects: Mapping[str, int], halt: Halt) -> set[bytes]:
        """Samples of the objects that have one of these sizes."""
        read = {key: functools.partial(self.store.read, key) for key, size in objects.items() if size in sizes}
        return {found for key in read if (found := _sample(read[key], objects[key], halt))}

    def _begin_one(self, file: LocalFile, algorithm: Algorithm) -> EarlyWrite:
        write = self._begun[file.path] = self.store.begin_early(_subject(file, algorithm), file.path, file.stamp.size)
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


def _read(path: str) -> Callable[[int, int], ReadJob]:
    return lambda start, stop: FolderRead(path, path, "this machine", start, stop)


def _sample(read: Callable[[int, int], ReadJob], size: int, halt: Halt) -> bytes | None:
    """A digest of the size and of a few places: where it differs, so does the content. None if it cannot be read."""
    digest = blake3(str(size).encode())

    def feed(piece: memoryview) -> None:
        digest.update(piece)

    try:
        for number in range(_SAMPLES):
            halt.check()
            start = (2 * number + 1) * size // (2 * _SAMPLES)
            read(start, min(start + _SAMPLE, size)).read(buffer(), feed)
    except LadingError:
        return None
    return digest.digest()
