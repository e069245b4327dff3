"""The narrow interface that every store implements, and the small conveniences over it."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from ..errors import StoreError
from .checksum import Checksum
from .jobs import ReadJob, WriteJob
from .threads import in_thread

PART_SIZE = 16 << 20  # what one request moves, as a rule
SMALL_OBJECT = 64 << 20  # what `read_bytes` is willing to hold in memory


class ObjectMeta(Struct, frozen=True):
    """What a store says of an object. `etag` differs after the object was replaced; `modified` is in seconds since 1970, None
    where nobody knows; `checksum` is that of the whole content, as far as the store states one (`head` asks for it, a listing
    need not)."""

    key: str
    size: int
    etag: str
    modified: float | None = None
    checksum: Checksum | None = None


class Write(Protocol):
    """A large object in the making, seen by nobody until `complete`."""

    @property
    def done(self) -> frozenset[tuple[int, int]]:
        """Ranges [start, stop) that an earlier, dead writer of the same content left; whoever uses them verifies them first."""
        ...

    def part(self, start: int, stop: int) -> WriteJob:
        """The job that writes [start, stop). Parts may be run in any order, at the same time, and again."""
        ...

    def proof(self, start: int, stop: int) -> Checksum | None:
        """What the store itself says of a range that is `done`, if it does."""
        ...

    def written(self, start: int, stop: int) -> ReadJob | None:
        """The job that reads [start, stop) of what was written so far; None where that cannot be read before `complete`."""
        ...

    async def complete(self) -> None:
        """Make the object visible, whole. Raise `AlreadyExistsError` if the key was taken meanwhile; then nothing is left. After
        `StoreUnavailableError` it may be called again."""
        ...

    async def abort(self) -> None:
        """Leave nothing. Repeatable."""
        ...


class Store(Protocol):
    """Immutable objects under string keys of `/`-separated names.

    A write is atomic: readers see nothing or the whole object. It is conditional: an object is never overwritten, unless the
    write says `replace=True`: then the new object takes the old one's place at once, and readers see either of them whole. It
    may be lost in a crash until `flush` has returned. Calls are cheap and may be made from any event loop; bulk bytes
    move only in the jobs. Errors of the operating system or the network arrive as `StoreError`s that name the thing.
    """

    @property
    def url(self) -> str: ...

    @property
    def near(self) -> bool:
        """Objects lie on a file system of this machine: reading one costs what reading a local file costs."""
        ...

    @property
    def durable(self) -> bool:
        """What exists is whole for ever. False: it is so only after `flush`, and after a crash an object may hold anything."""
        ...

    async def head(self, key: str) -> ObjectMeta:
        """Raise `NotFoundError` if there is no such object."""
        ...

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        """The job that reads [start, stop). With an `etag` it refuses an object that was replaced since."""
        ...

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        """The job that makes a whole object of exactly `size` bytes in one go; its `write` raises `AlreadyExistsError`, unless it
        is to `replace` what there is."""
        ...

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        """Start an object that is written in parts of `part` bytes, only the last of which may be shorter; or go on with what a
        certainly dead writer of the same began. Raise `AlreadyExistsError` at once where that is known. With `replace` the
        object takes the place of what lies under the key when it is completed, and nothing is raised for it."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        """All objects whose key starts with `prefix`, by key. Writes in the making are not listed."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Missing ones are no error."""
        ...

    async def flush(self, keys: Sequence[str]) -> None:
        """Return when at least these objects survive a power cut."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Portable(Protocol):
    """A store that is no more than an address: pickled, it is the same store in any process of this machine."""

    portable: bool


def is_portable(store: Store) -> bool:
    return isinstance(store, Portable) and store.portable


async def read_bytes(store: Store, key: str) -> bytes:
    """A small object whole. Raise `NotFoundError`; refuse one that is larger than 64 MiB."""
    meta = await store.head(key)
    if meta.size > SMALL_OBJECT:
        raise StoreError(f"{key} in {store.url} has {meta.size} bytes where a small document was expected")
    job, found = store.read(key, 0, meta.size, etag=meta.etag), bytearray()
    buffer = memoryview(bytearray(min(meta.size, 1 << 20) or 1))
    await in_thread(lambda: job.read(buffer, found.extend))
    return bytes(found)


async def write_bytes(store: Store, key: str, data: bytes) -> None:
    """A small object in one go. Raise `AlreadyExistsError`."""
    await in_thread(lambda: store.put(key, len(data)).write((data,)))
