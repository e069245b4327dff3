"""Opening: an entry as a file that is read where it lies, every leaf verified before its bytes are given out."""

import asyncio
import atexit
import contextlib
import io
import os
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from msgspec import Struct

from ..catalog import Version
from ..errors import InvalidValueError, UsageError
from ..manifest.digest import LEAF_SIZE, Algorithm
from ..manifest.entry import Entry, has_tree_digest
from ..transfer.engine import Engine
from ..transfer.plan import FetchItem, fetch_item, object_key
from ..transfer.reading import Reader, reading
from .documents import tree_algorithm
from .download import reported
from .portal import group, on_bridge, run
from .targets import find_targets, is_target
from .workspace import Workspace

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 128 << 10  # of a file object: leaves are at hand, so it spares calls, not requests


class Readable(Struct, frozen=True):
    """Stored content that can be read: an entry of a version, under the path that the caller knows it by."""

    workspace: Workspace
    version: Version
    path: str
    entry: Entry

    @property
    def size(self) -> int:
        return self.entry.size or 0

    def reader(self, tasks: asyncio.TaskGroup) -> Reader:
        """For the loop that runs; `look` and `close` are the caller's."""
        return Reader(*self._what(), tasks)

    def reading(self) -> contextlib.AbstractAsyncContextManager[Reader]:
        """A reader, for as long as the block runs."""
        return reading(*self._what())

    def reported(self) -> contextlib.AbstractAsyncContextManager[None]:
        """What the block finds damaged or gone is reported to the catalogue."""
        return reported(self.workspace, self.version, {self.path: self.entry})

    def _what(self) -> tuple[Engine, FetchItem, Algorithm]:
        algorithm = tree_algorithm(self.version)
        item = fetch_item(self.path, self.entry, object_key(self.version.entity_id, algorithm, self.entry.digest))
        return self.workspace.engine, item, algorithm


async def find_readable(workspace: Workspace, version: Version, path: str, entry: Entry) -> Readable:
    """What is read where this entry is opened: its content, or that of the entry of another artifact that it refers to. Raise
    `UsageError` for what no store of ours holds."""
    if is_target(entry):
        target = (await find_targets(workspace, {path: entry}))[path]
        version, entry = target.version, target.entry
    if not has_tree_digest(entry):
        where = f"a reference to {entry.ref}" if entry.ref is not None else "known by its MD5 only"
        raise UsageError(f"{path} is {where}; only what is stored can be opened", hint="download it, or open its URI yourself")
    return Readable(workspace, version, path, entry)


class ArtifactFile(io.BufferedReader):
    """One file of an artifact, open for reading in binary mode, with a `name` and a `size`. Nothing is downloaded but the leaves
    (8 MiB) that are read, each of which is verified; what is read in order is read ahead.

    Any thread may use it, also inside a running loop and after a fork; a close returns all memory and ends all requests. Reads
    raise `DigestMismatchError`, `NotFoundError` and other errors of the store that retries did not heal.
    """

    def __init__(self, readable: Readable) -> None:
        self._file = _Raw(readable)
        super().__init__(self._file, BUFFER)

    def __repr__(self) -> str:
        return f"<ArtifactFile {self._file.name} ({self.size} bytes)>"

    @property
    def size(self) -> int:
        """Bytes."""
        return self._file.source.size

    def __del__(self) -> None:
        # The collector runs in any thread, and inside of anything: it must not wait.
        if file := getattr(self, "_file", None):
            file.abandon()


