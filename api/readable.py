"""Readables: what is read where an entry is opened, from the store or from where a reference leads."""

import contextlib
from typing import Protocol

from msgspec import Struct

from ..catalog import Version
from ..errors import UsageError
from ..manifest.entry import Entry, has_tree_digest
from ..manifest.targets import is_target
from ..transfer.content import Content, StoredContent
from ..transfer.plan import fetch_item, object_key
from .documents import tree_algorithm
from .download import reported
from .references.manner import Manner
from .targets import find_targets
from .workspace import Workspace


class Readable(Protocol):
    """What can be read under `path`, of `size` bytes."""

    @property
    def path(self) -> str: ...

    @property
    def size(self) -> int: ...

    def content(self) -> Content:
        """For the loop that runs; whoever closes the reader closes it."""
        ...

    def reported(self) -> contextlib.AbstractAsyncContextManager[None]:
        """What the block finds damaged or gone is reported to whom it concerns."""
        ...


class Stored(Struct, frozen=True):
    """Stored content: an entry of a version, under the path that the caller knows it by."""

    workspace: Workspace
    version: Version
    path: str
    entry: Entry

    @property
    def size(self) -> int:
        return self.entry.size or 0

    def content(self) -> Content:
        algorithm = tree_algorithm(self.version)
        item = fetch_item(self.path, self.entry, object_key(self.version.entity_id, algorithm, self.entry.digest))
        return StoredContent(self.workspace.engine, item, algorithm)

    def reported(self) -> contextlib.AbstractAsyncContextManager[None]:
        return reported(self.workspace, self.version, {self.path: self.entry})


async def find_readable(
    workspace: Workspace,
    version: Version,
    path: str,
    entry: Entry,
    manner: Manner = Manner(),  # noqa: B008  # a value that never changes
) -> Readable:
    """What is read where this entry is opened: its content, that of the entry of another artifact that it refers to, or what a
    reference leads to, if that still is what was referred to. Raise `NotFoundError`, `DigestMismatchError`, `StoreDeniedError`
    for where strangers may not lead, `UsageError` for what nobody can read in parts."""
    if is_target(entry):
        target = (await find_targets(workspace, {path: entry}))[path]
        version, entry = target.version, target.entry
    if has_tree_digest(entry):
        return Stored(workspace, version, path, entry)
    if entry.ref is None:
        raise UsageError(f"{path} is known by its MD5 only; only what is stored can be opened", hint="add the file itself")
    from .references.reading import open_reference

    return await open_reference(workspace, version, path, entry, manner)
