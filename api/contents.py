"""Contents: what a logged artifact holds, listed, downloaded and checked."""

import asyncio
import logging
import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ..catalog import Page, State, Version
from ..errors import InvalidValueError
from ..manifest.entry import Entries
from ..manifest.manifest import Manifest
from ..manifest.targets import is_target
from ..transfer.progress import Listener, Meter, Progress
from .described import Described
from .documents import load_entries, load_named
from .draft import Draft
from .entry import ArtifactManifestEntry, File
from .manifest import ArtifactManifest
from .paginator import Paginator, slice_of
from .portal import blocking, fetched
from .references.manner import Manner
from .targets import by_version, find_targets
from .workspace import Workspace

if TYPE_CHECKING:
    from .runs import PublicRun

Root = str | os.PathLike[str] | None
_log = logging.getLogger("lading.verify")


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
        return fetched(self.manifest_async, "manifest")

    async def _entries(self, prefix: str = "") -> Entries:
        if self._manifest is not None:
            return {path: entry for path, entry in self._manifest.entries.items() if path.startswith(prefix)}
        version, workspace = self._logged("manifest")
        return await load_entries(workspace, version, prefix)

    def logged_in(self, attribute: str) -> tuple[Version, Workspace]:
        """The catalogue's version, and where it is. Raise `ArtifactNotLoggedError` naming `attribute` before it is logged."""
        return self._logged(attribute)

    @property
    def draft(self) -> Draft:
        """What is to be logged."""
        return self._draft

    async def entries_at(self, paths: Collection[str]) -> Entries:
        """The entries under these paths, as far as there are such; only the pages that can hold them are read."""
        if self._manifest is not None:
            known = self._manifest.entries
            return {path: known[path] for path in paths if path in known}
        version, workspace = self._logged("get_entry")
        return await load_named(workspace, version, paths)

    async def paths_below(self, prefix: str) -> list[str]:
        """The paths that start with `prefix`, sorted."""
        return sorted(await self._entries(prefix))

    async def get_entry_async(self, name: str | os.PathLike[str]) -> ArtifactManifestEntry:
        """The entry under a path, else that of the value called `name`; only the pages that can hold it are read. Raise KeyError
        if there is none."""
        self.logged_version("get_entry")
        from .values import entry_or_object

        path, entry = await entry_or_object(self, os.fspath(name))
        return ArtifactManifestEntry(self, path, entry)

    get_entry = blocking(get_entry_async)
    get_path_async = get_entry_async
    get_path = get_entry

    async def get_async(self, name: str) -> Any:
        """The value called `name` (a Table, an Image …), with the files that belong to it in the download folder; None if there
        is none. Raise `ManifestError` for one that is damaged or hostile."""
        self.logged_version("get")
        from .values import get_value, object_names

        names = object_names(os.fspath(name))
        entries = await self.entries_at(names)
        path = next((path for path in names if path in entries), None)
        return None if path is None else await get_value(self, path, entries[path])

    get = blocking(get_async)

    def __getitem__(self, name: str) -> Any:
        """As `get`."""
        return self.get(name)

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
            files = tuple(File(ArtifactManifestEntry(self, path, entries[path])) for path in page.items)
            return Page(files, page.cursor, page.total)

        return Paginator(fetch, per_page, start)

    # -- to and from a folder -----------------------------------------------------------------------------------------
    def default_root(self, versioned: bool = True) -> str:
        """Where downloads go that name no root: `<LADING_ARTIFACT_DIR>/<name>:vN`."""
        version, workspace = self._logged("download")
        return os.path.join(workspace.settings.artifact_dir, self.source_name if versioned else version.source.collection)

    def _root(self, root: Root, *, versioned: bool = True) -> str:
        return os.path.abspath(self.default_root(versioned) if root is None else os.fspath(root))

    async def fetch_entries(
        self,
        entries: Entries,
        root: str,
        meter: Meter | None = None,
        *,
        rehash: bool = False,
        manner: Manner = Manner(),  # noqa: B008  # a value that never changes
    ) -> None:
        """These entries become files below `root`: what is stored, what other artifacts hold, and what references lead to. Raise
        as `download_async`."""
        from .download import download_entries

        version, workspace = self._logged("download")
        meter = meter or Meter()
        targets = await find_targets(workspace, {path: entry for path, entry in entries.items() if is_target(entry)})
        own = {path: entry for path, entry in entries.items() if path not in targets}
        for other, theirs in [(version, own), *by_version(targets)]:
            stored = {path: entry for path, entry in theirs.items() if entry.ref is None}
            await download_entries(workspace, other, stored, root, meter, rehash=rehash)
            if len(stored) < len(theirs):
                from .references.following import follow

                outside = {path: entry for path, entry in theirs.items() if entry.ref is not None}
                await follow(workspace, other, outside, root, meter, manner)

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
        allow_local_references: bool = False,
        progress: Listener | None = None,
    ) -> str:
        """Every file, or those whose path starts with `path_prefix`, verified, below `root`; returns its absolute path.

        Files that are right already are kept, others of the artifact are replaced whole, all other files stay. `rehash` reads
        what the index already knows. `skip_cache` and `multipart` are accepted and change nothing: there is no cache, and
        large files always move in parts. Raise `DigestMismatchError`, `LocalFileError`, `DiskFullError`, `StoreError`.

        References are downloaded from where they lead to, if that is still what was added; `allow_missing_references` leaves out
        what is no longer there, with a warning. Those in an artifact of another entity that lead to files of this machine, or to
        its network, are refused (`StoreDeniedError`) without `allow_local_references`.
        """
        del skip_cache, multipart
        root, prefix = self._root(root), os.fspath(path_prefix or "")
        manner = Manner(allow_missing_references, allow_local_references)
        await self.download_with(Meter(progress), root, prefix, rehash=rehash, manner=manner)
        if recursive:
            await self._download_targets(prefix, set(), manner)
        return root

    download = blocking(download_async)

    async def _download_targets(self, prefix: str, seen: set[str], manner: Manner) -> None:
        """Download each artifact that entries refer to, and what those refer to, each once and to its own download folder."""
        _, workspace = self._logged("download")
        entries = {path: entry for path, entry in (await self._entries(prefix)).items() if is_target(entry)}
        for version, _ in by_version(await find_targets(workspace, entries)):
            if version.id not in seen and version.state is State.COMMITTED:  # of a deleted one only what is referred to is left
                seen.add(version.id)
                other = self.of(version, workspace)
                await other.download_with(Meter(), other.default_root(), "", manner=manner)
                await other._download_targets("", seen, manner)

    async def download_with(
        self,
        meter: Meter,
        root: str,
        prefix: str,
        *,
        rehash: bool = False,
        manner: Manner = Manner(),  # noqa: B008  # a value that never changes
    ) -> Progress:
        """As `download_async`, counted by `meter`; returns the final counts."""
        self.logged_version("download")
        await self.fetch_entries(await self._entries(prefix), root, meter, rehash=rehash, manner=manner)
        return meter.finish()

    async def checkout_async(
        self, root: Root = None, *, allow_local_references: bool = False, progress: Listener | None = None
    ) -> str:
        """Make `root` (default: the download folder without the version) hold this artifact and nothing else. Other files in it,
        links and folders that are empty then are removed; links are not followed. References are treated as in `download_async`.
        Returns its absolute path."""
        from .download import checkout_entries

        version, workspace = self._logged("checkout")
        root = self._root(root, versioned=False)
        meter = Meter(progress)
        entries = await self._entries()
        await checkout_entries(workspace, version, entries, root, meter)
        references = {path: entry for path, entry in entries.items() if entry.ref is not None}
        await self.fetch_entries(references, root, meter, manner=Manner(allow_local=allow_local_references))
        meter.finish()
        return root

    checkout = blocking(checkout_async)

    async def verify_async(self, root: Root = None, *, progress: Listener | None = None) -> None:
        """Read every file below `root` (default: the download folder, downloaded if it is not there) and compare. Raise
        ValueError (`VerificationError`, whose `problems` lists all) for a wrong, missing or foreign file. References are not
        checked, and a warning counts them."""
        from .download import verify_entries

        version, workspace = self._logged("verify")
        if root is None and not await asyncio.to_thread(os.path.isdir, self.default_root()):
            await self.download_async()
        root = self.default_root() if root is None else os.fspath(root)
        meter = Meter(progress)
        entries = await self._entries()
        await verify_entries(workspace, version, entries, root, meter)
        if references := sum(entry.ref is not None for entry in entries.values()):
            _log.warning("%s: %d references were not verified", version.place, references)
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
        version = self.logged_version("json_encode")
        return {
            "_type": "artifactVersion",
            "_version": "v0",
            "id": self.id,
            "version": self.source_version,
            "sequenceName": version.source.collection,
            "usedAs": self._use_as,
        }
