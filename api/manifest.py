"""The manifest as people meet it: the entries of an artifact as objects that can be asked and downloaded."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from ..manifest.digest import Label
from ..manifest.manifest import Manifest
from ..manifest.wandb import VERSION
from .entry import ArtifactManifestEntry

if TYPE_CHECKING:
    from .contents import Contents


class ArtifactManifest:
    """All entries of one artifact. That of a draft follows later changes, and can be changed itself."""

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
    def entries(self) -> Mapping[str, ArtifactManifestEntry]:
        """Path → entry. Each is made when it is looked up."""
        return _Entries(self._artifact, self._manifest)

    def digest(self) -> str:
        """The digest of the artifact."""
        return self._manifest.digest()

    def size(self) -> int:
        """Bytes of all entries whose size is known, references included."""
        return self._manifest.size()

    @staticmethod
    def version() -> int:
        """The version of W&B's manifest format that `to_manifest_json` writes."""
        return VERSION

    def to_manifest_json(self) -> dict[str, Any]:
        """W&B's manifest document of version 1."""
        return self._manifest.to_manifest_json()

    @classmethod
    def from_manifest_json(cls, manifest_json: Mapping[str, Any]) -> Self:
        """The manifest in a W&B document, of a draft that is called "manifest". Its files are known only by MD5: they can be
        compared, not fetched. Raise ValueError for what is no such document."""
        from .artifact import Artifact

        draft = Artifact("manifest", digest_algorithm=Label.MD5)
        draft.draft.manifest = Manifest.from_manifest_json(manifest_json)
        return cls(draft, draft.draft.manifest)

    def add_entry(self, entry: ArtifactManifestEntry, overwrite: bool = False) -> None:
        """Add an entry of this or another artifact, under its path. Its content is not read again; what has no local file must be
        stored already by the entity that logs it, else logging raises `StoreError`. Raise ValueError for another content under
        the same path without `overwrite`, and for digests of another kind, `ArtifactFinalizedError` once this is logged."""
        self._artifact.draft.check_open("manifest.add_entry")
        entry.enter(self._artifact.draft, overwrite=overwrite)

    def remove_entry(self, entry: ArtifactManifestEntry) -> None:
        """Remove what lies under the entry's path. Raise FileNotFoundError, `ArtifactFinalizedError` once the artifact is
        logged."""
        self._artifact.draft.check_open("manifest.remove_entry")
        self._artifact.draft.remove(entry.path)

    def get_entry_by_path(self, path: str) -> ArtifactManifestEntry | None:
        """The entry under `path`, or None."""
        return self.entries.get(path)

    def get_entries_in_directory(self, directory: str) -> list[ArtifactManifestEntry]:
        """Everything below `directory`, at any depth ("" for all)."""
        entries = self.entries
        return [entries[path] for path in self._manifest.get_entries_in_directory(directory)]


class _Entries(Mapping[str, ArtifactManifestEntry]):
    def __init__(self, artifact: "Contents", manifest: Manifest) -> None:
        self._artifact, self._manifest = artifact, manifest

    def __getitem__(self, path: str) -> ArtifactManifestEntry:
        return ArtifactManifestEntry(self._artifact, path, self._manifest.entries[path], self._artifact.source_of(path))

    def __contains__(self, path: object) -> bool:
        return path in self._manifest

    def __iter__(self) -> Iterator[str]:
        return iter(self._manifest.entries)

    def __len__(self) -> int:
        return len(self._manifest)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"
