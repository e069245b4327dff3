"""Values in artifacts: how they get in, and how they are got from there."""

import asyncio
import os
from collections.abc import Iterable, Sequence, Set
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from ..errors import EntryNotFoundError, InvalidTypeError, InvalidValueError, ManifestError
from ..manifest.entry import Entry, shown_digest
from ..manifest.paths import artifact_path, check_path
from ..manifest.targets import is_target
from ..media.document import read_local
from ..media.registry import KINDS, kind_at
from ..media.value import Found, Reading, Stored, Value, Wanted
from ..store.halt import Halt
from .draft import Draft
from .portal import run
from .staging import TEMPORARY, Staging, checked_value
from .targets import Target, find_targets, origin_of
from .workspace import Workspace

if TYPE_CHECKING:
    from .contents import Contents

T = TypeVar("T")


# -- in ---------------------------------------------------------------------------------------------------------------
async def add_value(artifact: "Contents", workspace: Workspace, value: Value, name: str, *, overwrite: bool) -> str:
    """The path of the entry that the value has become, or of the one that it, or another value of this name, became before.
    Raise TypeError for what is no value, ValueError and TypeError for one that cannot be written; nothing is added then."""
    draft = artifact.draft
    path = artifact_path(checked_value(value).named(artifact_path(name)))
    if not overwrite and not path.startswith(TEMPORARY) and path in draft.manifest:
        return path
    folder = await asyncio.to_thread(lambda: workspace.temporary)
    lanes = workspace.engine.lanes
    staging, stored = await lanes.run(lambda halt: _stage(draft, folder, halt, value, path, overwrite))
    try:
        if references := staging.staged.references:
            from .references.adding import resolved

            found = await resolved(workspace, draft.manifest.digest_algorithm, references)
            still = staging.staged.entries.keys() & found.keys()  # not what another artifact holds already
            staging.staged.entries.update((path, (found[path], None)) for path in still)
        return await lanes.run(lambda halt: _enter(artifact, staging, value, stored, overwrite))
    except BaseException:
        staging.staged.entries.clear()
        raise
    finally:
        staging.discard()


def _stage(draft: Draft, folder: str, halt: Halt, value: Value, path: str, overwrite: bool) -> tuple[Staging, Stored]:
    staging = Staging(draft, folder, halt)
    try:
        return staging, staging.put_value(value, path, overwrite=overwrite)
    except BaseException:
        staging.staged.entries.clear()
        staging.discard()
        raise


def _enter(artifact: "Contents", staging: Staging, value: Value, stored: Stored, overwrite: bool) -> str:
    draft = artifact.draft
    earlier = draft.path_of_value(value)
    there = draft.manifest.get_entry_by_path(earlier) if earlier else None
    if earlier is not None and there is not None and shown_digest(there) == stored.digest and not overwrite:
        staging.staged.entries.clear()  # the same object, unchanged: it has a name already
        return earlier
    draft.enter(staging.staged.entries, staging.staged.kept, overwrite=overwrite)
    draft.remember_value(value, stored.path)
    value.added = artifact, stored.path
    return stored.path


# -- out --------------------------------------------------------------------------------------------------------------
def object_names(name: str) -> list[str]:
    """The names of files that can hold a value called `name`."""
    return list(dict.fromkeys([*([name] if kind_at(name) else []), *(kind.named(name) for kind in KINDS)]))


async def get_value(artifact: "Contents", path: str, entry: Entry) -> Value:
    """The value in this entry; if that refers to another artifact, the value there. Raise `ManifestError` naming the entry for
    one that is damaged or hostile."""
    if is_target(entry):
        _, workspace = artifact.logged_in("get")
        target = (await find_targets(workspace, {path: entry}))[path]
        return await get_value(artifact.of(target.version, workspace), target.path, target.entry)
    kind = kind_at(path)
    assert kind is not None  # as `object_names` has chosen it
    source = ValueSource(artifact)
    try:
        _check_size(entry.size or 0, kind.max_size)
        await source.fetch([path])
        found = source.file(path)
        value = await source.finish(_reading(kind, found, source))
    except (ManifestError, InvalidValueError, InvalidTypeError) as error:
        raise ManifestError(f"{artifact.name}: {path}: {error.message}", hint=error.hint) from error
    value.origin = found.origin
    return value


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ManifestError(f"{size} bytes are more than the {limit} of one document")


