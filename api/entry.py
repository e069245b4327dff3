"""Entries and files as people meet them: one path of one artifact."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from ..errors import ArtifactNotLoggedError, InvalidValueError
from ..manifest.entry import Entry, shown_digest
from ..manifest.keys import object_key
from ..manifest.wandb import BIRTH, to_manifest_json
from .documents import tree_algorithm
from .portal import blocking, run
from .references.manner import Manner
from .targets import origin_of

if TYPE_CHECKING:
    from ..media.value import Origin
    from .artifact import Artifact
    from .contents import Contents
    from .draft import Draft, Source
    from .opening import ArtifactFile, AsyncFile
    from .readable import Readable


class ArtifactManifestEntry:
    """What lies under one path of an artifact."""

    skip_cache = False
    """There is no cache that could be skipped."""

    def __init__(self, artifact: "Contents", path: str, entry: Entry, source: "Source | None" = None) -> None:
        self._artifact, self._entry, self._source = artifact, entry, source
        self.path = path

    @property
    def local_path(self) -> str | None:
        """The local file that it was added from; None for what comes from elsewhere."""
        return self._source.file.path if self._source else None

    def __repr__(self) -> str:
        return f"<ArtifactManifestEntry {self.path} ({self.size} bytes, {self.digest})>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArtifactManifestEntry):
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

    def ref_url(self) -> str:
        """The URI that names this entry in other artifacts. Raise `ArtifactNotLoggedError` before its artifact is logged."""
        return self.origin.uri

    @property
    def origin(self) -> "Origin":
        """What other artifacts say of it when they refer to it."""
        return origin_of(self._artifact.logged_version("ref_url").id, self.path, self._entry)

    def enter(self, draft: "Draft", *, overwrite: bool) -> None:
        """Become an entry of this draft. Raise ValueError for digests of another kind, and as `Draft.enter`."""
        home = self._artifact.draft
        if home.manifest.digest_algorithm is not draft.manifest.digest_algorithm:
            raise InvalidValueError(
                f"{self.path!r} has {home.manifest.digest_algorithm.value} digests; {draft.name} has those of "
                f"{draft.manifest.digest_algorithm.value}",
                hint="make both with the same digest_algorithm",
            )
        kept = () if home is draft else (home,)  # which owns the files that it made
        draft.enter({self.path: (self._entry, self._source)}, kept, overwrite=overwrite)

    async def download_async(
        self,
        root: str | os.PathLike[str] | None = None,
        skip_cache: bool | None = None,
        executor: object = None,
        *,
        allow_local_references: bool = False,
    ) -> str:
        """The file, verified, below `root` (default: the artifact's download folder). Returns its path. A reference is treated as
        `Artifact.download` does; raise `UsageError` for one that nobody can follow."""
        del skip_cache, executor  # there is no cache that could be skipped, and there are lanes
        if self._artifact.is_draft():
            raise ArtifactNotLoggedError("download")
        root = os.fspath(root) if root is not None else self._artifact.default_root()
        manner = Manner(allow_local=allow_local_references, allow_unknown=False)
        await self._artifact.fetch_entries({self.path: self._entry}, root, manner=manner)
        return os.path.join(root, self.path)

    download = blocking(download_async)

    async def _readable(self, *, allow_local: bool) -> "Readable":
        from .readable import find_readable

        version, workspace = self._artifact.logged_in("open")
        return await find_readable(workspace, version, self.path, self._entry, Manner(allow_local=allow_local))

    def open(self, *, allow_local_references: bool = False) -> "ArtifactFile":
        """The content as a file object in binary mode that is read where it lies: any part of it, in any order, each leaf (8 MiB)
        verified. Of an entry that refers to another artifact's, that content. Of any other reference what it leads to now, if
        that still is what was referred to, and none but that. Raise `ArtifactNotLoggedError` before it is logged; for references
        as `download` does, and `UsageError` for those that cannot be read in parts."""
        from .opening import ArtifactFile

        return ArtifactFile(run(lambda: self._readable(allow_local=allow_local_references)))

    @asynccontextmanager
    async def open_async(self, *, allow_local_references: bool = False) -> "AsyncGenerator[AsyncFile]":
        """As `open`, for as long as the block runs; `await file.read(size)`."""
        from .opening import opened

        async with opened(await self._readable(allow_local=allow_local_references)) as file:
            yield file


class File:
    """A file of an artifact, as `Artifact.files()` lists it."""

    def __init__(self, entry: ArtifactManifestEntry) -> None:
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

    @property
    def md5(self) -> str | None:
        """Of its content, in base64 as W&B writes it; None for references, and unless the artifact has `digest_algorithm` MD5."""
        known = self._entry.parent_artifact().digest_algorithm == "MD5" and self._entry.ref is None
        return self.digest if known else None

    @property
    def mimetype(self) -> str:
        """As far as its name tells; of what is compressed, and of unknown names, `application/octet-stream`."""
        import mimetypes  # reads the system's tables, which few need

        kind, encoding = mimetypes.guess_type("file" + os.path.splitext(self.name)[1])  # the whole of it could pass for a URL
        return kind if kind and not encoding else "application/octet-stream"

    @property
    def url(self) -> str:
        """Where its bytes lie: the URL of the object in the store, or what a reference refers to."""
        if self._entry.ref is not None:
            return self._entry.ref
        version, workspace = self._entry.parent_artifact().logged_in("url")
        place, mark, options = workspace.store.url.partition("?")
        key = object_key(version.entity_id, tree_algorithm(version), self._entry.origin.content or "")
        return f"{place.rstrip('/')}/{key}{mark}{options}"

    async def download_async(self, root: str | os.PathLike[str] = ".", replace: bool = False, exist_ok: bool = False) -> str:
        """The file, verified, below `root`. Returns its path. A file that is there already is an error unless it may be replaced
        or kept (then it is kept only if it is right)."""
        target = os.path.join(root, self.name)
        if not (replace or exist_ok) and await asyncio.to_thread(os.path.lexists, target):
            raise InvalidValueError(f"File already exists: {target}", hint="pass replace=True or exist_ok=True")
        return await self._entry.download_async(root)

    download = blocking(download_async)
