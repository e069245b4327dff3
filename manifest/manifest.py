"""The manifest: the entries of one version in memory, with W&B's face."""

from collections.abc import Mapping
from pathlib import PurePath
from threading import Lock
from types import MappingProxyType
from typing import Any, Self

from ..errors import EntryNotFoundError, InvalidValueError
from .digest import Algorithm, Label, digest_label
from .entry import Entries, Entry, EntryMap, shown_digest
from .identity import artifact_digest
from .paths import artifact_path
from .wandb import VERSION, from_manifest_json, to_manifest_json, wandb_digest


class Manifest:
    """Paths and entries. No path is also a folder of another. Several threads may add and remove."""

    def __init__(self, digest_algorithm: str = Label.BLAKE3, entries: EntryMap | None = None, *, name: str = "manifest") -> None:
        """`entries` are taken as they are, as from decoded pages: their paths are valid. `name` is for messages."""
        self.digest_algorithm = digest_label(digest_algorithm)
        self._name = name
        self._lock = Lock()
        self._entries: Entries = dict(entries or {})
        self._children: dict[str, int] = {}  # folder → how many files and folders lie directly in it
        self._digests: dict[str, str] = {}  # kept until the next change
        for path in self._entries:
            self._enter(path)
        if clashes := self._children.keys() & self._entries.keys():
            raise self._clash(min(clashes))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: object) -> bool:
        return path in self._entries

    def __repr__(self) -> str:
        return f"<Manifest [{len(self)} entries, {self.digest_algorithm}]>"

    @property
    def algorithm(self) -> Algorithm:
        """How the tree digests of the entries are made."""
        return self.digest_algorithm.algorithm

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Path → entry, read-only; it follows later changes."""
        return MappingProxyType(self._entries)

    def version(self) -> int:
        """The version of W&B's manifest format that `to_manifest_json` writes."""
        return VERSION

    def digest(self) -> str:
        """The digest that people see: W&B's with the label MD5, else the tree digest."""
        if self.digest_algorithm is not Label.MD5:
            return self.tree_digest()
        with self._lock:
            if "shown" not in self._digests:
                self._digests["shown"] = wandb_digest((path, shown_digest(entry)) for path, entry in self._entries.items())
            return self._digests["shown"]

    def tree_digest(self) -> str:
        """The artifact digest over tree digests, whatever the label: what decides whether two versions are equal."""
        with self._lock:
            if "tree" not in self._digests:
                self._digests["tree"] = artifact_digest(self.algorithm, self._entries.items())
            return self._digests["tree"]

    def size(self) -> int:
        """Bytes of all entries whose size is known, references included."""
        return sum(entry.size or 0 for entry in self._entries.copy().values())

    def add_entry(self, path: str | PurePath, entry: Entry, overwrite: bool = False) -> Entry:
        """Add `entry` and return what now lies under `path`; the same digest again changes nothing.

        Raise `InvalidValueError` for another digest under the same path without `overwrite`, for a file where there is a
        folder or the other way round, and for a path that cannot be.
        """
        plain = artifact_path(path, md5=self.digest_algorithm is Label.MD5)
        with self._lock:
            present = self._entries.get(plain)
            if present is None:
                self._check_clash(plain)
                self._enter(plain)
            elif not overwrite:
                if (present.digest, present.ref) != (entry.digest, entry.ref):
                    raise InvalidValueError(f"Cannot add the same path twice: {plain!r}", hint="pass overwrite=True")
                return present
            self._entries[plain] = entry
            self._digests.clear()
            return entry

    def add_entries(self, entries: EntryMap) -> None:
        """Add all of them, in place of what lies under their paths, or none. Their paths are valid and do not clash.

        Raise `InvalidValueError` for a file where there is a folder, or the other way round.
        """
        with self._lock:
            new = [path for path in entries if path not in self._entries]
            for path in new:
                self._check_clash(path)
            for path in new:
                self._enter(path)
            self._entries |= entries
            self._digests.clear()

    def remove_entry(self, path: str) -> Entry:
        """Remove and return the entry. Raise `EntryNotFoundError` if there is none."""
        with self._lock:
            entry = self._entries.pop(path, None)
            if entry is None:
                raise EntryNotFoundError(path, self._name)
            self._leave(path)
            self._digests.clear()
            return entry

    def get_entry_by_path(self, path: str) -> Entry | None:
        """The entry under `path`, or None."""
        return self._entries.get(path)

    def get_entries_in_directory(self, directory: str) -> Entries:
        """Path → entry of everything below `directory`, at any depth ("" for all)."""
        prefix = f"{directory.rstrip('/')}/" if directory else ""
        return {path: entry for path, entry in self._entries.copy().items() if path.startswith(prefix)}

    def to_manifest_json(self) -> dict[str, Any]:
        """W&B's manifest document of version 1."""
        return to_manifest_json(self._entries.copy())

    @classmethod
    def from_manifest_json(cls, document: Mapping[str, Any]) -> Self:
        """The manifest in a W&B document. Its files are known only by MD5: they can be compared, not fetched."""
        return cls(Label.MD5, from_manifest_json(document))

    def _check_clash(self, path: str) -> None:
        if path in self._children:
            raise self._clash(path)
        folder = path
        while (end := folder.rfind("/")) > 0:
            folder = folder[:end]
            if folder in self._children:
                return  # what is a folder already has no file above it
            if folder in self._entries:
                raise InvalidValueError(f"Cannot add {path!r}: {folder!r} is a file, not a folder")

    def _clash(self, file: str) -> InvalidValueError:
        below = next(path for path in self._entries if path.startswith(f"{file}/"))
        return InvalidValueError(f"Cannot add {file!r}: it is a folder, {below!r} lies in it")

    def _enter(self, path: str) -> None:
        folder = path
        while (end := folder.rfind("/")) > 0:
            folder = folder[:end]
            children = self._children.get(folder, 0)
            self._children[folder] = children + 1
            if children:
                return

    def _leave(self, path: str) -> None:
        folder = path
        while (end := folder.rfind("/")) > 0:
            folder = folder[:end]
            self._children[folder] -= 1
            if self._children[folder]:
                return
            del self._children[folder]
