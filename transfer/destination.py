"""A folder that files are downloaded into, and never out of: its folders are opened one by one, links refused."""

import contextlib
import errno
import os
import stat
from collections.abc import Generator, Sequence

from msgspec import Struct, field

from ..errors import LadingError, LocalFileError
from ..manifest.paths import check_path
from ..store.owner import Fate, fate_of, parse_temporary
from .local import LocalFile, local_error, stamp_of
from .plan import FetchItem

SMALL_SUBJECT = 16  # of a temporary name: so much of its digest says a small file, all of it a large one
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Survey(Struct, frozen=True):
    """What is at a destination: files whose size fits (their content may), and items for which there is nothing of use."""

    candidates: dict[str, LocalFile] = field(default_factory=dict[str, LocalFile])  # by item path
    missing: list[FetchItem] = field(default_factory=list[FetchItem])


class Destination:
    """The folder `root`, which may itself be reached through links. Blocking; any thread may use it."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)

    def path(self, item: FetchItem) -> str:
        return f"{self.root}/{item.path}"

    def make(self) -> None:
        """Make the folder if it is not there. Raise `LocalFileError`."""
        try:
            os.makedirs(self.root, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise LocalFileError(
                f"{self.root}: a file or a broken link is where a folder belongs", hint="name another folder"
            ) from error
        except OSError as error:
            raise local_error(error, self.root) from error

    @contextlib.contextmanager
    def folder(self, below: str, *, make: bool = True) -> Generator[int]:
        """A descriptor of the folder `below` the root ("" is the root). Raise FileNotFoundError if it is not there and not to be
        made, `LocalFileError` where a link or a file is in the way."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in below.split("/") if below else ():
                inner = self._step(descriptor, name, below, make)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _step(self, above: int, name: str, below: str, make: bool) -> int:
        if name in ("", ".", ".."):
            raise LocalFileError(f"{below!r} is no folder below {self.root}")
        try:
            return os.open(name, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=above)
            return self._step(above, name, below, make=False)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise LocalFileError(
                f"{self.root}/{below}: {name!r} is a link or a file where a folder belongs",
                hint="move it away, or choose another place",
            ) from error

    def survey(self, items: Sequence[FetchItem]) -> Survey:
        """Look what is there. Nothing is written, but what certainly dead fetches left of small files goes. Raise
        `LocalFileError` for a link or a file where a folder belongs, or a folder where a file does, and `ManifestError` for a
        path that is not one of an artifact."""
        for item in items:
            check_path(item.path)
        found = Survey()
        start = 0
        while start < len(items):
            below = items[start].path.rpartition("/")[0]
            stop = start
            while stop < len(items) and items[stop].path.rpartition("/")[0] == below:
                stop += 1
            try:
                with self.folder(below, make=False) as descriptor:
                    sweep(descriptor)
                    for item in items[start:stop]:
                        self._survey_file(item, descriptor, found)
            except FileNotFoundError:
                found.missing.extend(items[start:stop])
            except OSError as error:
                raise self.error(error, items[start]) from error
            start = stop
        return found

    def _survey_file(self, item: FetchItem, folder: int, found: Survey) -> None:
        name = item.path.rpartition("/")[2]
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            found.missing.append(item)
            return
        if stat.S_ISDIR(status.st_mode):
            raise LocalFileError(f"{self.root}/{item.path} is a folder where the artifact has a file", hint="move it away")
        if stat.S_ISREG(status.st_mode) and status.st_size == item.size:
            executable = bool(status.st_mode & 0o100)
            found.candidates[item.path] = LocalFile(f"{self.root}/{item.path}", stamp_of(status), executable)
        else:
            found.missing.append(item)

    def set_executable(self, items: Sequence[FetchItem]) -> None:
        """Let the files have the execute bits that their entries ask for."""
        for item in items:
            self._set_executable(item)

    def _set_executable(self, item: FetchItem) -> None:
        below, _, name = item.path.rpartition("/")
        try:
            with self.folder(below) as folder:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                try:
                    set_executable(descriptor, item.executable)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise self.error(error, item) from error

    def error(self, error: OSError, item: FetchItem) -> LadingError:
        """What went wrong with the file of this item, in our words."""
        return error if isinstance(error, LadingError) else local_error(error, self.path(item))


def sweep(folder: int) -> None:
    """Remove what certainly dead processes left of small files. What they left of large ones is of use to who fetches those."""
    for name in os.listdir(folder):
        parsed = parse_temporary(name)
        if parsed is not None and len(parsed[0]) == SMALL_SUBJECT and fate_of(parsed[1]) is Fate.GONE:
            with contextlib.suppress(OSError):  # somebody else was faster, or it is not ours to remove
                os.unlink(name, dir_fd=folder)


def set_executable(descriptor: int, executable: bool) -> None:
    """Who may read may execute, or nobody may."""
    mode = os.fstat(descriptor).st_mode & 0o7777
    wanted = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    if wanted != mode:
        os.fchmod(descriptor, wanted)
