"""Content: what a reader reads, leaf by leaf: of the store, each leaf verified; of anywhere else, each part pinned."""

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import Protocol

from ..errors import DigestMismatchError, LadingError, ObjectChangedError, StoreError
from ..manifest.digest import LEAF_SIZE, Algorithm, hasher
from ..store.halt import Halt
from ..store.jobs import ReadJob
from .batches import amount
from .driver import persist
from .engine import Engine
from .fetch import judged
from .gauges import turn
from .lanes import buffer
from .placing import DAMAGED
from .plan import FetchItem, is_large
from .progress import Meter
from .source import read_job


class Content(Protocol):
    """Bytes that are read in leaves of 8 MiB, for one event loop. Every leaf, whenever it is read, is of the same content, or an
    error."""

    @property
    def engine(self) -> Engine:
        """What moves them."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def look(self) -> None:
        """Find out what is near. Comes first."""
        ...

    async def leaf(self, index: int) -> tuple[memoryview, float]:
        """A leaf, and how much of it the store moved. One attempt: errors of the store are for the caller to judge."""
        ...

    async def judged(self, error: LadingError) -> LadingError:
        """The error, or what is behind it."""
        ...

    async def close(self) -> None:
        """Comes last, when nothing is read any more."""
        ...


class StoredContent:
    """An item in the engine's store. The engine is its owner's."""

    def __init__(self, engine: Engine, item: FetchItem, algorithm: Algorithm) -> None:
        self.engine, self.item, self.algorithm = engine, item, algorithm
        self._etag: str | None = None
        self._pinning = asyncio.Lock()

    @property
    def size(self) -> int:
        return self.item.size

    async def look(self) -> None:
        """Find out whether a local file has the same content: then that is read, as long as it verifies."""
        index, digest = self.engine.index, self.item.digest
        if index is not None and not self.engine.store.near:
            found = await self.engine.lanes.run(lambda halt: index.copies([digest], self.algorithm))
            self.item = self.item.copied_from(found.get(digest))

    async def leaf(self, index: int) -> tuple[memoryview, float]:
        start, stop = leaf_bytes(index, self.size)
        if (item := self.item).copy is not None:
            with contextlib.suppress(StoreError, DigestMismatchError):
                return await self._read(index, read_job(self.engine.store, item, start, stop)), 0.0
            self.item = self.item.copied_from(None)  # it has gone, or was changed
        etag = await self._pinned()
        try:
            content = await self._read(index, self.engine.store.read(item.key, start, stop, etag=etag))
        except ObjectChangedError:
            # Somebody mended it: the same content, as each leaf proves, under another etag.
            if self._etag == etag:
                self._etag = None
            content = await self._read(index, self.engine.store.read(item.key, start, stop, etag=await self._pinned()))
        return content, amount([stop - start])

    async def judged(self, error: LadingError) -> LadingError:
        return await judged(self.engine, self.item, error)

    async def close(self) -> None:
        pass

    async def _pinned(self) -> str | None:
        """What all ranges are to be of. None where that is proven for less: of one leaf, and of a near store."""
        if not is_large(self.size) or self.engine.store.near:
            return None
        async with self._pinning:
            if self._etag is None:
                head = functools.partial(self.engine.store.head, self.item.key)
                self._etag = (await persist(head, retry=self.engine.retry, meter=Meter())).etag
        return self._etag

    async def _read(self, index: int, job: ReadJob) -> memoryview:
        leaf = hasher(self.algorithm)
        content = await self.engine.lanes.run(lambda halt: _read(job, halt, leaf.update))
        if [leaf.digest()] != self.item.leaf_digests(index, index + 1):
            start, stop = leaf_bytes(index, self.size)
            name = f"{self.item.path} (bytes {start} to {stop})"
            raise DigestMismatchError(name, expected=self.item.digest, actual="other bytes", hint=DAMAGED)
        return content


class PinnedContent:
    """An object anywhere, read by jobs that raise rather than give bytes of another. Its engine is its own."""

    def __init__(self, engine: Engine, size: int, job: Callable[[int, int], ReadJob]) -> None:
        self.engine, self.size, self._job = engine, size, job

    async def look(self) -> None:
        pass

    async def leaf(self, index: int) -> tuple[memoryview, float]:
        start, stop = leaf_bytes(index, self.size)
        job = self._job(start, stop)
        return await self.engine.lanes.run(lambda halt: _read(job, halt)), amount([stop - start])

    async def judged(self, error: LadingError) -> LadingError:
        return error

    async def close(self) -> None:
        self.engine.close()


def leaf_bytes(index: int, size: int) -> tuple[int, int]:
    """The bytes [start, stop) of a leaf of content of `size` bytes."""
    return index * LEAF_SIZE, min((index + 1) * LEAF_SIZE, size)


def _read(job: ReadJob, halt: Halt, each: Callable[[memoryview], object] = lambda piece: None) -> memoryview:
    """All that the job reads, in memory of its own; `each` piece is passed on while it is warm."""
    content, done = memoryview(bytearray(job.size)), 0

    def take(piece: memoryview) -> None:
        nonlocal done
        halt.check()
        turn("cpu")
        content[done : done + len(piece)] = piece
        each(piece)
        done += len(piece)
        turn("store")

    turn("store")
    job.read(buffer(), take)
    return content.toreadonly()
