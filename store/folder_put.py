"""Objects of a folder store that are made in one go, and what all its writing shares."""

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from ..errors import StoreError
from .checksum import Checksum, Piece
from .nameless import give_name, nameless
from .owner import temporary_name
from .posix import disk_errors, rename_new, store_error

T = TypeVar("T")
# What one call writes. For more at a time the kernel takes its memory in larger pieces, which a virtual machine may have to fetch
# from its host first: a file of 4 GiB then takes twice as long (docs/decisions/003).
_SLICE = 256 << 10
MODE = 0o444  # objects never change; the umask takes its share


class FolderPut(Struct, frozen=True):
    path: str
    temporary: str
    key: str
    url: str
    size: int
    replace: bool = False
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        with disk_errors(self.key, self.url):
            descriptor = None if self.replace else _in(self.temporary, lambda: nameless(self.temporary, MODE))
        if descriptor is None:
            self._write_named(pieces)
            return
        try:
            write_all(descriptor, pieces, 0, self.size, self.key, self.url)
            with disk_errors(self.key, self.url):
                _in(os.path.dirname(self.path), lambda: give_name(descriptor, self.path))
        finally:
            os.close(descriptor)

    def _write_named(self, pieces: Iterable[Piece]) -> None:
        temporary = f"{self.temporary}/{temporary_name('put')}"
        with disk_errors(self.key, self.url):
            descriptor = create(temporary, MODE)
        try:
            try:
                write_all(descriptor, pieces, 0, self.size, self.key, self.url)
            finally:
                os.close(descriptor)
            with disk_errors(self.key, self.url):
                publish(temporary, self.path, self.replace)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def create(path: str, mode: int) -> int:
    """A new file, its folders too."""
    return _in(os.path.dirname(path), lambda: os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))


def publish(temporary: str, path: str, replace: bool) -> None:
    """Let the file be at `path`, in one step. Raise FileExistsError unless it may `replace` what is there."""
    rename = os.replace if replace else rename_new
    _in(os.path.dirname(path), lambda: rename(temporary, path))


def _in(folder: str, work: Callable[[], T]) -> T:
    """Do what needs a folder, which is made if it is missing."""
    try:
        return work()
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return work()


def write_all(descriptor: int, pieces: Iterable[Piece], start: int, stop: int, key: str, url: str) -> None:
    """Errors of writing become ours; those of the pieces' source are not the store's, and pass."""
    position = start
    for piece in pieces:
        if position + len(piece) > stop:
            raise StoreError(f"{key}: more than the announced {stop - start} bytes were sent")
        view, done = memoryview(piece), 0
        try:
            while done < len(view):
                done += os.pwrite(descriptor, view[done : done + _SLICE], position + done)
        except OSError as error:
            raise store_error(error, key, url) from error
        position += len(piece)
    if position != stop:
        raise StoreError(f"{key}: {position - start} bytes were sent where {stop - start} were announced")
