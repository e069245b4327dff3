"""Exporting a project: its versions become plain files, with what is needed to take them in again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ..catalog import Version, Wanted
from ..manifest.entry import Entries, has_tree_digest
from ..manifest.targets import is_target
from ..transfer.progress import Meter
from ..upkeep.exports import Export
from .artifact import Artifact
from .documents import load_entries
from .receipts import receipt_of
from .workspace import Workspace

_AT_ONCE = 500


@dataclass(slots=True)
class Exported:
    """How many versions there are, and entries of them that refer to bytes elsewhere, which are not fetched."""

    versions: int = 0
    references: int = 0


async def export_project(
    workspace: Workspace, entity: str, project: str, folder: str, names: Sequence[str], meter: Meter
) -> Exported:
    """Write all versions of these collections, or of all, into the folder. What is there already and right is kept, so an export
    that was cut short, or is old, is brought up to date. Portfolios, runs and lineage are not exported. Raise `UnknownNameError`,
    `UsageError` for a folder with anything else."""
    chosen = names or [name async for name in _collections(workspace, entity, project)]
    for name in names:
        await workspace.catalog.collection(entity, project, name)  # before anything is written
    export, done = Export(folder), Exported()
    await asyncio.to_thread(export.begin, entity, project)
    for name in chosen:
        async for version in _versions(workspace, entity, project, name):
            entries = await load_entries(workspace, version)
            receipt = receipt_of(version)
            await _fetch(workspace, version, entries, str(export.tree(receipt)), meter)
            await asyncio.to_thread(export.finish, receipt, entries)
            done.versions += 1
            done.references += sum(entry.ref is not None and not is_target(entry) for entry in entries.values())
    return done


async def _fetch(workspace: Workspace, version: Version, entries: Entries, tree: str, meter: Meter) -> None:
    """The content of the version; also what it refers to in other artifacts."""
    files = {path: entry for path, entry in entries.items() if has_tree_digest(entry) or is_target(entry)}
    await Artifact.of(version, workspace).fetch_entries(files, tree, meter)


async def _collections(workspace: Workspace, entity: str, project: str) -> AsyncIterator[str]:
    cursor: str | None = None
    while True:
        page = await workspace.catalog.collections(entity, project, None, limit=_AT_ONCE, cursor=cursor)
        for collection in page.items:
            if not collection.portfolio:
                yield collection.name
        if (cursor := page.cursor) is None:
            break


async def _versions(workspace: Workspace, entity: str, project: str, name: str) -> AsyncIterator[Version]:
    cursor, oldest_first = None, Wanted(order="+version_index")
    while True:
        page = await workspace.catalog.versions(entity, project, name, oldest_first, limit=_AT_ONCE, cursor=cursor)
        for version in page.items:
            yield version
        if (cursor := page.cursor) is None:
            break
