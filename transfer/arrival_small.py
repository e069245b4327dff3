"""Small files on their way into a destination: written where nobody sees them, verified, and named in one step."""

import contextlib
import os
from types import TracebackType

from ..errors import DigestMismatchError
from ..manifest.digest import Algorithm, hasher, leaf_digest
from ..store.halt import Halt
from ..store.jobs import ReadJob
from ..store.nameless import give_name, nameless
from ..store.owner import temporary_name
from .destination import SMALL_SUBJECT
from .gauges import turn
from .lanes import buffer
from .local import Stamp, local_error, stamp_of
from .placing import DAMAGED, NEW, mode_of, place, taken, write
from .plan import FetchItem


def arrive_small(
    item: FetchItem,
    job: ReadJob,
    folder: int,
    algorithm: Algorithm | None,
    halt: Halt,
    path: str,
    *,
    replace: bool = True,
) -> Stamp:
    """Bring a small file into the open `folder`; `path` names it in errors. Without an `algorithm` the item's digest only names
    it. Raise `AlreadyExistsError` unless it may `replace`, `DigestMismatchError`, `LocalFileError` or what the job raises; then
    what was there before is untouched."""
    turn("disk")
    with _Making(item, folder, path) as making:
        leaf = hasher(algorithm) if algorithm else None

        def take(piece: memoryview) -> None:
            halt.check()
            if leaf:
                turn("cpu")
                leaf.update(piece)
            turn("disk")
            write(making.descriptor, piece, path)
            turn("store")

        turn("store")
        job.read(buffer(), take)
        turn("disk")
        if leaf:
            _check_digest(item, leaf.hexdigest())
        return making.finish(replace=replace)


def arrive_whole(item: FetchItem, content: memoryview, folder: int, algorithm: Algorithm, path: str) -> Stamp:
    """The same with all of the content at hand. It is verified before anything is written."""
    turn("cpu")
    _check_digest(item, leaf_digest(algorithm, content).hex())
    turn("disk")
    with _Making(item, folder, path) as making:
        write(making.descriptor, content, path)
        stamp = making.finish(replace=True)
    turn("store")
    return stamp


def _check_digest(item: FetchItem, actual: str) -> None:
    if actual != item.digest:
        raise DigestMismatchError(item.path, expected=item.digest, actual=actual, hint=DAMAGED)


class _Making:
    """A new file in the open `folder`: without a name where the file system has such files, else under a temporary one."""

    __slots__ = ("_folder", "_item", "_path", "_temporary", "descriptor")

    def __init__(self, item: FetchItem, folder: int, path: str) -> None:
        self._item, self._folder, self._path = item, folder, path

    def __enter__(self) -> "_Making":
        self._temporary, mode = "", mode_of(self._item)
        try:
            descriptor = nameless(".", mode, dir_fd=self._folder)
            if descriptor is None:
                self._temporary = temporary_name(self._item.digest[:SMALL_SUBJECT])
                descriptor = os.open(self._temporary, NEW, mode, dir_fd=self._folder)
        except OSError as error:
            raise local_error(error, self._path) from error
        self.descriptor = descriptor
        return self

    def finish(self, *, replace: bool) -> Stamp:
        """Take the place of the file. Raise as `place` does."""
        if not self._temporary:
            try:
                give_name(self.descriptor, self._item.path.rpartition("/")[2], dir_fd=self._folder)
                return stamp_of(os.fstat(self.descriptor))
            except FileExistsError as error:
                if not replace:
                    raise taken(self._item, self._path) from error
            except OSError as error:
                raise local_error(error, self._path) from error
            self._take_temporary()  # only what has a name can take another's place
        stamp = place(self.descriptor, self._temporary, self._folder, self._item, self._path, replace)
        self._temporary = ""
        return stamp

    def _take_temporary(self) -> None:
        name = temporary_name(self._item.digest[:SMALL_SUBJECT])
        try:
            give_name(self.descriptor, name, dir_fd=self._folder)
        except OSError as error:
            raise local_error(error, self._path) from error
        self._temporary = name

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._temporary:
                with contextlib.suppress(OSError):
                    os.unlink(self._temporary, dir_fd=self._folder)
        finally:
            os.close(self.descriptor)
