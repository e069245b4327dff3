"""The two sides of a copy: files of this machine, or a store; what lies there, and the jobs that read it."""

import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

from msgspec import Struct

from ..errors import LocalFileError, NotFoundError
from ..store.folder_jobs import FolderRead, etag_of
from ..store.jobs import ReadJob
from ..store.listing import PAGE, listed
from ..store.owner import PREFIX
from ..store.store import ObjectMeta
from .driver import persist
from .engine import Engine
from .local import LocalFile, local_errors
from .locations import Location
from .pairs import Found
from .progress import Meter
from .scan import walk

T = TypeVar("T")
HERE = "this machine"
Names = AsyncGenerator[list[tuple[str, Found]]]
Chosen = Callable[[str], bool]


class Readable(Protocol):
    """Where what was found can be read."""

    def job(self, found: Found, start: int, stop: int) -> ReadJob:
        """The job that reads [start, stop) of what was found, if it is still the same."""
        ...


class Side(Readable, Protocol):
    """Where files or objects lie."""

    async def one(self, key: str) -> Found | None:
        """What lies exactly there; None if nothing does, or a folder."""
        ...

    async def is_folder(self, key: str) -> bool: ...

    def below(self, location: Location, chosen: Chosen) -> Names:
        """Pages of (name below the folder, or below the root of a wild location; what is there), for names that are chosen.
        Raise if something cannot be seen: a listing that ends is complete."""
        ...

    async def there(self, folder: str, chosen: Chosen) -> dict[str, Found]:
        """All that lies below a folder that may be missing, as a destination sees it: by name."""
        ...

    def place(self, folder: str) -> str:
        """A folder as one spelling, to compare two of them; with a slash at its end, or empty."""
        ...


class Here:
    """Files of this machine. Links are followed where it is read, and never where it is written."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def one(self, key: str) -> Found | None:
        return await self.engine.lanes.run(lambda halt: _file(key))

    async def is_folder(self, key: str) -> bool:
        return await self.engine.lanes.run(lambda halt: os.path.isdir(key))

    async def below(self, location: Location, chosen: Chosen) -> Names:
        folder = (location.root if location.wild else location.folder) or "./"
        found = walk(folder.rstrip("/") or "/", lambda name: not name.endswith("/") and not chosen(name))
        while page := await self.engine.lanes.run(lambda halt: _take(found)):
            yield page

    async def there(self, folder: str, chosen: Chosen) -> dict[str, Found]:
        def look() -> dict[str, Found]:
            with local_errors(folder):
                return {name: found for name, found in _present(folder or "./", "") if chosen(name)}

        return await self.engine.lanes.run(lambda halt: look())

    def job(self, found: Found, start: int, stop: int) -> FolderRead:
        return FolderRead(found.key, found.key, HERE, start, stop, found.etag)

    def place(self, folder: str) -> str:
        return f"{os.path.realpath(folder or '.')}/".replace("//", "/")


def _file(path: str) -> Found | None:
    with local_errors(path):
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileError(f"{path} is neither a file nor a folder", hint="name a regular file")
    return Found(path, status.st_size, etag_of(status), status.st_mtime, bool(status.st_mode & 0o100))


def _take(walked: Iterator[tuple[str, LocalFile]]) -> list[tuple[str, Found]]:
    page: list[tuple[str, Found]] = []
    for name, file in walked:
        stamp = file.stamp
        etag = f"{stamp.inode}-{stamp.size}-{stamp.mtime}"  # as `etag_of` has it
        page.append((name, Found(file.path, stamp.size, etag, stamp.mtime / 1e9, file.executable)))
        if len(page) == PAGE:
            break
    return page


def _present(folder: str, below: str) -> Iterator[tuple[str, Found]]:
    """What a destination has. A link is what it is, and not what it leads to."""
    try:
        with os.scandir(folder + below) as entries:
            found = list(entries)
    except FileNotFoundError:
        return
    for entry in found:
        name = below + entry.name
        if entry.name.startswith(PREFIX):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _present(folder, f"{name}/")
        elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
            status = entry.stat(follow_symlinks=False)
            yield name, Found(entry.path, status.st_size, "", status.st_mtime)


class There:
    """Objects of a store."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self.engine, self.store, self.listed = engine, engine.store, location.is_listed

    async def one(self, key: str) -> Found | None:
        if not key and self.listed:
            return None
        try:
            return _found(await self._persist(lambda: self.store.head(key)))
        except NotFoundError:
            return None

    async def is_folder(self, key: str) -> bool:
        return False  # in a store, only the slash says so

    async def below(self, location: Location, chosen: Chosen) -> Names:
        cut = len(location.root if location.wild else location.folder)
        async for page in listed(self.store, location.literal if location.wild else location.folder, self._persist):
            named = [(found.key[cut:], found) for found in map(_found, page) if not found.key.endswith("/")]
            yield [(name, found) for name, found in named if chosen(name)]

    async def there(self, folder: str, chosen: Chosen) -> dict[str, Found]:
        present: dict[str, Found] = {}
        async for page in listed(self.store, folder, self._persist):
            named = ((meta.key[len(folder) :], meta) for meta in page)
            present.update((name, _found(meta)) for name, meta in named if name and not name.endswith("/") and chosen(name))
        return present

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        return await persist(call, retry=self.engine.retry, meter=Meter())

    def job(self, found: Found, start: int, stop: int) -> ReadJob:
        return self.store.read(found.key, start, stop, etag=found.etag or None)

    def place(self, folder: str) -> str:
        return folder


def _found(meta: ObjectMeta) -> Found:
    return Found(meta.key, meta.size, meta.etag, meta.modified, ranges=getattr(meta, "ranges", True))


class Source(Struct, frozen=True):
    """A source that was looked at: one object, or what lies below a folder."""

    location: Location
    alone: Found | None = None


async def look(side: Side, location: Location) -> Source:
    """What the location names: an object goes before a folder of the same name. Raise `NotFoundError`, `LocalFileError`."""
    if location.wild or location.is_folder:
        return Source(location)
    if found := await side.one(location.key):
        return Source(location, found)
    if location.is_listed and (not location.is_local or await side.is_folder(location.key)):
        return Source(location)
    raise missing(location)


def missing(location: Location) -> LocalFileError | NotFoundError:
    """Nothing is there."""
    if location.is_local:
        return LocalFileError(f"{location}: no such file or folder")
    return NotFoundError(str(location), location.address("").rstrip("/"))