def _reading(kind: type[Value], found: Found, source: "ValueSource") -> Reading[Value]:
    document = read_local(found, kind.max_size)
    return (yield from kind.decode(document, source))


class ValueSource:
    """The `Source` of one committed artifact: its files lie in the artifact's download folder, fetched when they are needed."""

    def __init__(self, artifact: "Contents") -> None:
        self._artifact, self._root = artifact, os.path.abspath(artifact.default_root())
        self._found: dict[str, Found] = {}
        self._beyond: dict[str, ValueSource] = {}

    def file(self, path: str) -> Found:
        found = self._found.get(path)
        if found is None:
            raise ManifestError(f"{path!r} was not asked for")
        return found

    def below(self, folder: str) -> list[str]:
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        return run(lambda: self._artifact.paths_below(prefix))

    def load(self, path: str) -> Value:
        async def load() -> Value:
            entries = await self._artifact.entries_at([path])
            return await get_value(self._artifact, path, entries[path])

        return run(load)

    async def finish(self, reading: Reading[T]) -> T:
        """Run a reading to its end. Its steps parse, and so run in a lane."""
        _, workspace = self._artifact.logged_in("get")
        results: list[T] = []
        while True:
            wanted = await workspace.engine.lanes.run(lambda halt: _step(reading, results))
            if wanted is None:
                return results[0]
            await self.fetch(wanted)

    def beyond(self, path: str) -> "ValueSource":
        return self._beyond[path]

    async def fetch(self, paths: Iterable[str | Wanted]) -> None:
        """Make these entries local files. Raise `ManifestError` for a path that is none of the artifact."""
        away: dict[str, list[str | Wanted]] = {}
        here: list[str] = []
        for each in paths:
            if isinstance(each, Wanted):
                away.setdefault(each.beyond, []).append(each.path)
            else:
                here.append(each)
        await self._fetch({path for path in here if path not in self._found})
        for path, wanted in away.items():
            await self.beyond(path).fetch(wanted)

    async def _fetch(self, wanted: Set[str]) -> None:
        if not wanted:
            return
        for path in wanted:
            check_path(path)
        version, workspace = self._artifact.logged_in("get")
        entries = await self._artifact.entries_at(wanted)
        for path in wanted:
            if path not in entries:
                raise ManifestError(f"it names {path!r}, which is not in the artifact")
        outside = {path: entry for path, entry in entries.items() if entry.ref is not None and not is_target(entry)}
        targets = await find_targets(workspace, {path: entry for path, entry in entries.items() if is_target(entry)})
        root = self._root
        await self._artifact.fetch_entries({path: entry for path, entry in entries.items() if path not in outside}, root)
        for path, entry in entries.items():
            target = targets.get(path) or Target(version, path, entry)
            local = None if path in outside or target.entry.ref is not None else os.path.join(root, path)
            origin = replace(origin_of(target.version.id, target.path, target.entry), path=path)
            self._found[path] = Found(local, target.entry.ref, origin, away=path in targets)
            if path in targets and kind_at(path) is not None:
                self._beyond[path] = ValueSource(self._artifact.of(target.version, workspace))


def _step(reading: Reading[T], results: list[T]) -> Sequence[str | Wanted] | None:
    """What it needs next; None when it has ended, with its result."""
    try:
        return next(reading)
    except StopIteration as end:
        results.append(end.value)
        return None
    except RecursionError as error:
        raise ManifestError("it is nested too deep") from error


async def entry_or_object(artifact: "Contents", name: str) -> tuple[str, Entry]:
    """The entry under a path, else that of the value of this name. Raise `EntryNotFoundError`."""
    names = [name, *object_names(name)]
    entries = await artifact.entries_at(names)
    for path in names:
        if path in entries:
            return path, entries[path]
    raise EntryNotFoundError(name, artifact.name)
