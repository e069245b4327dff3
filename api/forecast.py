"""Forecasts: what logging or downloading would move, found out without moving it."""

import asyncio
from pathlib import Path

from msgspec import Struct

from ..catalog import Version
from ..transfer.local import LocalFile, local_file
from .documents import load_entries, stream_entries, tree_algorithm
from .draft import Draft
from .strangers import find_strangers
from .workspace import Workspace


class Forecast(Struct, frozen=True):
    """All files of it, and those that need not move; how many references there are beside them."""

    files: int
    bytes: int
    files_reused: int
    bytes_reused: int
    unchanged: bool  # the content is that of the latest version; of a download: all of it is there
    references: int = 0
    strangers: tuple[str, ...] = ()  # what a checkout would remove


async def forecast_log(workspace: Workspace, draft: Draft, latest: Version | None) -> Forecast:
    """What logging the draft would send. Only the contents of `latest` count as stored, so it may turn out to be less."""
    needed = {source.hashed.digest: source.hashed.size for source in draft.sources.values()}
    if latest is not None and tree_algorithm(latest) == draft.manifest.algorithm:
        async for _, entry in stream_entries(workspace, latest):
            needed.pop(entry.digest, None)
    tree_digest = await asyncio.to_thread(draft.manifest.tree_digest)
    sizes = [entry.size or 0 for entry in draft.manifest.entries.values() if entry.ref is None]
    return Forecast(
        files=len(sizes),
        bytes=sum(sizes),
        files_reused=len(sizes) - len(needed),
        bytes_reused=sum(sizes) - sum(needed.values()),
        references=len(draft.manifest) - len(sizes),
        unchanged=latest is not None and latest.tree_digest == tree_digest,
    )


async def forecast_download(
    workspace: Workspace, version: Version, root: str, *, prefix: str = "", rehash: bool = False
) -> Forecast:
    """What a download to `root` would fetch. Local files are hashed where the index does not know them."""
    entries = {path: entry for path, entry in (await load_entries(workspace, version, prefix)).items() if entry.ref is None}
    present = await asyncio.to_thread(_present, root, {path: entry.size or 0 for path, entry in entries.items()})
    hashed = await workspace.engine.hash(list(present.values()), tree_algorithm(version), rehash=rehash)
    right = [path for path, one in zip(present, hashed, strict=True) if one.digest == entries[path].digest]
    return Forecast(
        files=len(entries),
        bytes=sum(entry.size or 0 for entry in entries.values()),
        files_reused=len(right),
        bytes_reused=sum(entries[path].size or 0 for path in right),
        unchanged=len(right) == len(entries),
        strangers=tuple(await asyncio.to_thread(find_strangers, root, entries)),
    )


def _present(root: str, sizes: dict[str, int]) -> dict[str, LocalFile]:
    """The regular files at these paths that have the right size."""
    found: dict[str, LocalFile] = {}
    for path, size in sizes.items():
        place = Path(root, path)
        if place.is_file() and not place.is_symlink():
            file = local_file(str(place))
            if file.stamp.size == size:
                found[path] = file
    return found
