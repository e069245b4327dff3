"""Leftovers: what was begun and never finished, by whom, and how to clear it away.

A writer that is certainly dead (same boot, same pid namespace, process gone) writes no more: what it left may go at once, and
costs whoever would have gone on with it no more than sending it again. Of any other writer nothing is known from here: what it
began goes only when nothing has happened to it for long. What a living process of this machine has in the making never goes.

Files that an artifact made itself (`new_file`, values) are the only copy until it is logged, and a process that was forked may
outlive the one that made them. They go when their maker is certainly dead and nothing has happened to them for long.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from ..errors import LadingError, LocalFileError
from ..store.journal import Journal, Noted
from ..store.listing import Persist
from ..store.owner import Fate, fate_of, parse_scratch, parse_temporary
from ..store.store import Store
from ..store.threads import in_thread
from ..store.unfinished import KeepsUnfinished, Unfinished, keeps_noted, keeps_unfinished

OLD = 7 * 86400.0  # seconds: what unknown writers began, and left alone for so long, may go


class Leftover(Struct, frozen=True):
    """Something in the making: an "upload" to a store, a "download" beside its destination, or a "file" of an artifact that was
    never logged. `place` is the store's URL or a folder."""

    kind: str
    place: str
    name: str
    fate: Fate
    touched: float | None  # seconds since 1970; None: nobody says
    size: int | None = None  # bytes; None: nobody says
    journalled: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A leftover, and what removes it. `remove` is repeatable and raises `LadingError`."""

    leftover: Leftover
    remove: Callable[[], Awaitable[None]]


class Removal(Struct, frozen=True):
    """What came of removing: bytes are those of which it is known."""

    removed: tuple[Leftover, ...]
    failed: tuple[tuple[Leftover, LadingError], ...]

    @property
    def size(self) -> int:
        return sum(each.size or 0 for each in self.removed)


def may_go(leftover: Leftover, now: float, older_than: float = OLD) -> bool:
    """Whether it may be removed at `now`. See above for the rule."""
    old = leftover.touched is not None and now - leftover.touched > older_than
    if leftover.kind == "file":
        return leftover.fate is Fate.GONE and old
    return leftover.fate is Fate.GONE or (leftover.fate is Fate.UNKNOWN and old)


async def leftovers(
    store: Store | None,
    journal: Journal,
    reopen: Callable[[str], Store],
    folders: Sequence[str],
    scratch: str | None = None,
    *,
    persist: Persist,
) -> AsyncIterator[Found]:
    """What is unfinished: what the journal notes, in whatever store (`reopen` opens one by its URL, with this journal); then what
    lies in this store, also of the living; then downloads below the `folders`, and artifacts' own files in `scratch`. `persist`
    asks the stores, also when something is removed. Raise `StoreError`, `LocalFileError`."""
    noted: set[tuple[str, str]] = set()
    for left in await in_thread(journal.leftovers):
        begun = left.noted.begun
        noted.add((begun.store, begun.upload))
        fate = Fate.GONE if left.certain else Fate.UNKNOWN
        shown = Leftover("upload", begun.store, begun.key, fate, begun.begun, journalled=True)
        yield Found(shown, _removal_of_note(journal, left.noted, reopen, persist))
    if store is not None and keeps_unfinished(store):
        for one in await persist(lambda: _all_in(store)):
            if (store.url, one.name) not in noted:
                yield Found(_unfinished(store.url, one), _removal_in(store, one, persist))
    for folder in folders:
        for each in await in_thread(lambda: list(_below(folder))):  # noqa: B023  # awaited within the round
            yield each
    if scratch is not None:
        for each in await in_thread(lambda: _scratch(scratch)):
            yield each


async def remove(found: Sequence[Found]) -> Removal:
    """Remove these, one after the other; one that cannot be removed keeps none of the others."""
    removed: list[Leftover] = []
    failed: list[tuple[Leftover, LadingError]] = []
    for each in found:
        try:
            await each.remove()
        except LadingError as error:
            failed.append((each.leftover, error))
        else:
            removed.append(each.leftover)
    return Removal(tuple(removed), tuple(failed))


def _unfinished(url: str, one: Unfinished) -> Leftover:
    return Leftover("upload", url, one.key, one.fate, one.touched, one.size)


async def _all_in(store: KeepsUnfinished) -> list[Unfinished]:
    return [one async for one in store.unfinished()]


def _removal_in(store: KeepsUnfinished, one: Unfinished, persist: Persist) -> Callable[[], Awaitable[None]]:
    return lambda: persist(lambda: store.give_up(one))


def _removal_of_note(
    journal: Journal, noted: Noted, reopen: Callable[[str], Store], persist: Persist
) -> Callable[[], Awaitable[None]]:
    async def remove_it() -> None:
        # Ours first: whoever goes on with an upload does the same, and one of the two gets it.
        mine = await in_thread(lambda: journal.adopt(noted))
        if mine is None:
            return
        store = reopen(mine.begun.store)
        try:
            if keeps_noted(store):
                await persist(lambda: store.discard(mine.begun))
        finally:
            await store.close()
        await in_thread(lambda: journal.forget(mine))

    return remove_it


def _below(root: str) -> Iterator[Found]:
    """Temporary files of downloads below a folder; links are not followed."""
    try:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                if found := _temporary(folder, name):
                    yield found
    except OSError as error:
        raise LocalFileError(f"{root} cannot be looked through: {error.strerror}") from error


def _temporary(folder: str, name: str) -> Found | None:
    parsed, path = parse_temporary(name), f"{folder}/{name}"
    if parsed is None:
        return None
    try:
        status = os.lstat(path)
    except FileNotFoundError:  # finished at this moment
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    taken = status.st_blocks * 512  # a file of parts has holes
    return Found(Leftover("download", folder, name, fate_of(parsed[1]), status.st_mtime, taken), _removal_of_path(path))


def _scratch(folder: str) -> list[Found]:
    """Files and folders that artifacts made themselves."""
    found: list[Found] = []
    try:
        paths = sorted(Path(folder).iterdir())
    except FileNotFoundError:
        return found
    for path in paths:
        owner = parse_scratch(path.name)
        files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
        with contextlib.suppress(FileNotFoundError):  # logged at this moment
            stats = [each.lstat() for each in files]
            touched, size = max(each.st_mtime for each in stats), sum(each.st_blocks * 512 for each in stats)
            if owner is not None:
                left = Leftover("file", folder, path.name, fate_of(owner), touched, size)
                found.append(Found(left, _removal_of_path(str(path))))
    return found


def _removal_of_path(path: str) -> Callable[[], Awaitable[None]]:
    def unlink() -> None:
        try:
            if Path(path).is_dir() and not Path(path).is_symlink():
                shutil.rmtree(path)
            else:
                Path(path).unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise LocalFileError(f"{path} cannot be removed: {error.strerror}") from error

    async def remove_it() -> None:
        await in_thread(unlink)

    return remove_it
