"""A folder as a store: plain files, which appear when they are whole."""

import contextlib
import os
import re
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ..errors import AlreadyExistsError, NotFoundError
from .folder_early import FolderEarly, begin_early
from .folder_jobs import FolderRead, FolderWrite, adopt_or_create, etag_of
from .folder_put import FolderPut
from .jobs import ReadJob, WriteJob
from .owner import fate_of, parse_temporary
from .posix import disk_errors, sync_below
from .store import PART_SIZE, ObjectMeta, Write
from .threads import in_thread
from .unfinished import Unfinished

T = TypeVar("T")
_KEY = re.compile(r"(?!\.{0,2}(?:/|$))[^/\0]+(?:/(?!\.{0,2}(?:/|$))[^/\0]+)*").fullmatch
TEMPORARY = "tmp"  # objects in the making; on the same file system as the objects


class FolderStore:
    """Objects are files below `root`, read-only, with the permissions that the umask leaves."""

    near, durable, portable = True, False, True

    def __init__(self, root: str | Path) -> None:
        self.root = os.path.abspath(root)
        self.url = f"file://{quote(self.root)}"

    def __repr__(self) -> str:
        return f"FolderStore({self.root!r})"

    def path(self, key: str) -> str:
        """The file of a key. Keys come from our own formats; one that climbs out is a bug or an attack."""
        if not _KEY(key):
            raise NotFoundError(key, self.url)
        return f"{self.root}/{key}"

    async def head(self, key: str) -> ObjectMeta:
        return await self._in_thread(lambda: self._head(key), key)

    def _head(self, key: str) -> ObjectMeta:
        status = os.stat(self.path(key))
        if not stat.S_ISREG(status.st_mode):
            raise NotFoundError(key, self.url)
        return _meta(key, status)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return FolderRead(self.path(key), key, self.url, start, stop, etag)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return FolderPut(self.path(key), f"{self.root}/{TEMPORARY}", key, self.url, size, replace)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        del part
        path = self.path(key)

        def start() -> FolderWrite:
            if not replace and os.path.lexists(path):
                raise AlreadyExistsError(key, self.url)
            return adopt_or_create(path, f"{self.root}/{TEMPORARY}", key, self.url, size, replace=replace)

        return await self._in_thread(start, key)

    def begin_early(self, subject: str, source: str, size: int) -> FolderEarly:
        with disk_errors(source, self.url):
            return begin_early(f"{self.root}/{TEMPORARY}", subject, source, self.url, size, self.path)

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        folder = prefix.rpartition("/")[0]
        if folder:
            self.path(folder)  # refuses one that climbs out
        walk = _walk(self.root, folder)
        while batch := await self._in_thread(lambda: _take(walk, prefix, 1000), prefix):
            for meta in batch:
                yield meta

    async def delete(self, keys: Sequence[str]) -> None:
        def remove() -> None:
            for key in keys:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(self.path(key))

        await self._in_thread(remove, "objects")

    async def flush(self, keys: Sequence[str]) -> None:
        await self._in_thread(lambda: sync_below(self.root, [self.path(key) for key in keys]), ", ".join(keys[:3]))

    async def close(self) -> None:
        pass

    async def unfinished(self) -> AsyncIterator[Unfinished]:
        """Its key is not known: the last part of it is."""
        for one in await self._in_thread(lambda: _temporaries(f"{self.root}/{TEMPORARY}"), TEMPORARY):
            yield one

    async def give_up(self, one: Unfinished) -> None:
        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.root}/{TEMPORARY}/{one.name}")

        await self._in_thread(remove, one.name)

    async def _in_thread(self, work: Callable[[], T], key: str) -> T:
        def run() -> T:
            with disk_errors(key, self.url):
                return work()

        return await in_thread(run)


def _meta(key: str, status: os.stat_result) -> ObjectMeta:
    return ObjectMeta(key, status.st_size, etag_of(status), status.st_mtime)


def _temporaries(folder: str) -> list[Unfinished]:
    """By name."""
    found: list[Unfinished] = []
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return found
    for name in names:
        if parsed := parse_temporary(name):
            with contextlib.suppress(FileNotFoundError):  # finished at this moment
                status = os.lstat(f"{folder}/{name}")
                taken = status.st_blocks * 512  # a file of parts has holes
                found.append(Unfinished(parsed[0], name, fate_of(parsed[1]), status.st_mtime, taken))
    return found


def _take(walk: Iterator[ObjectMeta], prefix: str, count: int) -> list[ObjectMeta]:
    batch: list[ObjectMeta] = []
    for meta in walk:
        if meta.key.startswith(prefix):
            batch.append(meta)
            if len(batch) == count:
                break
    return batch


def _walk(root: str, folder: str) -> Iterator[ObjectMeta]:
    """By key: a folder sorts as its name with the slash that follows it."""
    try:
        with os.scandir(f"{root}/{folder}") as found:
            entries = sorted(found, key=lambda entry: f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        key = f"{folder}/{entry.name}" if folder else entry.name
        if key == TEMPORARY:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, key)
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):  # deleted at this moment
                yield _meta(key, entry.stat(follow_symlinks=False))
