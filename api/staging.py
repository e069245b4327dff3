"""Staging: what a value brings into a draft, put together aside so that all of it or nothing gets in."""

import hashlib
import os
from typing import TYPE_CHECKING

from ..errors import FileChangedError, InvalidTypeError, InvalidValueError
from ..manifest.digest import LEAF_SIZE, Algorithm, Label, leaf_digest, root_digest
from ..manifest.entry import Entry, shown_digest
from ..manifest.paths import artifact_path
from ..manifest.wandb import md5_label
from ..media.classes import Classes
from ..media.document import write_document
from ..media.registry import KINDS
from ..media.value import Origin, Stored, Value
from ..store.halt import Halt
from ..transfer.hashing import Hashed
from ..transfer.local import LocalFile, check_unchanged, local_errors, local_file
from ..transfer.plan import entry_of
from .draft import Draft, Source, temporary_name
from .targets import origin_of

if TYPE_CHECKING:
    from .described import Described

TEMPORARY = "media/tables"
"""Values below it are named by their digests, as W&B does."""


class Staged:
    """Entries for a draft, with the local files of those that have one."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Entry, Source | None]] = {}
        self.kept: list[object] = []
        self.references: dict[str, str] = {}
        """By path, the URIs of which the places are still to be asked."""


class Staging:
    """The `Sink` of one draft. Blocking; for a lane."""

    def __init__(self, draft: Draft, folder: str, halt: Halt) -> None:
        self.staged = Staged()
        self._draft, self._folder, self._halt = draft, folder, halt
        self._paths: dict[str, str] = {}
        self._made: set[str] = set()
        self._classes: dict[str, Stored] = {}

    # -- what values ask for ------------------------------------------------------------------------------------------
    def file(self, local: str, name: str, *, temporary: bool = False) -> Stored:
        self._halt.check()
        known = self._paths.get(local) or self._draft.path_of(local)
        if known is not None and (there := self._entry(known)) is not None:
            return Stored(known, shown_digest(there))
        file = local_file(local)
        hashed = self._hash(file)
        stored = self._put(name, hashed, file, temporary=temporary)
        self._paths[local] = stored.path
        return stored

    def reference(self, uri: str, name: str) -> Stored:
        path = self._plain(name)
        there = self._entry(path)
        if there is not None and there.ref is not None:  # the name says what it is a reference to
            return Stored(path, shown_digest(there))
        self.staged.references[path] = uri
        return self._enter(path, Entry(uri, ref=uri), None)

    def share(self, origin: Origin, name: str | None = None) -> Stored:
        path = self._plain(name or origin.path)
        there = self._entry(path)
        if there is not None and there.digest == origin.content:
            return Stored(path, shown_digest(there))
        return self._enter(path, _reference(origin), None)

    def value(self, value: Value, name: str) -> Stored:
        if not isinstance(value, Classes) or name != value.file_name:
            return self.put_value(value, name, overwrite=False)
        known = self._classes.get(name)
        if known is None or not self.holds(known.path):  # the name says what they are: those of many images are written once
            known = self._classes[name] = self.put_value(value, name, overwrite=False)
        return known

    def keep(self, thing: object) -> None:
        self.staged.kept.append(thing)

    def holds(self, path: str) -> bool:
        return self._entry(path) is not None

    # -- values -------------------------------------------------------------------------------------------------------
    def put_value(self, value: Value, name: str, *, overwrite: bool) -> Stored:
        """Stage a value: whole, or as a reference to the entry of another artifact that says exactly the same. Raise TypeError
        for what is no value, ValueError or TypeError for what cannot be written."""
        name = self._plain(checked_value(value).named(name))
        before = len(self.staged.entries)
        local = self._draft.temporary_path(self._folder, name)
        self._made.add(local)
        with local_errors(local), open(local, "x", encoding="utf-8") as file:
            write_document(value.encode(self), file)
        found = local_file(local)
        if found.stamp.size > value.max_size:
            raise InvalidValueError(
                f"{name} would be {found.stamp.size} bytes of JSON, more than the {value.max_size} of one value",
                hint="split it; a table in parts is a PartitionedTable",
            )
        hashed = self._hash(found)
        temporary = name.startswith(TEMPORARY)
        origin = self._origin(value)
        if origin is not None and origin.content == hashed.digest:
            while len(self.staged.entries) > before:  # what belongs to it is found where it comes from
                self.staged.entries.popitem()
            return self._enter(temporary_name(name, hashed) if temporary else name, _reference(origin), None, overwrite=overwrite)
        return self._put(name, hashed, found, temporary=temporary, overwrite=overwrite)

    def _origin(self, value: Value) -> Origin | None:
        """The entry of a committed artifact that the value was got from, or was added to."""
        if value.origin is not None or value.added is None:
            return value.origin
        artifact, path = _added(value)
        entry = artifact.known_entry(path)
        if entry is None or artifact.id is None or artifact.draft_of(self._draft):
            return None
        return origin_of(artifact.id, path, entry)

    def discard(self) -> None:
        """Remove the files that were made and are not needed."""
        needed = {source.file.path for _, source in self.staged.entries.values() if source is not None}
        for path in self._made - needed:
            self._draft.remove_temporary(path)

    # -- entries ------------------------------------------------------------------------------------------------------
    def _plain(self, name: str) -> str:
        return artifact_path(name, md5=self._draft.manifest.digest_algorithm is Label.MD5)

    def _entry(self, path: str) -> Entry | None:
        staged = self.staged.entries.get(path)
        return staged[0] if staged else self._draft.manifest.get_entry_by_path(path)

    def _put(self, name: str, hashed: Hashed, file: LocalFile, *, temporary: bool, overwrite: bool = False) -> Stored:
        path = self._plain(name)
        if temporary:
            path = temporary_name(path, hashed)
        entry = entry_of(hashed, executable=file.executable, md5=md5_label(hashed.md5) if hashed.md5 else None)
        return self._enter(path, entry, Source(file, hashed, "mutable"), overwrite=overwrite)

    def _enter(self, path: str, entry: Entry, source: Source | None, *, overwrite: bool = False) -> Stored:
        there = self._entry(path)
        if there is not None and (shown_digest(there) == shown_digest(entry) or there.digest == entry.digest):
            return Stored(path, shown_digest(there))
        if there is not None and not overwrite:
            raise InvalidValueError(f"Cannot add the same path twice: {path!r}", hint="pass overwrite=True, or another name")
        self.staged.entries[path] = entry, source
        return Stored(path, shown_digest(entry))

    def _hash(self, file: LocalFile) -> Hashed:
        manifest = self._draft.manifest
        return hash_now(file, manifest.algorithm, md5=manifest.digest_algorithm is Label.MD5, halt=self._halt)


def checked_value(value: object) -> type[Value]:
    """The kind of value. Raise TypeError for what is none."""
    if not isinstance(value, KINDS):
        kinds = ", ".join(sorted(kind.__name__ for kind in KINDS))
        raise InvalidTypeError(f"Found object of type {type(value)}, expected one of: {kinds}")
    return type(value)


def hash_now(file: LocalFile, algorithm: Algorithm, *, md5: bool, halt: Halt) -> Hashed:
    """The digests of one file, read in this thread. Raise `FileChangedError`, `LocalFileError`."""
    leaves: list[bytes] = []
    label, size = hashlib.md5(usedforsecurity=False), 0
    with local_errors(file.path), open(file.path, "rb") as reader:
        while data := reader.read(LEAF_SIZE):
            halt.check()
            leaves.append(leaf_digest(algorithm, data))
            size += len(data)
            if md5:
                label.update(data)
        check_unchanged(file.path, file.stamp, os.fstat(reader.fileno()))
    if size != file.stamp.size:
        raise FileChangedError(file.path, what="changed its size")
    leaves = leaves or [leaf_digest(algorithm, b"")]
    joined = b"".join(leaves).hex() if len(leaves) > 1 else None
    return Hashed(root_digest(algorithm, leaves), size, joined, label.digest() if md5 else None)


def _reference(origin: Origin) -> Entry:
    return Entry(origin.digest, size=0, ref=origin.uri)


def _added(value: Value) -> "tuple[Described, str]":
    added: tuple[Described, str] = value.added  # type: ignore[assignment]  # set by `add_value` alone
    return added
