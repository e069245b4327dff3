"""Large files on their way into a destination: written under a temporary name that tells whose they are, verified, renamed."""

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Generator
from typing import Protocol

from msgspec import Struct

from ..errors import LocalFileError, StoreError
from ..manifest.digest import Algorithm
from ..store.folder_jobs import FolderRead
from ..store.halt import Halt
from ..store.jobs import ReadJob
from ..store.owner import Fate, fate_of, parse_temporary, temporary_name
from ..store.posix import FULL, copy_range, reflink, start_writeback
from ..store.threads import patiently
from .destination import Destination, set_executable
from .gauges import turn
from .lanes import buffer
from .leaves import hash_range, read_leaves
from .local import Stamp
from .placing import NEW, mode_of, place, write
from .plan import FetchItem, Run

COPY_AT_ONCE = 64 << 20
_OLD = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Ledger(Protocol):
    """What the leaves of a file on its way should hash to."""

    @property
    def known(self) -> bool:
        """Before they arrive; else what arrived is noted, for whoever goes on with the file."""
        ...

    def expected(self, descriptor: int, run: Run) -> list[bytes]:
        """The digests of the run's leaves, in order; nothing for one that is not known yet."""
        ...

    def arrived(self, descriptor: int, run: Run, actual: list[bytes]) -> list[int]:
        """The run lies in the file and hashes to this. Returns the indices of leaves that should not."""
        ...


class Known(Struct, frozen=True):
    """The digests are those of the item."""

    item: FetchItem
    known: bool = True

    def expected(self, descriptor: int, run: Run) -> list[bytes]:
        return self.item.leaf_digests(run.first, run.stop)

    def arrived(self, descriptor: int, run: Run, actual: list[bytes]) -> list[int]:
        expected = self.item.leaf_digests(run.first, run.stop)
        return [run.first + index for index, leaf in enumerate(expected) if actual[index : index + 1] != [leaf]]


