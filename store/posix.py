"""What Python's `os` lacks for files that must not be half there: rename that never replaces, sync of a file system, reflinks."""

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType

from ..errors import AlreadyExistsError, LadingError, NotFoundError, StoreError, StoreFullError

_libc = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
_FICLONE = 0x40049409
_SYNC_FILE_RANGE_WRITE = 2
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EPERM}
FULL = {errno.ENOSPC, errno.EDQUOT}
FEW = 8  # up to so many files are synced one by one


def rename_new(source: str, target: str) -> None:
    """Rename, or raise FileExistsError and change nothing if there is a `target`."""
    if hasattr(_libc, "renameat2"):
        if not _libc.renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE):
            return
        number = ctypes.get_errno()
        if number not in _CANNOT:
            raise OSError(number, os.strerror(number), target)
    os.link(source, target)
    os.unlink(source)


def sync_below(root: str, paths: Sequence[str]) -> None:
    """These files below `root` survive a power cut. Few are synced one by one, many by one `syncfs`: 0.2 s for 20,000 files where
    single fsyncs take 4 s."""
    if len(paths) <= FEW:
        folders = {folder for path in paths for folder in _folders(root, path)}  # each of them may be new
        for path in (*paths, *sorted(folders, reverse=True)):
            _sync(path)
    else:
        _sync_filesystem(root)


def _folders(root: str, path: str) -> Iterator[str]:
    while len(path) > len(root):
        path = os.path.dirname(path)
        yield path


def _sync_filesystem(path: str) -> None:
    """Everything written to the file system of `path` survives a power cut."""
    if not hasattr(_libc, "syncfs"):
        os.sync()
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if sys.platform == "darwin":
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reflink(source: int, target: int) -> bool:
    """Let the file behind descriptor `target` share all blocks of `source`. False where the file system cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def copy_range(source: int, target: int, start: int, stop: int) -> bool:
    """Copy [start, stop) inside the kernel, to the same place in `target`. False where these file systems cannot; what was
    copied until then does no harm."""
    position = start
    try:
        while position < stop:
            count = os.copy_file_range(source, target, stop - position, position, position)
            if not count:
                break
            position += count
    except AttributeError:  # not on this system
        return False
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    if position < stop:
        raise OSError(errno.EIO, f"the source ends at {position}, before {stop}")
    return True


def start_writeback(descriptor: int, start: int, stop: int) -> None:
    """Ask the kernel to write [start, stop) to the disk from now on, so that a later sync has less to wait for."""
    if hasattr(_libc, "sync_file_range"):
        _libc.sync_file_range(descriptor, ctypes.c_int64(start), ctypes.c_int64(stop - start), _SYNC_FILE_RANGE_WRITE)


class disk_errors:  # noqa: N801  # reads like the function it could be; as a generator it would cost three times as much
    """Errors of the operating system under a folder store become ours. What is ours already is not the store's, and passes."""

    __slots__ = ("key", "url")

    def __init__(self, key: str, url: str) -> None:
        self.key, self.url = key, url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, OSError) and not isinstance(error, LadingError):
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                raise NotFoundError(self.key, self.url) from error
            if isinstance(error, FileExistsError):
                raise AlreadyExistsError(self.key, self.url) from error
            raise store_error(error, self.key, self.url) from error


def store_error(error: OSError, key: str, url: str) -> StoreError:
    if error.errno in FULL:
        return StoreFullError(
            f"{url} is full ({error.strerror}) at {key}", hint="free some room there, or set LADING_STORE to another place"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"{url} may not be written or read: {error.strerror} ({error.filename or key})",
            hint="check the folder's owner and permissions, or set LADING_STORE to a folder of your own",
        )
    return StoreError(f"{url}: {error.strerror or error} ({error.filename or key})")
