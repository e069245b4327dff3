"""The fetch protocol: from a version to verified files below a root, and back to whether they still are."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from msgspec import Struct

from ..catalog import ObjectInfo, Version
from ..errors import (
    DigestMismatchError,
    InvalidValueError,
    LocalFileError,
    NotFoundError,
    StoreError,
    UsageError,
    VerificationError,
)
from ..manifest.entry import Entries
from ..manifest.paths import find_case_clash, find_clash
from ..transfer.check import is_whole
from ..transfer.fetch import fetch
from ..transfer.local import LocalFile, local_errors, local_file
from ..transfer.plan import FetchItem, fetch_item, object_key
from ..transfer.progress import Meter
from .documents import tree_algorithm
from .strangers import find_strangers, remove_strangers
from .workspace import Workspace

LOOKS = 10_000  # for how many objects an artifact with a missing one is searched for others
AT_ONCE = 32


async def download_entries(
    workspace: Workspace, version: Version, entries: Entries, root: str, meter: Meter, *, rehash: bool = False
) -> None:
    """The entries become files below `root`; other files stay. Raise `DigestMismatchError` for an object that stays wrong,
    `NotFoundError` for one that is gone, which name the file: the catalogue forgets it, and the others that are gone, so that the
    next log of a good copy mends them."""
    algorithm = tree_algorithm(version)
    stored = {path: entry for path, entry in entries.items() if entry.ref is None}
    meter.add(files=len(stored), bytes=sum(entry.size or 0 for entry in stored.values()))
    items = await asyncio.to_thread(_plan, version, stored, root)
    async with reported(workspace, version, stored):
        await fetch(workspace.engine, items, root, algorithm, meter=meter, rehash=rehash)


@contextlib.asynccontextmanager
async def reported(workspace: Workspace, version: Version, stored: Entries) -> AsyncGenerator[None]:
    """While the block reads the content of these entries: the catalogue forgets what turns out damaged or gone, so that the next
    log of a good copy mends it. Of an object that is gone the error names the file."""
    try:
        yield
    except DigestMismatchError as error:
        await _report(workspace, version, stored, error)
        error.hint = error.hint or _hint(1)
        raise
    except NotFoundError as error:
        await _report(workspace, version, stored, error)
        gone = await _forget_gone(workspace, version, stored)
        raise NotFoundError(
            error.key, workspace.store.url, path=_path_of(version, stored, error.key), hint=_hint(gone)
        ) from error


def _path_of(version: Version, stored: Entries, key: str) -> str:
    owner, algorithm = version.entity_id, tree_algorithm(version)
    return next((path for path in sorted(stored) if object_key(owner, algorithm, stored[path].digest) == key), "")


def _hint(objects: int) -> str:
    more = f" ({objects} objects are gone)" if objects > 1 else ""
    return f"log the artifact again from a good copy{more}; what is missing or damaged is then sent again"


async def _forget_gone(workspace: Workspace, version: Version, entries: Entries) -> int:
    """The catalogue forgets what is not in the store. How many objects that is, of the first `LOOKS`."""
    algorithm, store = tree_algorithm(version), workspace.engine.store
    gone: list[ObjectInfo] = []

    async def look(todo: Iterator[ObjectInfo]) -> None:
        for each in todo:
            try:
                await store.head(object_key(version.entity_id, algorithm, each.digest))
            except NotFoundError:
                gone.append(each)
            except StoreError:
                return  # nothing is known of the others; the caller raises what brought it here

    objects = {entry.digest: ObjectInfo(algorithm, entry.digest, entry.size or 0) for entry in entries.values()}
    todo = itertools.islice(objects.values(), LOOKS)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(look(todo))
    for each in gone:
        await workspace.forget(version.entity_id, each)
    return len(gone)


async def _report(workspace: Workspace, version: Version, entries: Entries, error: DigestMismatchError | NotFoundError) -> None:
    """The catalogue looks itself at what is said to be bad, and forgets it if it is."""
    algorithm = tree_algorithm(version)
    for entry in {entry.digest: entry for entry in entries.values()}.values():
        key = object_key(version.entity_id, algorithm, entry.digest)
        named = error.key == key if isinstance(error, NotFoundError) else error.expected == entry.digest
        if not named:
            continue
        size, leaves = entry.size or 0, entry.leaves or entry.digest
        if not await workspace.persist(lambda: is_whole(workspace.engine, key, size, leaves, algorithm)):  # noqa: B023  # awaited within the round
            await workspace.forget(version.entity_id, ObjectInfo(algorithm, entry.digest, entry.size or 0))


def _plan(version: Version, stored: Entries, root: str) -> list[FetchItem]:
    _check_destination(stored, root)
    owner, algorithm = version.entity_id, tree_algorithm(version)
    return [fetch_item(path, stored[path], object_key(owner, algorithm, stored[path].digest)) for path in sorted(stored)]


def _check_destination(entries: Entries, root: str) -> None:
    """Raise before a byte moves where the destination cannot hold the entries."""
    if clash := find_clash(entries):
        raise InvalidValueError(
            f"{clash[0]!r} is a file and a folder ({clash[1]!r}) in this artifact; no destination can hold both"
        )
    if _ignores_case(root) and (pair := find_case_clash(entries)):
        raise LocalFileError(
            f"{root} cannot hold both {pair[0]!r} and {pair[1]!r}: its file system ignores case",
            hint="download to a file system that tells them apart",
        )


def _ignores_case(root: str) -> bool:
    """Seen on what is there already: a folder that can be found under another case."""
    place = Path(root).absolute()
    while not place.exists():
        place = place.parent
    swapped = place.with_name(place.name.swapcase()) if place.name.swapcase() != place.name else None
    try:
        return swapped is not None and swapped.samefile(place)
    except OSError:
        return False


async def checkout_entries(workspace: Workspace, version: Version, entries: Entries, root: str, meter: Meter) -> None:
    """Make `root` hold the entries and nothing else. Links are removed, never followed; so are folders that become empty."""
    await asyncio.to_thread(check_replaceable, workspace, root)
    with local_errors(root):
        await asyncio.to_thread(remove_strangers, root, entries.keys())
    await download_entries(workspace, version, entries, root, meter)


def check_replaceable(workspace: Workspace, root: str) -> None:
    """Blocking. Raise `UsageError` if a checkout into `root` would remove what nobody can have meant."""
    place, hint = Path(root).resolve(), "check out into a folder of its own"
    own = [path.resolve() for path in (workspace.settings.home, *map(Path, workspace.folders()))]
    for each in (Path.home().resolve(), Path.cwd(), *own):
        if each.is_relative_to(place):
            raise UsageError(f"checkout would empty {place}, which holds {each}", hint=hint)
    for each in own:
        if place.is_relative_to(each):
            raise UsageError(f"checkout would empty {place}, which is lading's own", hint=hint)


async def verify_entries(workspace: Workspace, version: Version, entries: Entries, root: str, meter: Meter) -> None:
    """Every file below `root` is read and compared; references are skipped. Links are not followed. Raise `VerificationError`."""
    stored = {path: entry for path, entry in entries.items() if entry.ref is None}
    found = await asyncio.to_thread(_look, root, stored, entries)
    strangers = [
        f"Found file {os.path.join(root, path)} which is not a member of artifact {version.place}" for path in found.strangers
    ]
    missing = [f"Missing file: {path}" for path in found.missing]
    wrong = await _mismatches(workspace, version, stored, found.present, meter)
    if problems := strangers + missing + wrong:
        raise VerificationError(tuple(problems))


class _Found(Struct, frozen=True):
    strangers: list[str]
    missing: list[str]
    present: dict[str, LocalFile]


def _look(root: str, stored: Entries, entries: Entries) -> _Found:
    if not os.path.isdir(root):
        raise LocalFileError(f"{root}: no such folder", hint="download the artifact first, or name the root it was downloaded to")
    with local_errors(root):
        found = _Found(find_strangers(root, entries), [], {})
    for path in sorted(stored):
        place = os.path.join(root, path)
        if os.path.isfile(place) and not os.path.islink(place):
            found.present[path] = local_file(place)
        else:
            found.missing.append(path)
    return found


async def _mismatches(
    workspace: Workspace, version: Version, stored: Entries, found: dict[str, LocalFile], meter: Meter
) -> list[str]:
    size = sum(file.stamp.size for file in found.values())
    meter.add(files=len(found), bytes=size)
    hashed = await workspace.engine.hash(list(found.values()), tree_algorithm(version), rehash=True, meter=meter)
    meter.add(files_done=len(found), bytes_done=size)
    return [
        f"Digest mismatch for file: {path}" for path, one in zip(found, hashed, strict=True) if one.digest != stored[path].digest
    ]
