"""Opening: an entry as a file that is read where it lies: what is stored with every leaf verified before it is given out."""

import asyncio
import atexit
import contextlib
import io
import os
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from ..errors import InvalidValueError
from ..manifest.digest import LEAF_SIZE
from ..transfer.reading import Reader, reading
from .portal import group, on_bridge, run
from .readable import Readable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 128 << 10  # of a file object: leaves are at hand, so it spares calls, not requests


class ArtifactFile(io.BufferedReader):
    """One file of an artifact, open for reading in binary mode, with a `name` and a `size`. Nothing is downloaded but the leaves
    (8 MiB) that are read, each of which is verified; what is read in order is read ahead. Where the entry is a reference, all
    that is read is of the one object that it led to when it was opened.

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
            self._reader, self._loop = Reader(self.source.content(), group()), asyncio.get_running_loop()
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
    async with reading(readable.content()) as reader:
        yield AsyncFile(readable, reader)


def sought(offset: int, whence: int, position: int, size: int) -> int:
    """Where a seek leads. Raise ValueError for a place before the start."""
    bases = {os.SEEK_SET: 0, os.SEEK_CUR: position, os.SEEK_END: size}
    if whence not in bases:
        raise InvalidValueError(f"{whence} is no place to seek from", hint="os.SEEK_SET, os.SEEK_CUR or os.SEEK_END")
    if bases[whence] + offset < 0:
        raise InvalidValueError(f"a seek to {bases[whence] + offset}, before the start of the file")
    return bases[whence] + offset
