"""Everything that fsspec knows: `az://`, `hf://`, `memory://` …, through its file systems."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote

from msgspec import Struct

from ...errors import LadingError, NotFoundError, ObjectChangedError, StoreDeniedError, StoreError, StoreUnavailableError
from ...manifest.entry import Entry
from ...store.halt import current_halt
from ...store.jobs import ReadJob, WriteJob
from ...store.store import PART_SIZE, ObjectMeta, Write
from .handler import Context, Listed, Opened, Pages, changed, check_size

T = TypeVar("T")
_PAGE = 1000
_PIECE = 4 << 20  # bytes that one read asks for
_TAGS = ("etag", "ETag", "e_tag", "blob_id", "sha256", "md5", "content_md5", "generation", "version")
_TIMES = ("mtime", "last_modified", "LastModified", "modified", "created")
# Services of the public Internet. Of any other scheme nobody here knows whether it leads to this machine or a private network.
_PUBLIC = frozenset(("abfs", "abfss", "adl", "az", "box", "dropbox", "gcs", "gdrive", "hf", "oci", "oss", "s3a"))
_AZURE = ".core.windows.net"  # the hosts that an `abfs://container@host` may name: to any other it would take our credentials
# What wraps another file system, or is this machine's own under another name.
_LEFT_OUT = frozenset(
    (
        *("asynclocal", "async_wrapper", "blockcache", "cached", "data", "dir", "file", "filecache", "generic", "libarchive"),
        *("local", "reference", "simplecache", "tar", "zip"),
    )
)


def system_for(scheme: str, context: Context) -> "System | None":
    """The handler of a scheme that fsspec knows and whose file system is installed; None for any other."""
    fsspec: Any = import_module("fsspec")
    if scheme in _LEFT_OUT or scheme not in fsspec.available_protocols():
        return None
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError:
        return None
    return System(scheme, kind, context)


class System:
    """One of fsspec's file systems. What it says of an object beside the name is its digest: an ETag, a hash, a time."""

    def __init__(self, scheme: str, kind: Any, context: Context) -> None:
        self._scheme, self._kind, self._context = scheme, kind, context

    def name(self, uri: str) -> str:
        return unquote(uri.rstrip("/").rpartition("/")[2])

    def unchecked(self, uri: str) -> Entry:
        return Entry(uri, ref=uri)

    async def one(self, uri: str) -> Listed | None:
        store = self._store(uri)
        try:
            info = await self._context.persist(lambda: store.info(store.path))
        except NotFoundError:
            return None
        return Listed(self.name(uri), _entry(uri, info)) if info.get("type") == "file" else None

    async def below(self, uri: str) -> Pages:
        """fsspec gives a listing as a whole."""
        store = self._store(uri)
        found = iter((await self._context.persist(store.find)).items())
        root = uri.rstrip("/")
        while page := list(itertools.islice(found, _PAGE)):
            named = [(path[len(store.path.rstrip("/")) :].lstrip("/"), info) for path, info in page if not path.endswith("/")]
            yield [Listed(name, _entry(f"{root}/{name}", info)) for name, info in named]

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        store = self._store(uri)
        info = await self._context.persist(lambda: store.info(store.path))
        actual = _tag(info)
        if entry.digest != uri and actual != entry.digest:
            raise changed(uri, entry.digest, actual or "nothing that tells")
        size = info.get("size")
        if not isinstance(size, int):
            raise StoreError(f"{uri} does not say its size", hint="download it by other means, and add the file")
        check_size(uri, entry, size)
        place = self._store("/".join(uri.split("/", 3)[:3]))  # whose limits all its files share

        def job(start: int, stop: int) -> ReadJob:
            return store.read(store.path, start, stop, etag=actual or None)

        # What nothing pins comes in one stream, and is not gone on with: it could become a mixture.
        return Opened(place, size, job, actual or secrets.token_hex(8), ranges=bool(actual))

    async def check_public(self, uri: str) -> None:
        _, at, host = uri.split("/", 3)[2].rpartition("@")
        if self._scheme not in _PUBLIC or (at and not host.endswith(_AZURE)):
            raise StoreDeniedError(f"{uri} may lie on this machine or in a private network")

    def _store(self, uri: str) -> "SystemStore":
        return SystemStore(self._kind, uri)