class _Raw(io.RawIOBase):
    """Bytes and a position. The reader lives on the bridge's loop, and begins with the first read: in a forked child anew."""

    mode = "rb"

    def __init__(self, readable: Readable) -> None:
        self.source, self.name = readable, readable.path
        self._position = 0
        self._reader: Reader | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check_open()
        self._position = sought(offset, whence, self._position, self.source.size)
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        self._check_open()
        view = memoryview(buffer).cast("B")
        stop, done = min(self._position + len(view), self.source.size), 0
        while (position := self._position + done) < stop:
            index, offset = divmod(position, LEAF_SIZE)
            piece = self._leaf(index, (stop - 1) // LEAF_SIZE)[offset : offset + stop - position]
            view[done : done + len(piece)] = piece
            done += len(piece)
        self._position += done  # not before: after an error the position is what it was
        return done

    def readall(self) -> bytes:
        whole = bytearray(max(0, self.source.size - self._position))
        self.readinto(whole)
        return bytes(whole)

    def close(self) -> None:
        if not self.closed:
            super().close()
            reader = self._let_go()
            if reader is not None and not on_bridge():
                run(reader.close)
            elif reader is not None:
                reader.abandon()

    def abandon(self) -> None:
        """Close without waiting."""
        loop, reader = self._loop, self._let_go()
        super().close()
        if loop is not None and reader is not None:
            with contextlib.suppress(RuntimeError):  # closed with its process
                loop.call_soon_threadsafe(reader.abandon)

    def _let_go(self) -> Reader | None:
        """The reader, if it is this process's."""
        reader, self._reader, self._loop = self._reader, None, None
        return reader if self._pid == os.getpid() else None

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def _leaf(self, index: int, until: int) -> memoryview:
        if self._pid != os.getpid():
            self._pid, self._reader = os.getpid(), None
        content = None if self._reader is None else self._reader.held(index)
        # At the end of a run of leaves that are at hand, the next ones are to be read ahead.
        if content is None or (self._reader is not None and not self._reader.is_current(index)):
            content = run(lambda: self._asked(index, until))
        return content

    async def _asked(self, index: int, until: int) -> memoryview:
        if self._reader is None:
            self._reader, self._loop = self.source.reader(group()), asyncio.get_running_loop()
            _open.add(self)
            await self._reader.look()
        async with self.source.reported():
            return await self._reader.leaf(index, until)


_open: "weakref.WeakSet[_Raw]" = weakref.WeakSet()


def _close_all() -> None:
    """What is still read ahead when the process ends is of no use."""
    for file in list(_open):
        file.abandon()


# `atexit` comes too late where it can be helped: by then the lanes were waited for, and whatever they still wait for.
_register = getattr(threading, "_register_atexit", atexit.register)
_register(_close_all)


class AsyncFile:
    """One file of an artifact, open for reading on an event loop, for one task at a time; otherwise as `ArtifactFile`."""

    def __init__(self, readable: Readable, reader: Reader) -> None:
        self._readable, self._reader, self._position = readable, reader, 0
        self.name, self.size = readable.path, readable.size

    def __repr__(self) -> str:
        return f"<AsyncFile {self.name} ({self.size} bytes)>"

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, which is returned."""
        self._position = sought(offset, whence, self._position, self.size)
        return self._position

    async def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, all that are left by default; fewer only at the end."""
        stop = self.size if size < 0 else self._position + size
        found = await self.read_range(self._position, stop)
        self._position += len(found)
        return found

    async def read_range(self, start: int, stop: int) -> bytes:
        """The bytes [start, stop), as far as there are such; the position stays."""
        async with self._readable.reported():
            return await self._reader.read(start, stop)


@contextlib.asynccontextmanager
async def opened(readable: Readable) -> AsyncGenerator[AsyncFile]:
    """The file, for as long as the block runs."""
    async with readable.reading() as reader:
        yield AsyncFile(readable, reader)


def sought(offset: int, whence: int, position: int, size: int) -> int:
    """Where a seek leads. Raise ValueError for a place before the start."""
    bases = {os.SEEK_SET: 0, os.SEEK_CUR: position, os.SEEK_END: size}
    if whence not in bases:
        raise InvalidValueError(f"{whence} is no place to seek from", hint="os.SEEK_SET, os.SEEK_CUR or os.SEEK_END")
    if bases[whence] + offset < 0:
        raise InvalidValueError(f"a seek to {bases[whence] + offset}, before the start of the file")
    return bases[whence] + offset