class Arrival:
    """A large file in the making, beside its destination. Its leaves may be written by several lanes. Blocking."""

    def __init__(self, item: FetchItem, destination: Destination, ledger: Ledger | None = None) -> None:
        self.item, self.path = item, destination.path(item)
        self.ledger = ledger or Known(item)
        self.held = 0  # up to the last byte that an earlier writer left, or that is shared with the source: to be verified
        self.shared = False
        self._destination = destination
        self._folder = self._descriptor = -1
        self._name = ""
        self._copying = threading.Lock()

    def begin(self, halt: Halt) -> None:
        """Go on with what a certainly dead download of the same content left here, else start anew. Raise `LocalFileError`."""
        name = temporary_name(self.item.digest)
        try:
            with self._destination.folder(self.item.path.rpartition("/")[0]) as folder:
                self._folder = os.dup(folder)
            self._name = name
            if not self._adopt():
                self._descriptor = os.open(name, NEW, mode_of(self.item), dir_fd=self._folder)
                self._copy_unknown(halt)
        except OSError as error:
            raise self._destination.error(error, self.item) from error

    def share(self, source: FolderRead) -> None:
        """Let the file system share all blocks of `source`, where it can; they are still to be verified."""
        if self.held:
            return
        with _opened(source) as descriptor, self._local_errors():
            if reflink(descriptor, self._descriptor):
                self.held, self.shared = os.fstat(self._descriptor).st_size, True

    def holds(self, run: Run, algorithm: Algorithm, halt: Halt) -> bool:
        """Whether the leaves of the run are there already, and right."""
        return run.stop_byte <= self.held and not self._wrong(run, algorithm, halt)

    def fetch(self, run: Run, job: ReadJob, algorithm: Algorithm, halt: Halt) -> list[int]:
        """Write the run's leaves. Returns the indices of those that arrived wrong."""
        start = run.start_byte
        if isinstance(job, FolderRead) and self._copied(job):
            return self._wrong(run, algorithm, halt) if self.ledger.known else []
        actual = read_leaves(
            job, algorithm, halt, lambda piece, offset: write(self._descriptor, piece, self.path, start + offset)
        )
        start_writeback(self._descriptor, start, run.stop_byte)
        with self._local_errors():
            return self.ledger.arrived(self._descriptor, run, actual)

    def replay(self, each: Callable[[memoryview], None], halt: Halt) -> None:
        """Pass all that lies in the file on, in order."""
        view, position = buffer(), 0
        with self._local_errors():
            while position < self.item.size:
                halt.check()
                count = os.preadv(self._descriptor, [view[: self.item.size - position]], position)
                if not count:
                    raise LocalFileError(f"{self.path}: what was written of it ends at {position}", hint="run it again")
                each(view[:count])
                position += count

    def _copied(self, job: FolderRead) -> bool:
        turn("disk")
        with _opened(job) as source:
            if os.fstat(source).st_size < job.stop:
                raise StoreError(f"{job.key} in {job.url} ends before {job.stop}")
            # One at a time: the kernel lets no two write to a file, and who waits for that burns a core which could hash.
            with patiently(self._copying), self._local_errors():
                copied = copy_range(source, self._descriptor, job.start, job.stop)
        start_writeback(self._descriptor, job.start, job.stop)
        return copied

    def _wrong(self, run: Run, algorithm: Algorithm, halt: Halt) -> list[int]:
        with self._local_errors():
            return [
                run.first + index
                for index, leaf in enumerate(self.ledger.expected(self._descriptor, run))
                if not leaf
                or hash_range(self._descriptor, self.path, *run.leaf_bytes(run.first + index), algorithm, halt) != leaf
            ]

    def finish(self, *, replace: bool = True) -> Stamp:
        """Take the place of the file. Raise `AlreadyExistsError` unless it may `replace` what is there."""
        with self._local_errors():
            os.truncate(self._descriptor, self.item.size)
        stamp = place(self._descriptor, self._name, self._folder, self.item, self.path, replace)
        self._name = ""
        return stamp

    def close(self) -> None:
        """Leave nothing but what was finished. Repeatable."""
        name, folder, descriptor = self._name, self._folder, self._descriptor
        self._name, self._folder, self._descriptor = "", -1, -1
        if name:
            with contextlib.suppress(OSError):  # not there, or no longer ours to remove; what failed before says more
                os.unlink(name, dir_fd=folder)
        for opened in (descriptor, folder):
            if opened >= 0:
                os.close(opened)

    def _adopt(self) -> bool:
        """Take over the file of a writer that is certainly dead. Nothing of it is believed before it is verified."""
        for left in self._leftovers(Fate.GONE):
            with contextlib.suppress(FileNotFoundError):  # somebody else adopted it
                os.rename(left, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                self._descriptor = os.open(self._name, _OLD, dir_fd=self._folder)
                set_executable(self._descriptor, self.item.executable)
                self.held = min(os.fstat(self._descriptor).st_size, self.item.size)
                return True
        return False

    def _copy_unknown(self, halt: Halt) -> None:
        """Copy what a writer on another machine or in another container has: it may still write, so its file stays its own."""
        for left in self._leftovers(Fate.UNKNOWN):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                source = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
                try:
                    self._copy_all(source, halt)
                finally:
                    os.close(source)
                return

    def _copy_all(self, source: int, halt: Halt) -> None:
        size = min(os.fstat(source).st_size, self.item.size)
        try:
            while self.held < size:
                halt.check()
                stop = min(self.held + COPY_AT_ONCE, size)
                if not copy_range(source, self._descriptor, self.held, stop):
                    return
                self.held = stop
        except OSError as error:
            if error.errno in FULL:
                raise  # anything else: what is missing will be fetched

    def _leftovers(self, fate: Fate) -> list[str]:
        """Regular files with no other name, by writers of this fate: another name could be somebody's own file."""
        found: list[str] = []
        for name in os.listdir(self._folder):
            parsed = parse_temporary(name)
            if parsed is not None and parsed[0] == self.item.digest and fate_of(parsed[1]) is fate:
                with contextlib.suppress(FileNotFoundError):
                    status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                        found.append(name)
        return found

    @contextlib.contextmanager
    def _local_errors(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise self._destination.error(error, self.item) from error


@contextlib.contextmanager
def _opened(job: FolderRead) -> Generator[int]:
    descriptor = job.open()
    try:
        yield descriptor
        job.check(descriptor)
    finally:
        os.close(descriptor)
