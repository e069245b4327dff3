"""Novelty: whether content is new to a store, as far as that can be told before it is hashed."""

import functools
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from blake3 import blake3

from ..errors import LadingError
from ..store.folder_jobs import FolderRead
from ..store.halt import Halt
from ..store.jobs import ReadJob
from ..store.store import Store
from .lanes import Lanes, buffer
from .local import LocalFile

MOST = 64  # objects of one size that a file is compared with
_PLACES, _SAMPLE = 8, 4096

Objects = Callable[[], Awaitable[Mapping[str, int] | None]]


class Novelty:
    """Tells files whose content nobody has from those that may be copies. Contents differ where their sizes do, or their bytes in
    a few places; where these agree they may be the same. Any thread may ask."""

    def __init__(self, store: Store, objects: Objects) -> None:
        """`objects` awaits keys and sizes of what the store has; None: that cannot be known, and nothing is new. It is asked
        until it knows: what comes there later counts as absent."""
        self._store, self._ask = store, objects
        self._objects: Mapping[str, int] | None = None
        self._known = dict[int, frozenset[bytes] | None]()  # samples of objects, by size; None where they are too many
        self._met = set[bytes]()  # samples of files
        self._lock = threading.Lock()

    async def new(self, lanes: Lanes, files: Sequence[LocalFile]) -> list[LocalFile]:
        """Those whose content is certainly not stored, nor that of another, now or in an earlier call. What cannot be read is not
        among them."""
        if self._objects is None:
            self._objects = await self._ask()
        objects = self._objects
        return [] if objects is None else await lanes.run(lambda halt: self._new(files, objects, halt))

    def _new(self, files: Sequence[LocalFile], objects: Mapping[str, int], halt: Halt) -> list[LocalFile]:
        samples = {file: found for file in files if (found := _sample(_reading(file.path), file.stamp.size, halt))}
        for size in {file.stamp.size for file in samples} - self._known.keys():
            self._known[size] = self._samples([key for key in objects if objects[key] == size], size, halt)
        counts = Counter(samples.values())
        with self._lock:
            met = self._met.copy()
            self._met |= counts.keys()
        new = list[LocalFile]()
        for file, sample in samples.items():
            known = self._known[file.stamp.size]
            if known is not None and sample not in known and sample not in met and counts[sample] == 1:
                new.append(file)
        return new

    def _samples(self, keys: Sequence[str], size: int, halt: Halt) -> frozenset[bytes] | None:
        if len(keys) > MOST:
            return None
        found = (_sample(functools.partial(self._store.read, key), size, halt) for key in keys)
        return frozenset(sample for sample in found if sample is not None)


def _reading(path: str) -> Callable[[int, int], ReadJob]:
    return lambda start, stop: FolderRead(path, path, "this machine", start, stop)


def _sample(read: Callable[[int, int], ReadJob], size: int, halt: Halt) -> bytes | None:
    """A digest of the size and of a few places. None if they cannot be read."""
    digest = blake3(str(size).encode())

    def take(piece: memoryview) -> None:
        digest.update(piece)

    try:
        for number in range(_PLACES):
            halt.check()
            start = (2 * number + 1) * size // (2 * _PLACES)
            read(start, min(start + _SAMPLE, size)).read(buffer(), take)
    except LadingError:
        return None
    return digest.digest()
