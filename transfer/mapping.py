"""Bytes of a local file without a copy: mapped, for as long as nobody can cut the file shorter."""

import contextlib
import fcntl
import functools
import mmap
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

# File systems that only this machine writes to, each through its own kernel.
_LOCAL = frozenset(("btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs"))
_POPULATE_READ = 22  # MADV_POPULATE_READ of Linux 5.14: an unreadable block is an error here, and no signal later


@contextlib.contextmanager
def steady(descriptor: int) -> Generator[bool]:
    """Whether nobody can write to the file or cut it shorter while the block runs: who wants to waits for its end, so keep it
    short. It is a lease of the kernel; not to be had where somebody writes already, or other machines might.

    Mapped bytes that a file loses would end the process (SIGBUS); under a lease it cannot lose any."""
    if sys.platform != "linux" or _kind(os.fstat(descriptor).st_dev) not in _LOCAL:
        yield False
        return
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # says that somebody waits; by default nobody listens to it
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def mapped(descriptor: int, start: int, stop: int) -> mmap.mmap | None:
    """Bytes [start, stop) of a file that is `steady`, all of them in memory. `start` is a multiple of a page. None if they cannot
    be had so: reading them tells why."""
    try:
        window = mmap.mmap(descriptor, stop - start, access=mmap.ACCESS_READ, offset=start)
    except (OSError, ValueError):
        return None
    try:
        window.madvise(_POPULATE_READ)
    except OSError:
        window.close()
        return None
    return window


@functools.cache
def _kind(device: int) -> str:
    """The kind of file system with this number, as the kernel calls it; empty if it is not known."""
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    kinds = {line.partition(" - ")[2].split(" ", 1)[0] for line in lines if line.split(" ", 3)[2] == number}
    return kinds.pop() if len(kinds) == 1 else ""
