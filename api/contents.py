"""Contents: what a logged artifact holds, listed, downloaded and checked."""

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..catalog import Page, Version
from ..errors import EntryNotFoundError, InvalidValueError, UsageError
from ..manifest.entry import Entries, Entry
from ..manifest.manifest import Manifest
from ..transfer.progress import Listener, Meter, Progress
from .described import Described
from .documents import load_entries, load_entry
from .download import checkout_entries, download_entries, verify_entries
from .entry import ArtifactEntry, File
from .manifest import ArtifactManifest
from .paginator import Paginator, slice_of
from .portal import blocking
from .workspace import Workspace

if TYPE_CHECKING:
    from .runs import PublicRun

Root = str | os.PathLike[str] | None


class Contents(Described):
    """The entries of an artifact, and its place in the graph of runs."""

    def _logged(self, attribute: str) -> tuple[Version, Workspace]:
        version = self.logged_version(attribute)
        assert self._workspace is not None  # set together with the version
        return version, self._workspace

    async def _all(self) -> Manifest:
        """All entries, fetched from the store at the first call."""
        if self._version is None:
            return self._draft.manifest
        if self._manifest is None:
            version, workspace = self._logged("manifest")
            entries = await load_entries(workspace, version)
            self._manifest = await asyncio.to_thread(Manifest, version.digest_algorithm, entries, name=self.name)
        return self._manifest

    async def manifest_async(self) -> ArtifactManifest:
        """All entries, fetched from the store at the first call."""
        return ArtifactManifest(self, await self._all())

    @property
    def manifest(self) -> ArtifactManifest:
        """All entries. Where an event loop runs and they are not fetched yet, await `manifest_async()` instead."""
        known = self._manifest if self._version is not None else self._draft.manifest
        if known is not None:
            return ArtifactManifest(self, known)
        if _loop_runs():
            raise UsageError("artifact.manifest would block this event loop", hint="await artifact.manifest_async()")
        return blocking(self.manifest_async)()

    async def _entries(self, prefix: str = "") -> Entries:
        if self._manifest is not None:
            return {path: entry for path, entry in self._manifest.entries.items() if path.startswith(prefix)}
        version, workspace = self._logged("manifest")
        return await load_entries(workspace, version, prefix)

    async def _entry(self, path: str) -> Entry:
        if self._manifest is not None or self._version is None:
            entry = (await self._all()).get_entry_by_path(path)
        else:
            version, workspace = self._logged("get_entry")
            entry = (await load_entry(workspace, version, path)).get(path)
        if entry is None:
            raise EntryNotFoundError(path, self.name)
        return entry

    async def get_entry_async(self, name: str | os.PathLike[str]) -> ArtifactEntry:
        """The entry under a path; only the page that holds it is read. Raise KeyError if there is none."""
        self.logged_version("get_entry")
        path = os.fspath(name)
        return ArtifactEntry(self, path, await self._entry(path))

    get_entry = blocking(get_entry_async)
    get_path_async = get_entry_async
    get_path = get_entry

    def __getitem__(self, name: str) -> ArtifactEntry:
        """The entry under a path. Raise KeyError if there is none."""
        return self.get_entry(name)

    def files(self, names: Sequence[str] | None = None, per_page: int = 50, start: str | None = None) -> Paginator[File]:
        """Its files, by path, or those of `names` that exist. It has a `len`, and a `cursor` to go on from with `start`."""
        self.logged_version("files")
        wanted = None if names is None else set(names)
        paths: list[str] = []

        async def fetch(limit: int, cursor: str | None) -> Page[File]:
            entries = (await self._all()).entries
            if not paths:
                paths.extend(sorted(path for path in entries if wanted is None or path in wanted))
            page = slice_of(paths, limit, cursor)
            files = tuple(File(ArtifactEntry(self, path, entries[path])) for path in page.items)
            return Page(files, page.cursor, page.total)

        return Paginator(fetch, per_page, start)

    # -- to and from a folder -----------------------------------------------------------------------------------------
    def default_root(self, versioned: bool = True) -> str:
        """Where downloads go that name no root: `<LADING_ARTIFACT_DIR>/<name>:vN`."""
        version, workspace = self._logged("download")
        return os.path.join(workspace.settings.artifact_dir, self.source_name if versioned else version.source.collection)

    def _root(self, root: Root, *, versioned: bool = True) -> str:
        return os.path.abspath(self.default_root(versioned) if root is None else os.fspath(root))

    async def fetch_entries(self, entries: Entries, root: str, meter: Meter | None = None, *, rehash: bool = False) -> None:
        """These entries become files below `root`."""
        version, workspace = self._logged("download")
        await download_entries(workspace, version, entries, root, meter or Meter(), rehash=rehash)

    async def download_async(
        self,
        root: Root = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        multipart: bool | None = None,
        *,
        recursive: bool = False,
        rehash: bool = False,
        progress: Listener | None = None,
    ) -> str:
        """Every file, or those whose path starts with `path_prefix`, verified, below `root`; returns its absolute path.

        Files that are right already are kept, others of the artifact are replaced whole, all other files stay. `rehash` reads
        what the index already knows. `skip_cache` and `multipart` are accepted and change nothing: there is no cache, and
        large files always move in parts. Raise `DigestMismatchError`, `LocalFileError`, `DiskFullError`, `StoreError`.
        """
        del allow_missing_references, skip_cache, multipart, recursive
        root = self._root(root)
        await self.download_with(Meter(progress), root, os.fspath(path_prefix or ""), rehash=rehash)
        return root

    download = blocking(download_async)

    async def download_with(self, meter: Meter, root: str, prefix: str, *, rehash: bool = False) -> Progress:
        """As `download_async`, counted by `meter`; returns the final counts."""
        self.logged_version("download")
        entries = await self._entries(prefix)
        if references := [path for path, entry in entries.items() if entry.ref is not None]:
            raise UsageError(f"{references[0]} is a reference; references cannot be downloaded yet")
        await self.fetch_entries(entries, root, meter, rehash=rehash)
        return meter.finish()

    async def checkout_async(self, root: Root = None, *, progress: Listener | None = None) -> str:
        """Make `root` (default: the download folder without the version) hold this artifact and nothing else. Other files in it,
        links and folders that are empty then are removed; links are not followed. Returns its absolute path."""
        version, workspace = self._logged("checkout")
        root = self._root(root, versioned=False)
        meter = Meter(progress)
        await checkout_entries(workspace, version, await self._entries(), root, meter)
        meter.finish()
        return root

    checkout = blocking(checkout_async)

    async def verify_async(self, root: Root = None, *, progress: Listener | None = None) -> None:
        """Read every file below `root` (default: the download folder) and compare. Raise ValueError (`VerificationError`, whose
        `problems` lists all) for a wrong, missing or foreign file. References are not checked."""
        version, workspace = self._logged("verify")
        root = self.default_root() if root is None else os.fspath(root)
        meter = Meter(progress)
        await verify_entries(workspace, version, await self._entries(), root, meter)
        meter.finish()

    verify = blocking(verify_async)

    async def file_async(self, root: Root = None) -> str:
        """Download an artifact of a single file; returns the file's path. Raise ValueError if it has more or none."""
        self.logged_version("file")
        entries = await self._entries()
        if len(entries) != 1:
            raise InvalidValueError(
                f"{self.name} has {len(entries)} files, not one", hint="use download(), or get_entry(path).download()"
            )
        return os.path.join(await self.download_async(root), next(iter(entries)))

    file = blocking(file_async)

    # -- lineage ------------------------------------------------------------------------------------------------------
    async def logged_by_async(self) -> "PublicRun | None":
        """The run that made it; None if it was logged without one."""
        from .runs import PublicRun

        version, workspace = self._logged("logged_by")
        info = await workspace.catalog.logged_by(version.id)
        return PublicRun(info, workspace) if info else None

    logged_by = blocking(logged_by_async)

    async def used_by_async(self) -> "list[PublicRun]":
        """The runs that used it."""
        from .runs import PublicRun

        version, workspace = self._logged("used_by")
        return [PublicRun(info, workspace) for info in await workspace.catalog.used_by(version.id)]

    used_by = blocking(used_by_async)

    def json_encode(self) -> dict[str, Any]:
        """What a config stores of an artifact."""
        self.logged_version("json_encode")
        return {
            "_type": "artifactVersion",
            "_version": "v0",
            "id": self.id,
            "version": self.source_version,
            "sequenceName": self.source_collection,
            "usedAs": None,
        }


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
