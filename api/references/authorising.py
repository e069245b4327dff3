"""Authorising references: what a version may refer to, asked before it is committed."""

import asyncio
from collections.abc import Mapping

from ...catalog import State, Version
from ...manifest.digest import Label
from ...manifest.entry import Entries, EntryMap
from ...manifest.targets import is_target
from ..documents import load_named
from ..targets import Target, find_targets, was_deleted
from ..workspace import Workspace


async def authorise(workspace: Workspace, entries: EntryMap, base: Version | None, entity_id: str) -> Mapping[str, str]:
    """References to entries of other versions must lead to what they say, and these versions must not be deleted, unless the
    `base`, which is not, refers to the same; and what a version of another entity refers to does not become one's own where it
    would not be followed. Returns, by id, versions that must still be there at the commit, with a path that needs each. Raise
    `EntryNotFoundError`, `UnknownNameError`, `DigestMismatchError`, `StoreDeniedError`."""
    references = await asyncio.to_thread(_references, entries)
    if not references:
        return {}
    targets = await find_targets(workspace, {path: entry for path, entry in references.items() if is_target(entry)})
    foreign = base is not None and base.entity_id != entity_id
    gone = any(target.version.state is not State.COMMITTED for target in targets.values())
    theirs = await _same(workspace, references, base) if foreign or gone else {}
    if base is not None and foreign:
        outside = {path: entry for path, entry in theirs.items() if not is_target(entry)}
        await check_foreign(workspace, Label(base.digest_algorithm), outside, base.place, hint="leave it out: remove(…)")
    return _needed(targets, theirs, base)


async def check_found(workspace: Workspace, entries: EntryMap) -> None:
    """Of what was authorised a while ago, piece by piece: raise `EntryNotFoundError` if it refers to what was freed since. What
    was only deleted since is kept by the version that is made."""
    references = await asyncio.to_thread(_references, entries)
    await find_targets(workspace, {path: entry for path, entry in references.items() if is_target(entry)})


async def check_foreign(workspace: Workspace, label: Label, entries: Entries, place: object, hint: str) -> None:
    """Before references that others made become one's own, for which nobody asks any more: raise `StoreDeniedError` for what
    would not be followed as theirs."""
    from .following import check_public  # loads much that most logs do without
    from .handler import Context
    from .registry import Handlers

    await check_public(workspace, Handlers(Context(workspace.engine, label)), entries, place, hint)


async def check_there(workspace: Workspace, needed: Mapping[str, str]) -> None:
    """Raise `EntryNotFoundError` if one of these versions was deleted meanwhile: what it held may go at any moment."""
    for version in await workspace.catalog.kept_by_id(sorted(needed)) if needed else ():
        if version.state is not State.COMMITTED:
            raise was_deleted(needed[version.id], version.place)


def _needed(targets: Mapping[str, Target], theirs: EntryMap, base: Version | None) -> Mapping[str, str]:
    needed: dict[str, str] = {}
    for path, target in targets.items():
        if target.version.state is State.COMMITTED:
            needed[target.version.id] = path
        elif base is not None and path in theirs:
            needed[base.id] = path
        else:
            raise was_deleted(target.path, target.version.place)
    return needed


async def _same(workspace: Workspace, references: Entries, base: Version | None) -> Entries:
    """Those that the base has, too."""
    if base is None:
        return {}
    theirs = await load_named(workspace, base, references)
    return {path: entry for path, entry in theirs.items() if references[path] == entry}


def _references(entries: EntryMap) -> Entries:
    return {path: entry for path, entry in entries.items() if entry.ref is not None}
