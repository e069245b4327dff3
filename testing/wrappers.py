"""Stores around a store: one fails on demand, one is slow, one remembers its calls. The same for tests and benchmarks."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ..store.checksum import Checksum, Piece
from ..store.jobs import ReadJob, WriteJob
from ..store.store import PART_SIZE, ObjectMeta, Store, Write


class StoreAround:
    """Passes everything on. Override what differs: calls through `before`, jobs through `wrap_read` and `wrap_write`."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.url, self.near, self.durable = inner.url, inner.near, inner.durable

    async def before(self, call: str, key: str) -> None:
        """Called before each control call: head, begin, complete, abort, list, delete, flush."""

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        del key
        return job

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        del key
        return job

    async def head(self, key: str) -> ObjectMeta:
        await self.before("head", key)
        return await self.inner.head(key)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return self.wrap_read(self.inner.read(key, start, stop, etag=etag), key)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return self.wrap_write(self.inner.put(key, size, replace=replace), key)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        await self.before("begin", key)
        return _WriteAround(await self.inner.begin(key, size, part=part, replace=replace), self, key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        await self.before("list", prefix)
        async for meta in self.inner.list(prefix):
            yield meta

    async def delete(self, keys: Sequence[str]) -> None:
        await self.before("delete", ",".join(keys))
        await self.inner.delete(keys)

    async def flush(self, keys: Sequence[str]) -> None:
        await self.before("flush", ",".join(keys[:1]))
        await self.inner.flush(keys)

    async def close(self) -> None:
        await self.inner.close()


class _WriteAround:
    def __init__(self, inner: Write, store: StoreAround, key: str) -> None:
        self.inner, self.store, self.key = inner, store, key
        self.done = inner.done

    def part(self, start: int, stop: int) -> WriteJob:
        return self.store.wrap_write(self.inner.part(start, stop), self.key)

    def proof(self, start: int, stop: int) -> Checksum | None:
        return self.inner.proof(start, stop)

    def written(self, start: int, stop: int) -> ReadJob | None:
        job = self.inner.written(start, stop)
        return job and self.store.wrap_read(job, self.key)

    async def complete(self) -> None:
        await self.store.before("complete", self.key)
        await self.inner.complete()

    async def abort(self) -> None:
        await self.store.before("abort", self.key)
        await self.inner.abort()


@dataclass(slots=True)
class Fault:
    """What goes wrong once: an `error`, raised when a job has moved `after` bytes or has come to its end, or a flipped bit."""

    call: str  # a control call, "read" or "write"
    error: Exception | None = None
    flip: bool = False
    key: str = ""  # only calls whose key contains this
    after: int = 0


class FaultyStore(StoreAround):
    """Fails as told, each fault once and in order. `unused` holds those that were never met: assert that it is empty."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.unused: deque[Fault] = deque()
        self._lock = threading.Lock()  # jobs run in lanes

    def fail(self, call: str, error: Exception, *, times: int = 1, key: str = "", after: int = 0) -> None:
        self.unused.extend(Fault(call, error, key=key, after=after) for _ in range(times))

    def flip(self, *, times: int = 1, key: str = "") -> None:
        """Deliver a wrong bit in the next reads."""
        self.unused.extend(Fault("read", flip=True, key=key) for _ in range(times))

    def next(self, call: str, key: str) -> Fault | None:
        with self._lock:
            for fault in self.unused:
                if fault.call == call and fault.key in key:
                    self.unused.remove(fault)
                    return fault
            return None

    async def before(self, call: str, key: str) -> None:
        fault = self.next(call, key)
        if fault and fault.error:
            raise fault.error

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        return _FaultyRead(job, self, key)

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return _FaultyWrite(job, self, key)


class _FaultyRead(Struct, frozen=True):
    inner: ReadJob
    store: FaultyStore
    key: str

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        fault, done = self.store.next("read", self.key), 0
        if fault and fault.error and not fault.after:
            raise fault.error

        def spoil(piece: memoryview) -> None:
            nonlocal done
            if fault and fault.error and done >= fault.after:
                raise fault.error
            if fault and fault.flip and not done:
                piece[0] ^= 1
            done += len(piece)
            each(piece)

        self.inner.read(buffer, spoil)
        if fault and fault.error:
            raise fault.error


class _FaultyWrite(Struct, frozen=True):
    inner: WriteJob
    store: FaultyStore
    key: str
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False  # the bytes must come by for a fault to hit them

    def write(self, pieces: Iterable[Piece]) -> None:
        fault = self.store.next("write", self.key)

        def some() -> Iterator[Piece]:
            done = 0
            for piece in pieces:
                if fault and fault.error and done >= fault.after:
                    raise fault.error
                yield piece
                done += len(piece)
            if fault and fault.error:
                raise fault.error

        if fault and fault.error and not fault.after:
            raise fault.error
        self.inner.write(some())


class SlowStore(StoreAround):
    """A link with `delay` seconds per call and `rate` bytes per second in each job."""

    def __init__(self, inner: Store, *, delay: float = 0.0, rate: float = float("inf")) -> None:
        super().__init__(inner)
        self.near = False
        self.delay, self.rate = delay, rate

    async def before(self, call: str, key: str) -> None:
        await asyncio.sleep(self.delay)

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        return _SlowRead(job, self.delay, self.rate)

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return _SlowWrite(job, self.delay, self.rate)


class _SlowRead(Struct, frozen=True):
    inner: ReadJob
    delay: float
    rate: float

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        time.sleep(self.delay)

        def wait(piece: memoryview) -> None:
            time.sleep(len(piece) / self.rate)
            each(piece)

        self.inner.read(buffer, wait)


class _SlowWrite(Struct, frozen=True):
    inner: WriteJob
    delay: float
    rate: float
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        time.sleep(self.delay)

        def wait() -> Iterator[Piece]:
            for piece in pieces:
                time.sleep(len(piece) / self.rate)
                yield piece

        self.inner.write(wait())


class Call(Struct, frozen=True):
    """One call or job. Reads of an object also say which range."""

    name: str
    key: str
    start: int = 0
    stop: int = 0


class TracedStore(StoreAround):
    """Remembers its calls and jobs, in the order in which they were made."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []

    def keys(self, name: str) -> list[str]:
        return [call.key for call in self.calls if call.name == name]

    async def before(self, call: str, key: str) -> None:
        self.calls.append(Call(call, key))

    def ranges(self, key: str = "") -> list[tuple[int, int]]:
        """What was read of the objects whose key contains `key`."""
        return [(call.start, call.stop) for call in self.calls if call.name == "read" and key in call.key]

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        self.calls.append(Call("read", key, start, stop))
        return super().read(key, start, stop, etag=etag)

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        self.calls.append(Call("write", key))
        return job
