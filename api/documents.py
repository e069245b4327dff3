"""Manifests in the store: index and pages, read as far as they are needed, each checked."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Protocol, TypeVar

from ..catalog import ObjectInfo
from ..errors import ManifestError, NotFoundError
from ..manifest.digest import Algorithm, Label
from ..manifest.document import Index, decode_index, page_for, pages_for
from ..manifest.encoded import MAX_RAW, check_digest, inflate
from ..manifest.entry import Entries, Entry
from ..manifest.pages import PageRef, decode_page
from ..store.store import read_bytes
from ..transfer.plan import manifest_key
from .workspace import Workspace

T = TypeVar("T")
AT_ONCE = 8


class Documented(Protocol):
    """What has a document in the store: a version, or a part of one. `place` is for messages."""

    @property
    def entity_id(self) -> str: ...
    @property
    def document(self) -> str: ...
    @property
    def digest_algorithm(self) -> str: ...
    @property
    def place(self) -> object: ...


def tree_algorithm(version: Documented) -> Algorithm:
    return Label(version.digest_algorithm).algorithm


async def load_index(workspace: Workspace, version: Documented) -> Index:
    """The index of a version's document. Raise `ManifestError` if it is damaged or gone."""
    data = await _read(workspace, version, version.document)
    return await _decoded(workspace, version, version.document, lambda: decode_index(data, version.document))


async def load_entries(workspace: Workspace, version: Documented, prefix: str = "") -> Entries:
    """The entries whose path starts with `prefix`, sorted; only the pages that can hold them are read."""
    index = await load_index(workspace, version)
    entries = await load_pages(workspace, version, pages_for(index, prefix))
    return {path: entry for path, entry in entries.items() if path.startswith(prefix)} if prefix else entries


async def stream_entries(workspace: Workspace, version: Documented, prefix: str = "") -> AsyncGenerator[tuple[str, Entry]]:
    """(path, entry), sorted, of those whose path starts with `prefix`; a few pages are held at a time."""
    pages, last = pages_for(await load_index(workspace, version), prefix), ""
    for start in range(0, len(pages), AT_ONCE):
        entries = await load_pages(workspace, version, pages[start : start + AT_ONCE], after=last)
        last = next(reversed(entries))
        for path, entry in entries.items():
            if path.startswith(prefix):
                yield path, entry


async def load_named(workspace: Workspace, version: Documented, paths: Collection[str]) -> Entries:
    """The entries under these paths, as far as there are such; only the pages that can hold them are read."""
    index = await load_index(workspace, version)
    refs = {ref.digest: ref for path in paths if (ref := page_for(index, path))}
    entries = await load_pages(workspace, version, sorted(refs.values(), key=lambda ref: ref.first))
    return {path: entries[path] for path in paths if path in entries}


async def load_pages(workspace: Workspace, version: Documented, pages: Sequence[PageRef], *, after: str = "") -> Entries:
    """The entries of these pages, which are sorted and begin after the path `after`. A few are read at the same time. Raise
    `ManifestError` where one goes on behind the beginning of the next: of one path there could be two entries."""
    entries: Entries = {}
    algorithm = tree_algorithm(version)
    for start in range(0, len(pages), AT_ONCE):
        refs = pages[start : start + AT_ONCE]
        for ref, data in zip(refs, await _read_all(workspace, version, refs), strict=True):
            decode = functools.partial(decode_page, data, ref, algorithm)
            page = await _decoded(workspace, version, ref.digest, decode)
            if ref.first <= after:
                raise ManifestError(f"the manifest of {version.place}: the page of {ref.first!r} is behind {after!r}")
            after = next(reversed(page))
            entries.update(page)
    return entries


async def _read_all(workspace: Workspace, version: Documented, refs: Sequence[PageRef]) -> list[bytes]:
    try:
        async with asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(_read(workspace, version, ref.digest)) for ref in refs]
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return [read.result() for read in reads]


async def _read(workspace: Workspace, version: Documented, digest: str) -> bytes:
    key = manifest_key(version.entity_id, tree_algorithm(version), digest)
    try:
        return await workspace.persist(lambda: read_bytes(workspace.store, key))
    except NotFoundError as error:
        await _report(workspace, version, digest)
        raise ManifestError(
            f"the manifest of {version.place} is not in {workspace.store.url}",
            hint="is LADING_STORE the store that belongs to LADING_CATALOG?",
        ) from error


async def _decoded(workspace: Workspace, version: Documented, digest: str, decode: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(decode)
    except ManifestError:
        await _report(workspace, version, digest)
        raise


async def _report(workspace: Workspace, version: Documented, digest: str) -> None:
    """An index or page is said to be bad. Look again; if it is, the catalogue forgets it, so that the next log of the same
    content writes it again."""
    algorithm = tree_algorithm(version)
    try:
        data = await workspace.persist(lambda: read_bytes(workspace.store, manifest_key(version.entity_id, algorithm, digest)))
        check_digest(inflate(data, MAX_RAW, "it"), digest, algorithm, "it")
    except (NotFoundError, ManifestError):
        await workspace.forget(version.entity_id, ObjectInfo(algorithm, digest, 0, "manifest"))
