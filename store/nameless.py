"""Files without a name until they are whole: what made them may die at any moment, and nothing is left."""

import errno
import os
import sys
from pathlib import Path

_POSSIBLE = sys.platform == "linux" and Path("/proc/self/fd").is_dir()
_CANNOT = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS)  # as file systems and kernels without them put it


def nameless(folder: str, mode: int, *, dir_fd: int | None = None) -> int | None:
    """A descriptor of a new file in the file system of `folder`, to be written and read; None where there are no such files.
    Raise OSError."""
    if sys.platform != "linux" or not _POSSIBLE:
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in _CANNOT:
            return None
        raise


def give_name(descriptor: int, path: str, *, dir_fd: int | None = None) -> None:
    """Let a `nameless` file appear at `path`, in one step. Raise FileExistsError, and change nothing, if something is there;
    OSError."""
    # Only with a folder given does Python ask for links to be followed, as the one of /proc must be. An absolute path needs none.
    os.link(f"/proc/self/fd/{descriptor}", path, dst_dir_fd=descriptor if dir_fd is None else dir_fd, follow_symlinks=True)
