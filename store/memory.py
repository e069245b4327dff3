"""The reference store: objects in a dict. It is what the contract suite says, and nothing else."""

import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from weakref import WeakValueDictionary

from msgspec import Struct

from ..errors import AlreadyExistsError, NotFoundError, ObjectChangedError, StoreError
from .checksum import Checksum, Piece, checksum
from .jobs import ReadJob, WriteJob
from .store import PART_SIZE, ObjectMeta, Write

_numbers = itertools.count()
_stores: "WeakValueDictionary[int, MemoryStore]" = WeakValueDictionary()  # jobs are values: they name their store


class MemoryStore:
    """Objects in memory; for tests and for trying things."""

    near, durable = False, True

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.open_writes = 0
        self.lock = threading.Lock()
        self.number = next(_numbers)
        self.url = f"memory://{self.number}"
        _stores[self.number] = self

    def __repr__(self) -> str:
        return f"MemoryStore({len(self.objects)} objects, {self.open_writes} open writes)"

    async def head(self, key: str) -> ObjectMeta:
        data, version = self.get(key)
        return ObjectMeta(key, len(data), str(version), checksum=checksum("crc32", data))

    def get(self, key: str) -> tuple[bytes, int]:
        try:
            return self.objects[key]
        except KeyError:
            raise NotFoundError(key, self.url) from None

    def create(self, key: str, data: bytes, *, replace: bool = False) -> None:
        with self.lock:
            if key in self.objects and not replace:
                raise AlreadyExistsError(key, self.url)
            self.objects[key] = data, next(_numbers)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return _Read(self.number, key, start, stop, etag)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return _Put(self.number, key, size, replace)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        del part
        if key in self.objects and not replace:
            raise AlreadyExistsError(key, self.url)
        self.open_writes += 1
        return _MemoryWrite(self, key, bytearray(size), replace)

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        for key in sorted(self.objects):
            if key.startswith(prefix) and key in self.objects:
                data, version = self.objects[key]
                yield ObjectMeta(key, len(data), str(version))

    async def delete(self, keys: Sequence[str]) -> None:
        with self.lock:
            for key in keys:
                self.objects.pop(key, None)

    async def flush(self, keys: Sequence[str]) -> None:
        del keys

    async def close(self) -> None:
        pass


class _Read(Struct, frozen=True):
    store: int
    key: str
    start: int
    stop: int
    etag: str | None

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        store = _stores[self.store]
        data, version = store.get(self.key)
        if self.etag not in (None, str(version)):
            raise ObjectChangedError(self.key, store.url)
        _deliver(data, self.start, self.stop, buffer, each, self.key)


def _deliver(data: Piece, start: int, stop: int, buffer: memoryview, each: Callable[[memoryview], None], name: str) -> None:
    if stop > len(data):
        raise StoreError(f"{name} has {len(data)} bytes, not {stop}")
    for at in range(start, stop, len(buffer)):
        count = min(len(buffer), stop - at)
        buffer[:count] = data[at : at + count]
        each(buffer[:count])


class _Put(Struct, frozen=True):
    store: int
    key: str
    size: int
    replace: bool = False
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        data = b"".join(bytes(piece) for piece in pieces)
        if len(data) != self.size:
            raise StoreError(f"{self.key}: {len(data)} bytes were sent where {self.size} were announced")
        _stores[self.store].create(self.key, data, replace=self.replace)


class _MemoryWrite:
    done: frozenset[tuple[int, int]] = frozenset()

    def __init__(self, store: MemoryStore, key: str, data: bytearray, replace: bool) -> None:
        self.store, self.key, self.data, self.replace, self.open = store, key, data, replace, True

    def part(self, start: int, stop: int) -> WriteJob:
        return _Part(self, start, stop)

    def proof(self, start: int, stop: int) -> Checksum | None:
        return None

    def written(self, start: int, stop: int) -> ReadJob:
        return _Written(self, start, stop)

    async def complete(self) -> None:
        await self.abort()
        self.store.create(self.key, bytes(self.data), replace=self.replace)

    async def abort(self) -> None:
        self.store.open_writes -= self.open
        self.open = False


class _Part(Struct, frozen=True):
    to: _MemoryWrite
    start: int
    stop: int
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        at = self.start
        for piece in pieces:
            if at + len(piece) > self.stop:
                raise StoreError(f"{self.to.key}: more than the announced {self.stop - self.start} bytes were sent")
            self.to.data[at : at + len(piece)] = piece
            at += len(piece)
        if at != self.stop:
            raise StoreError(f"{self.to.key}: {at - self.start} bytes were sent where {self.stop - self.start} were announced")


class _Written(Struct, frozen=True):
    of: _MemoryWrite
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        _deliver(self.of.data, self.start, self.stop, buffer, each, self.of.key)
