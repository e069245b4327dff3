"""Pace: a bandwidth that all transfers of this process keep to, up and down together."""

import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from ..errors import InvalidValueError
from ..store.checksum import Checksum, Piece
from ..store.halt import current_halt
from ..store.jobs import ReadJob, WriteJob
from ..store.store import PART_SIZE, ObjectMeta, Store, Write
from ..store.within import copied
from .gauges import turn

SLICE = 0.05  # seconds: how long nobody hears that work was given up
AHEAD = 0.02  # seconds' worth of bytes that may go at once after a rest


class Pace:
    """At most `rate` bytes per second, for any number of threads: each byte has its time, and whoever moves it waits for that."""

    def __init__(self, rate: float) -> None:
        if rate <= 0:
            raise InvalidValueError(f"{rate:g} bytes per second is not possible", hint="use more than 0")
        self.rate = rate
        self.reset()

    def reset(self) -> None:
        """Begin anew, in a forked child, too."""
        self._lock = threading.Lock()
        self._next = 0.0

    def __reduce__(self) -> tuple[object, ...]:
        return shared_pace, (self.rate,)  # a job that moves to another process keeps to the pace of that

    def slot(self, count: int, now: float) -> float:
        """When so many bytes may have moved. Those who ask later come after them."""
        with self._lock:
            self._next = max(self._next, now - AHEAD) + count / self.rate
            return self._next

    def pay(self, count: int) -> None:
        """Block until so many bytes may have moved. Raise `Halted` if the work is given up meanwhile."""
        halt, at = current_halt(), self.slot(count, time.monotonic())
        if (left := at - time.monotonic()) <= 0:
            return
        before = turn("pace")
        while left > 0:
            halt.check()
            time.sleep(min(left, SLICE))
            left = at - time.monotonic()
        turn(before)


class PacedStore:
    """A store whose jobs keep to a pace. All bytes come by: nothing is taken straight from a file."""

    def __init__(self, inner: Store, pace: Pace) -> None:
        self.inner, self.pace = inner, pace
        self.url, self.near, self.durable = inner.url, inner.near, inner.durable

    async def head(self, key: str) -> ObjectMeta:
        return await self.inner.head(key)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return _PacedRead(self.inner.read(key, start, stop, etag=etag), self.pace)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return _PacedWrite(self.inner.put(key, size, replace=replace), self.pace)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        return _PacedParts(await self.inner.begin(key, size, part=part, replace=replace), self.pace)

    def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        return self.inner.list(prefix)

    async def delete(self, keys: Sequence[str]) -> None:
        await self.inner.delete(keys)

    async def flush(self, keys: Sequence[str]) -> None:
        await self.inner.flush(keys)

    async def close(self) -> None:
        await self.inner.close()


class _PacedRead(Struct, frozen=True):
    inner: ReadJob
    pace: Pace

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        def paid(piece: memoryview) -> None:
            self.pace.pay(len(piece))
            each(piece)

        self.inner.read(buffer, paid)


class _PacedWrite(Struct, frozen=True):
    inner: WriteJob
    pace: Pace

    @property
    def checks(self) -> str | None:
        return None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        def paid() -> Iterator[Piece]:
            for piece in pieces:
                self.pace.pay(len(piece))
                yield piece

        self.inner.write(paid())

    def copy(self, source: ReadJob) -> bool:
        """What does not come by here costs nothing here."""
        return copied(source.inner if isinstance(source, _PacedRead) else source, self.inner)


class _PacedParts:
    def __init__(self, inner: Write, pace: Pace) -> None:
        self._inner, self._pace = inner, pace

    @property
    def done(self) -> frozenset[tuple[int, int]]:
        return self._inner.done

    def part(self, start: int, stop: int) -> WriteJob:
        return _PacedWrite(self._inner.part(start, stop), self._pace)

    def proof(self, start: int, stop: int) -> Checksum | None:
        return self._inner.proof(start, stop)

    def written(self, start: int, stop: int) -> ReadJob | None:
        job = self._inner.written(start, stop)
        return None if job is None else _PacedRead(job, self._pace)

    async def complete(self) -> None:
        await self._inner.complete()

    async def abort(self) -> None:
        await self._inner.abort()


_paces: dict[float, Pace] = {}
_making = threading.Lock()


def paced_job(job: ReadJob, pace: Pace) -> ReadJob:
    """The same job, whose bytes are paid for."""
    return _PacedRead(job, pace)


def shared_pace(rate: float) -> Pace:
    """The pace of this rate that this process keeps."""
    with _making:
        return _paces.setdefault(rate, Pace(rate))


def _after_fork() -> None:
    global _making
    _making = threading.Lock()  # another thread of the parent may have held it, as the paces' own
    for pace in _paces.values():
        pace.reset()


os.register_at_fork(after_in_child=_after_fork)
