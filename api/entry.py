"""Entries and files as people meet them: one path of one artifact."""

import asyncio
import os
from typing import TYPE_CHECKING, Any, cast

from ..errors import ArtifactNotLoggedError, InvalidValueError, UsageError
from ..manifest.entry import Entry, shown_digest
from ..manifest.wandb import BIRTH, to_manifest_json
from .portal import blocking

if TYPE_CHECKING:
    from .artifact import Artifact
    from .contents import Contents


class ArtifactEntry:
    """What lies under one path of an artifact."""

    skip_cache = False
    """There is no cache that could be skipped."""

    def __init__(self, artifact: "Contents", path: str, entry: Entry, local_path: str | None = None) -> None:
        self._artifact, self._entry = artifact, entry
        self.path = path
        self.local_path = local_path

    def __repr__(self) -> str:
        return f"<ArtifactEntry {self.path} ({self.size} bytes, {self.digest})>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArtifactEntry):
            return NotImplemented
        return (self.path, self.digest, self.ref, self.size, self.extra) == (
            other.path,
            other.digest,
            other.ref,
            other.size,
            other.extra,
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content that may be a dict

    @property
    def name(self) -> str:
        """The path: W&B's older word for it."""
        return self.path

    @property
    def digest(self) -> str:
        return shown_digest(self._entry)

    @property
    def size(self) -> int | None:
        """Bytes; None where a reference does not say."""
        return self._entry.size

    @property
    def ref(self) -> str | None:
        """The URI of bytes elsewhere; None for what is stored."""
        return self._entry.ref

    @property
    def extra(self) -> dict[str, Any]:
        return dict(self._entry.extra)

    @property
    def birth_artifact_id(self) -> str | None:
        """The artifact that brought the file first, where W&B's document said so: lading keeps no such thing."""
        return cast("str | None", self._entry.extra.get(BIRTH))

    def to_json(self) -> dict[str, Any]:
        """What W&B's manifest document says of it; what is not set is left out."""
        return cast("dict[str, Any]", to_manifest_json({self.path: self._entry})["contents"][self.path])

    def parent_artifact(self) -> "Artifact":
        return cast("Artifact", self._artifact)

    def ref_target(self) -> str:
        """The URI of a reference. Raise ValueError for an entry that is none."""
        if self._entry.ref is None:
            raise InvalidValueError("Only reference entries support ref_target().")
        return self._entry.ref

    async def download_async(self, root: str | os.PathLike[str] | None = None, skip_cache: bool | None = None) -> str:
        """The file, verified, below `root` (default: the artifact's download folder). Returns its path."""
        del skip_cache  # there is no cache that could be skipped
        if self._artifact.is_draft():
            raise ArtifactNotLoggedError("download")
        if self._entry.ref is not None:
            raise UsageError(f"{self.path} is a reference to {self._entry.ref}; references cannot be downloaded yet")
        root = os.fspath(root) if root is not None else self._artifact.default_root()
        await self._artifact.fetch_entries({self.path: self._entry}, root)
        return os.path.join(root, self.path)

    download = blocking(download_async)


class File:
    """A file of an artifact, as `Artifact.files()` lists it."""

    def __init__(self, entry: ArtifactEntry) -> None:
        self._entry = entry

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.size} bytes)>"

    @property
    def name(self) -> str:
        return self._entry.path

    @property
    def path(self) -> str:
        return self._entry.path

    @property
    def size(self) -> int:
        """Bytes; 0 where a reference does not say."""
        return self._entry.size or 0

    @property
    def digest(self) -> str:
        return self._entry.digest

    async def download_async(self, root: str | os.PathLike[str] = ".", replace: bool = False, exist_ok: bool = False) -> str:
        """The file, verified, below `root`. Returns its path. A file that is there already is an error unless it may be replaced
        or kept (then it is kept only if it is right)."""
        target = os.path.join(root, self.name)
        if not (replace or exist_ok) and await asyncio.to_thread(os.path.lexists, target):
            raise InvalidValueError(f"File already exists: {target}", hint="pass replace=True or exist_ok=True")
        return await self._entry.download_async(root)

    download = blocking(download_async)
