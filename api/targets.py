"""Targets: what entries mean that refer to entries of other artifacts."""

from collections.abc import Mapping

from msgspec import Struct

from ..catalog import Place, State, Version
from ..errors import DigestMismatchError, EntryNotFoundError, ManifestError
from ..manifest.entry import Entries, Entry, EntryMap, has_tree_digest, shown_digest
from ..manifest.targets import artifact_uri, is_target, parse_uri
from ..media.value import Origin
from .documents import load_named
from .workspace import Workspace

MAX_CHAIN = 8


class Target(Struct, frozen=True):
    """An entry of some version."""

    version: Version
    path: str
    entry: Entry


def origin_of(version_id: str, path: str, entry: Entry) -> Origin:
    """What is said of an entry where something that came from it is stored."""
    content = entry.digest if has_tree_digest(entry) else None
    return Origin(artifact_uri(version_id, path), path, shown_digest(entry), content)


async def find_targets(workspace: Workspace, entries: EntryMap) -> dict[str, Target]:
    """By path, the entries that these references mean in the end, also of versions that were deleted: what is referred to stays.
    Each version and page is read once. Raise `UnknownNameError` and `EntryNotFoundError` for what is gone, `DigestMismatchError`
    for what is not what was referred to."""
    versions: dict[str, Version] = {}
    found: dict[str, Target] = {}
    todo = {path: entry.ref or "" for path, entry in entries.items()}
    for _ in range(MAX_CHAIN):
        wanted = {path: parse_uri(uri) for path, uri in todo.items()}
        there = await _load(workspace, versions, wanted)
        todo = {}
        for path, (version_id, target_path) in wanted.items():
            entry = there[version_id].get(target_path)
            if entry is None:
                raise EntryNotFoundError(target_path, str(versions[version_id].place))
            if is_target(entry):
                todo[path] = entry.ref or ""
            else:
                found[path] = Target(versions[version_id], target_path, entry)
        if not todo:
            break
    else:
        raise ManifestError(f"{next(iter(todo))} refers to an entry that refers to another, more than {MAX_CHAIN} times")
    for path, target in found.items():
        if shown_digest(target.entry) != entries[path].digest:
            raise DigestMismatchError(path, expected=entries[path].digest, actual=shown_digest(target.entry))
    return found


async def _load(workspace: Workspace, versions: dict[str, Version], wanted: Mapping[str, tuple[str, str]]) -> dict[str, Entries]:
    paths: dict[str, set[str]] = {}
    for version_id, path in wanted.values():
        paths.setdefault(version_id, set()).add(path)
    loaded: dict[str, Entries] = {}
    for version_id, names in paths.items():
        if version_id not in versions:
            versions[version_id] = await workspace.catalog.version_by_id(version_id)
        version = versions[version_id]
        try:
            loaded[version_id] = await load_named(workspace, version, names)
        except ManifestError as error:
            if version.state is State.COMMITTED:
                raise
            raise was_deleted(min(names), version.place) from error
    return loaded


def was_deleted(path: str, place: Place) -> EntryNotFoundError:
    """The error for an entry of a version that is not there any more."""
    return EntryNotFoundError(path, f"{place}, which was deleted")


def by_version(targets: Mapping[str, Target]) -> list[tuple[Version, Entries]]:
    """What is to be fetched from each version: own path → the entry there."""
    groups: dict[str, tuple[Version, Entries]] = {}
    for path, target in targets.items():
        groups.setdefault(target.version.id, (target.version, {}))[1][path] = target.entry
    return list(groups.values())
