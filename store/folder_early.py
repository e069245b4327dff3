"""Early writes of a folder store: files that hold, behind the content, the digests of the parts that were written."""

import contextlib
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from .folder_jobs import FolderPart, FolderRead, FolderWrite, adopted, leftovers
from .folder_put import MODE, create
from .jobs import ReadJob, WriteJob
from .owner import temporary_name
from .posix import disk_errors
from .store import Write

_DIGEST = 32


@dataclass(slots=True)
class FolderEarly:
    """A file under a name of this process alone; `path` says where the object of a key is to lie."""

    temporary: str
    source: str
    url: str
    size: int
    path: Callable[[str], str]
    open: bool = True
    pid: int = field(default_factory=os.getpid)  # a forked child has its parent's, too

    @property
    def _said(self) -> str:
        """What errors call it."""
        return f"the copy of {self.source}"

    def part(self, start: int, stop: int) -> WriteJob:
        return FolderPart(self.temporary, self._said, self.url, start, stop)

    def written(self, start: int, stop: int) -> ReadJob:
        return FolderRead(self.temporary, self._said, self.url, start, stop)

    def note(self, number: int, digest: bytes) -> None:
        with self._opened() as descriptor:
            os.pwrite(descriptor, digest, self.size + number * _DIGEST)

    def noted(self, number: int) -> bytes | None:
        with self._opened() as descriptor:
            found = os.pread(descriptor, _DIGEST, self.size + number * _DIGEST)
        return found if len(found) == _DIGEST and any(found) else None

    def whole(self, last: str) -> None:
        folder = os.path.dirname(self.temporary)
        temporary = f"{folder}/{temporary_name(last)}"
        with self._opened() as descriptor:
            os.truncate(descriptor, self.size)
            os.rename(self.temporary, temporary)
        self.temporary = temporary
        for left in leftovers(folder, last):  # nobody needs it any more
            with contextlib.suppress(OSError):
                os.unlink(f"{folder}/{left}")

    def named(self, key: str) -> Write:
        try:
            path = self.path(key)
            with disk_errors(key, self.url):
                os.stat(self.temporary)  # it may have lain here for days: who cleared it away?
        except BaseException:
            self.discard()
            raise
        self.open = False
        return FolderWrite(path, self.temporary, key, self.url, self.size, frozenset({(0, self.size)}))

    def discard(self) -> None:
        if self.open and self.pid == os.getpid():
            self.open = False
            with disk_errors(self._said, self.url), contextlib.suppress(FileNotFoundError):
                os.unlink(self.temporary)

    @contextlib.contextmanager
    def _opened(self) -> Generator[int]:
        with disk_errors(self._said, self.url):
            descriptor = os.open(self.temporary, os.O_RDWR | os.O_CLOEXEC)
            try:
                yield descriptor
            finally:
                os.close(descriptor)


def begin_early(folder: str, subject: str, source: str, url: str, size: int, path: Callable[[str], str]) -> FolderEarly:
    """Go on with what a certainly dead writer of the same left in `folder`, else start anew. Blocks."""
    if left := adopted(folder, subject):
        return FolderEarly(left, source, url, size, path)
    temporary = f"{folder}/{temporary_name(subject)}"
    os.close(create(temporary, MODE | 0o222))
    return FolderEarly(temporary, source, url, size, path)
