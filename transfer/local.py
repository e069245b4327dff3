"""Local files as the engine sees them: what identifies their content without reading it, and errors that name them."""

import errno
import os
import stat
from types import TracebackType

import msgspec

from ..errors import DiskFullError, FileChangedError, LadingError, LocalFileError
from ..store.posix import FULL


class Stamp(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """As long as none of this differs, the content is taken to be the same. Times in nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int


class LocalFile(msgspec.Struct, frozen=True, gc=False):
    """A regular file and the stamp it had when it was found."""

    path: str
    stamp: Stamp
    executable: bool


def stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def local_file(path: str) -> LocalFile:
    """The file, links followed. Raise `LocalFileError`, also for what is none: to read a pipe could take for ever."""
    with local_errors(path):
        status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileError(f"{path} is no regular file", hint="name a regular file")
    return LocalFile(path, stamp_of(status), bool(status.st_mode & 0o100))


def check_unchanged(path: str, was: Stamp, now: os.stat_result) -> None:
    """Raise `FileChangedError` if size, mtime or inode differ; a chmod or a new link changes only the ctime."""
    if (was.mtime, was.size, was.inode) != (now.st_mtime_ns, now.st_size, now.st_ino):
        raise FileChangedError(path, what="changed")


class local_errors:  # noqa: N801  # reads like the function it could be; as a generator it would cost three times as much
    """Errors of the operating system on a local file become ours, and name it."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, RecursionError):
            raise LocalFileError(f"{self.path}: its folders are nested too deep") from error
        if isinstance(error, OSError) and not isinstance(error, LadingError):
            if isinstance(error, FileNotFoundError):
                raise LocalFileError(
                    f"{self.path}: no such file (it may have vanished meanwhile)", hint="put it back, or leave it out"
                ) from error
            raise local_error(error, self.path) from error


def local_error(error: OSError, path: str) -> LocalFileError:
    if error.errno in FULL:
        return DiskFullError(f"{path}: the disk is full; nothing half-written was left", hint="free some room, and run it again")
    hint = "check its owner and permissions" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else None
    # A name below an open folder, as of a temporary file, says less than the path.
    named = error.filename if isinstance(error.filename, str) and os.path.isabs(error.filename) else path
    return LocalFileError(f"{named}: {error.strerror or error}", hint=hint)
