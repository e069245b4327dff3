"""Authorising references: what a version may refer to, asked before it is committed."""

import asyncio

from ...catalog import Version
from ...manifest.entry import Entries, EntryMap
from ..documents import load_named
from ..targets import find_targets, is_target
from ..workspace import Workspace
from .following import check_strange


async def authorise(workspace: Workspace, entries: EntryMap, base: Version | None, entity_id: str) -> None:
    """References to entries of other versions must lead to what they say; and what a version of another entity refers to does not
    become one's own where it would not be followed. Raise `EntryNotFoundError`, `UnknownNameError`, `DigestMismatchError`,
    `StoreDeniedError`."""
    references = await asyncio.to_thread(_references, entries)
    if not references:
        return
    await find_targets(workspace, {path: entry for path, entry in references.items() if is_target(entry)})
    outside = {path: entry for path, entry in references.items() if not is_target(entry)}
    if outside and base is not None and base.entity_id != entity_id:
        theirs = await load_named(workspace, base, outside)
        await check_strange(workspace, base, {path: entry for path, entry in theirs.items() if outside[path] == entry})


def _references(entries: EntryMap) -> Entries:
    return {path: entry for path, entry in entries.items() if entry.ref is not None}
