"""Scratch files: what a value makes itself lies here until an artifact with it is logged, or nobody needs the value any more."""

import atexit
import contextlib
import os
import shutil
import tempfile
import weakref


class Scratch:
    """A file of this process. It goes with the object."""

    def __init__(self, suffix: str) -> None:
        descriptor, self.path = tempfile.mkstemp(suffix, dir=_folder())
        os.close(descriptor)
        weakref.finalize(self, _remove, self.path, os.getpid())


_folders: dict[int, str] = {}  # by process: a forked child has its own


def _folder() -> str:
    pid = os.getpid()
    if pid not in _folders:
        _folders[pid] = folder = tempfile.mkdtemp(prefix="lading-media-")
        atexit.register(_remove_folder, folder, pid)
    return _folders[pid]


def _remove(path: str, pid: int) -> None:
    if os.getpid() == pid:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _remove_folder(path: str, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)
