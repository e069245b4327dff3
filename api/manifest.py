"""The manifest as people meet it: the entries of an artifact as objects that can be asked and downloaded."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..manifest.manifest import Manifest
from .entry import ArtifactEntry

if TYPE_CHECKING:
    from .contents import Contents


class ArtifactManifest:
    """All entries of one artifact, read-only; that of a draft follows later changes."""

    storage_policy = "lading-v1"
    """Where content lies: always under its digest."""

    def __init__(self, artifact: "Contents", manifest: Manifest) -> None:
        self._artifact, self._manifest = artifact, manifest

    def __len__(self) -> int:
        return len(self._manifest)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, path: object) -> bool:
        return path in self._manifest

    def __eq__(self, other: object) -> bool:
        """Whether it is the manifest of the same artifact, not whether another holds the same: compare `digest()` for that."""
        return isinstance(other, ArtifactManifest) and self._manifest is other._manifest

    def __hash__(self) -> int:
        return id(self._manifest)

    def __repr__(self) -> str:
        return f"<ArtifactManifest [{len(self)} entries, {self._manifest.digest_algorithm}]>"

    @property
    def entries(self) -> Mapping[str, ArtifactEntry]:
        """Path → entry. Each is made when it is looked up."""
        return _Entries(self._artifact, self._manifest)

    def digest(self) -> str:
        """The digest of the artifact."""
        return self._manifest.digest()

    def size(self) -> int:
        """Bytes of all entries whose size is known, references included."""
        return self._manifest.size()

    def version(self) -> int:
        """The version of W&B's manifest format that `to_manifest_json` writes."""
        return self._manifest.version()

    def to_manifest_json(self) -> dict[str, Any]:
        """W&B's manifest document of version 1."""
        return self._manifest.to_manifest_json()

    def get_entry_by_path(self, path: str) -> ArtifactEntry | None:
        """The entry under `path`, or None."""
        return self.entries.get(path)

    def get_entries_in_directory(self, directory: str) -> list[ArtifactEntry]:
        """Everything below `directory`, at any depth ("" for all)."""
        entries = self.entries
        return [entries[path] for path in self._manifest.get_entries_in_directory(directory)]


class _Entries(Mapping[str, ArtifactEntry]):
    def __init__(self, artifact: "Contents", manifest: Manifest) -> None:
        self._artifact, self._manifest = artifact, manifest

    def __getitem__(self, path: str) -> ArtifactEntry:
        return ArtifactEntry(self._artifact, path, self._manifest.entries[path], self._artifact.local_path_of(path))

    def __contains__(self, path: object) -> bool:
        return path in self._manifest

    def __iter__(self) -> Iterator[str]:
        return iter(self._manifest.entries)

    def __len__(self) -> int:
        return len(self._manifest)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"