class SystemStore:
    """A place in a file system of fsspec as a store that can be read."""

    near, durable = False, True

    def __init__(self, kind: Any, uri: str) -> None:
        # By the class itself, and not by fsspec's own opener, which would let `::` in the URI lead to another file system.
        self.url, self._kind = uri, kind
        self.path: str = kind._strip_protocol(uri)
        self.options: dict[str, Any] = kind._get_kwargs_from_urls(uri)

    async def info(self, path: str) -> dict[str, Any]:
        """What the file system says of a path. Raise `NotFoundError`."""
        return await self._in_thread(lambda: dict(_system(self._kind, self.options).info(path)), path)

    async def find(self) -> dict[str, dict[str, Any]]:
        """All files below, by path."""
        return await self._in_thread(lambda: dict(_system(self._kind, self.options).find(self.path, detail=True)), self.path)

    async def _in_thread(self, work: Callable[[], T], path: str) -> T:
        try:
            return await asyncio.to_thread(work)
        except Exception as error:  # each file system raises its own
            raise _error(error, path, self.url) from error

    async def head(self, key: str) -> ObjectMeta:
        info = await self.info(key)
        return ObjectMeta(key, int(info.get("size") or 0), _tag(info))

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return SystemRead(self._kind, self.options, key, self.url, start, stop, etag)

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        for path, info in sorted((await self.find()).items()):
            if path.startswith(prefix):
                yield ObjectMeta(path, int(info.get("size") or 0), _tag(info))

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        self._refuse()

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        self._refuse()

    async def delete(self, keys: Sequence[str]) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StoreError(f"{self.url} is read, and never written", hint="use an s3:// or gs:// URL")

    async def flush(self, keys: Sequence[str]) -> None:
        pass

    async def close(self) -> None:
        pass


class SystemRead(Struct, frozen=True):
    """[start, stop) of one file, if it still is what `etag` says."""

    kind: Any
    options: Mapping[str, Any]
    key: str
    url: str
    start: int
    stop: int
    etag: str | None = None

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        try:
            self._read(buffer, each)
        except LadingError:
            raise
        except Exception as error:  # each file system raises its own
            raise _error(error, self.key, self.url) from error

    def _read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        halt, left, system = current_halt(), self.size, _system(self.kind, self.options)
        if self.etag is not None and _tag(system.info(self.key)) != self.etag:
            raise ObjectChangedError(self.key, self.url)
        while left:  # by single reads: a file that is open some systems share among threads
            halt.check()
            start = self.stop - left
            data = memoryview(system.cat_file(self.key, start, min(start + _PIECE, self.stop)))
            if not data:
                raise StoreError(f"{self.url} ends {left} bytes before its end")
            left -= len(data)
            for at in range(0, len(data), len(buffer)):
                some = data[at : at + len(buffer)]
                buffer[: len(some)] = some
                each(buffer[: len(some)])


def _system(kind: Any, options: Mapping[str, Any]) -> Any:
    """fsspec keeps instances; what they remember of listings would be what was."""
    return kind(**options, use_listings_cache=False)


def _error(error: Exception, path: str, url: str) -> LadingError:
    if isinstance(error, LadingError):
        return error
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFoundError(path, url)
    if isinstance(error, PermissionError):
        return StoreDeniedError(f"{url}: {error}")
    if isinstance(error, TimeoutError | ConnectionError):
        return StoreUnavailableError(f"{url}: {error}")
    return StoreError(f"{url}: {type(error).__name__}: {error}")


def _tag(info: Mapping[str, Any]) -> str:
    """What tells one state of a file from the next; "" if nothing does."""
    for name in _TAGS:
        if info.get(name):
            return str(info[name]).strip('"')
    for name in _TIMES:
        if info.get(name):
            time = info[name]  # which one and the same file system states in two ways
            return f"{info.get('size')}-{time.timestamp() if isinstance(time, datetime) else time}"
    return ""


def _entry(uri: str, info: Mapping[str, Any]) -> Entry:
    tag, size = _tag(info), info.get("size")
    return Entry(tag or uri, size if isinstance(size, int) else None, uri, extra={"etag": tag} if tag else {})
