"""The jobs of a folder store, but those that make an object in one go: reads and parts, under descriptors of their own."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

from msgspec import Struct

from ..errors import AlreadyExistsError, ObjectChangedError, StoreError
from .checksum import Checksum, Piece
from .folder_put import MODE, create, publish, write_all
from .jobs import ReadJob, WriteJob
from .owner import Fate, fate_of, parse_temporary, temporary_name
from .posix import copy_range, disk_errors, start_writeback, store_error
from .threads import in_thread


def etag_of(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


class FolderRead(Struct, frozen=True):
    """A range of a file. Also of one that is in no store: then `key` and `url` only name it in errors."""

    path: str
    key: str
    url: str
    start: int
    stop: int
    etag: str | None = None

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        descriptor = self.open()
        try:
            position = self.start
            while position < self.stop:
                try:
                    count = os.preadv(descriptor, [buffer[: self.stop - position]], position)
                except OSError as error:
                    raise store_error(error, self.key, self.url) from error
                if not count:
                    raise StoreError(f"{self.key} in {self.url} ends at {position}, before {self.stop}")
                each(buffer[:count])
                position += count
            self.check(descriptor)
        finally:
            os.close(descriptor)

    def open(self) -> int:
        """A descriptor of the object, if it is still the one that was meant."""
        with disk_errors(self.key, self.url):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would be waited for
        try:
            self.check(descriptor)
        except ObjectChangedError:
            os.close(descriptor)
            raise
        return descriptor

    def check(self, descriptor: int) -> None:
        """Raise `ObjectChangedError` if it is no longer what was meant: what was read of it may be a mixture."""
        if self.etag is not None and self.etag != etag_of(os.fstat(descriptor)):
            raise ObjectChangedError(self.key, self.url)


@dataclass(slots=True)
class FolderWrite:
    """A file in the making, under a name of this process alone."""

    path: str
    temporary: str
    key: str
    url: str
    size: int
    done: frozenset[tuple[int, int]] = frozenset()
    replace: bool = False
    open: bool = True

    def part(self, start: int, stop: int) -> WriteJob:
        return FolderPart(self.temporary, self.key, self.url, start, stop)

    def proof(self, start: int, stop: int) -> Checksum | None:
        return None

    def written(self, start: int, stop: int) -> ReadJob:
        return FolderRead(self.temporary, self.key, self.url, start, stop)

    async def complete(self) -> None:
        try:
            await in_thread(self._publish)
        except AlreadyExistsError:
            await self.abort()
            raise
        self.open = False

    def _publish(self) -> None:
        with disk_errors(self.key, self.url):
            stat = os.stat(self.temporary)
            if stat.st_size != self.size:
                raise StoreError(f"{self.key}: not all parts were written")
            os.chmod(self.temporary, stat.st_mode & MODE)
            publish(self.temporary, self.path, self.replace)

    async def abort(self) -> None:
        if self.open:
            self.open = False
            await in_thread(self._remove)

    def _remove(self) -> None:
        with disk_errors(self.key, self.url), contextlib.suppress(FileNotFoundError):
            os.unlink(self.temporary)


class FolderPart(Struct, frozen=True):
    path: str
    key: str
    url: str
    start: int
    stop: int
    checks: str | None = None

    def write(self, pieces: Iterable[Piece]) -> None:
        with disk_errors(self.key, self.url):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            write_all(descriptor, pieces, self.start, self.stop, self.key, self.url)
            start_writeback(descriptor, self.start, self.stop)
        finally:
            os.close(descriptor)

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        """The kernel copies, and may share blocks; only from the same place of a file."""
        if start != self.start:
            return False
        with disk_errors(self.key, self.url), _opened(self.path) as descriptor:
            # One at a time: the kernel lets no two write to a file, and who waits for that burns a core which could hash.
            with _alone(descriptor):
                copied = copy_range(source, descriptor, self.start, self.stop)
            start_writeback(descriptor, self.start, self.stop)
            return copied


@contextlib.contextmanager
def _alone(descriptor: int) -> Generator[None]:
    """The only one that opened this file and is here; where there are no locks, perhaps not."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def _opened(path: str) -> Generator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def adopt_or_create(path: str, folder: str, key: str, url: str, size: int, *, replace: bool = False) -> FolderWrite:
    """Go on with the file that a certainly dead writer of the same key left, else start a new one."""
    subject = key.rpartition("/")[2]
    if left := adopted(folder, subject):
        return FolderWrite(path, left, key, url, size, frozenset(_data_ranges(left, size)), replace)
    name = f"{folder}/{temporary_name(subject)}"
    os.close(create(name, MODE | 0o222))
    return FolderWrite(path, name, key, url, size, replace=replace)


def adopted(folder: str, subject: str) -> str | None:
    """What a certainly dead writer of the same subject left, under a name of this process now, to be written; None if nothing."""
    name = f"{folder}/{temporary_name(subject)}"
    for left in leftovers(folder, subject):
        # Another process may adopt it, too: one of the renames wins. What is somebody else's stays where it is.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            # It is read-only already if its writer died just before publishing it.
            os.chmod(f"{folder}/{left}", os.stat(f"{folder}/{left}").st_mode & MODE | 0o200)
            os.rename(f"{folder}/{left}", name)
            return name
    return None


def leftovers(folder: str, subject: str) -> Iterator[str]:
    """Names of what certainly dead writers of this subject left."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        parsed = parse_temporary(name)
        if parsed and parsed[0] == subject and fate_of(parsed[1]) is Fate.GONE:
            yield name


def _data_ranges(path: str, size: int) -> Iterator[tuple[int, int]]:
    """Where the file has bytes; its holes are parts that were never written. It is cut to `size`."""
    with _opened(path) as descriptor:
        stop, end = 0, min(os.fstat(descriptor).st_size, size)
        os.truncate(descriptor, end)
        while stop < end:
            try:
                start = os.lseek(descriptor, stop, os.SEEK_DATA)
            except OSError:  # only a hole is left
                return
            stop = os.lseek(descriptor, start, os.SEEK_HOLE)
            yield start, stop
