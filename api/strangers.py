"""What lies in a folder and is not in an artifact: found and removed without ever following a link."""

import os
from collections.abc import Iterable, Set
from pathlib import Path


def remove_strangers(root: str, paths: Iterable[str]) -> None:
    """Remove everything below `root` but the files `paths`; a link, even to a folder, is itself a stranger unless it is one of
    them."""
    if not os.path.isdir(root):
        return
    keep = set(paths)
    folders = {path[:end] for path in keep for end in _slashes(path)}
    _clean(root, "", keep, folders)


def _slashes(path: str) -> Iterable[int]:
    end = path.find("/")
    while end > 0:
        yield end
        end = path.find("/", end + 1)


def _clean(folder: str, below: str, keep: Set[str], folders: Set[str]) -> None:
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        path = below + entry.name
        if entry.is_dir(follow_symlinks=False):
            if path in folders:
                _clean(entry.path, f"{path}/", keep, folders)
            else:
                _clean(entry.path, f"{path}/", frozenset(), frozenset())
                os.rmdir(entry.path)
        elif path not in keep:
            os.unlink(entry.path)


def find_strangers(root: str, paths: Iterable[str]) -> list[str]:
    """What `remove_strangers` would remove, folders aside: paths below `root`, sorted."""
    keep, found = set(paths), list[str]()
    for folder, folders, files in os.walk(root):  # not into links
        below = Path(folder).relative_to(root)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found.extend(path for name in (*files, *links) if (path := (below / name).as_posix()) not in keep)
    return sorted(found)
