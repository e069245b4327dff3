"""Walking a folder: which files it holds, links followed, what is ignored left out."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ..errors import InvalidValueError, LocalFileError
from ..store.owner import PREFIX
from .local import LocalFile, local_errors, stamp_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".ladingignore"
_LEAVE_OUT = f"leave it out ({IGNORE_FILE}, --ignore, ignore=)"
Ignored = Callable[[str], bool]


def scan(root: str, ignore: Iterable[str] = ()) -> Iterator[tuple[str, LocalFile]]:
    """(path below `root` with `/`, file) of every regular file, folder by folder in sorted order.

    `ignore` holds patterns as in .gitignore; those of a `.ladingignore` in `root` come before them. The ignore file itself and
    lading's own temporary files are left out. Links to files and folders are followed. Raise `LocalFileError` for what cannot be
    read and for a broken link, `InvalidValueError` for a loop of links and for what is neither file nor folder.
    """
    spec = _spec(root, list(ignore))
    yield from walk(root, lambda name: name == IGNORE_FILE or (spec is not None and spec.match_file(name)))


def walk(root: str, ignored: Ignored) -> Iterator[tuple[str, LocalFile]]:
    """As `scan`, without what is `ignored`: it is asked for each path below `root`, that of a folder with a slash at its end."""
    with local_errors(root):
        top = os.stat(root)
        yield from _folder(root, "", ignored, {(top.st_dev, top.st_ino): root})


def _spec(root: str, patterns: list[str]) -> "GitIgnoreSpec | None":
    try:
        with open(os.path.join(root, IGNORE_FILE), encoding="utf-8") as file:
            patterns = file.read().splitlines() + patterns
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise LocalFileError(f"{os.path.join(root, IGNORE_FILE)}: {error}") from error
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise InvalidValueError(f"Invalid ignore pattern: {error}", hint="patterns are those of .gitignore") from error


def _folder(path: str, below: str, ignored: Ignored, above: dict[tuple[int, int], str]) -> Iterator[tuple[str, LocalFile]]:
    with local_errors(path), os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = below + entry.name
        if entry.name.startswith(PREFIX) or ignored(f"{name}/" if _is_folder(entry) else name):
            continue
        try:
            status = entry.stat()
        except OSError as error:
            raise _unreadable(entry, error) from error
        if stat.S_ISREG(status.st_mode):
            yield name, LocalFile(entry.path, stamp_of(status), bool(status.st_mode & 0o100))
        elif stat.S_ISDIR(status.st_mode):
            yield from _subfolder(entry.path, f"{name}/", status, ignored, above)
        else:
            raise InvalidValueError(f"{entry.path} is neither a file nor a folder", hint=f"remove it, or {_LEAVE_OUT}")


def _subfolder(
    path: str, below: str, status: os.stat_result, ignored: Ignored, above: dict[tuple[int, int], str]
) -> Iterator[tuple[str, LocalFile]]:
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        raise InvalidValueError(f"{path} is a link back to {above[identity]}: a loop", hint=f"remove it, or {_LEAVE_OUT}")
    yield from _folder(path, below, ignored, {**above, identity: path})


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Links followed; what cannot be looked at is none, for it may be ignored yet."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _unreadable(entry: "os.DirEntry[str]", error: OSError) -> LocalFileError:
    if not isinstance(error, FileNotFoundError):
        return LocalFileError(f"{entry.path}: {error.strerror}", hint=f"{_LEAVE_OUT}, or mend it")
    if entry.is_symlink():
        return LocalFileError(
            f"{entry.path}: a link to {os.readlink(entry.path)!r}, which does not exist", hint=f"remove it, or {_LEAVE_OUT}"
        )
    return LocalFileError(f"{entry.path}: vanished while its folder was being read", hint="run it again")
