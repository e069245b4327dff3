"""Artifact: what people put together, log, use and edit. Names and behaviour are those of W&B's class."""

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Self

from ..catalog import Change, Version
from ..errors import ArtifactNotLoggedError, InvalidValueError, UnknownNameError
from ..manifest.digest import Label, digest_label
from ..manifest.names import alias_list, collection_name, tag_list, type_name
from ..manifest.names import metadata as checked_metadata
from ..transfer.progress import Listener, Meter
from .draft import Base, Draft
from .entry import ArtifactManifestEntry
from .linked import Linked, link_version
from .newfile import open_new_file
from .pending import Pending, Waiting
from .portal import blocking, run
from .session import active_run, here, workspace_here
from .workspace import Workspace

if TYPE_CHECKING:
    from ..media.value import Value
    from .public import Api

Path = str | os.PathLike[str]


class Artifact(Linked):
    """A named, versioned set of files.

    Made by its constructor it is a draft: add to it, then `run.log_artifact(artifact)` or `artifact.save()`. Found by
    `run.use_artifact` or `Api.artifact` it is a committed version: `download` it. Whatever may wait has an `…_async` form.
    Metadata is a dict of JSON values with at most 100 keys. Sizes are bytes, times ISO 8601 in UTC.
    """

    def __init__(
        self,
        name: str,
        type: str = "unspecified",
        description: str | None = None,
        metadata: Mapping[str, Any] | str | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        storage_region: str | None = None,
        digest_algorithm: str | None = None,
    ) -> None:
        """`incremental`: what is added comes on top of what `latest` holds when it is logged. `digest_algorithm`: BLAKE3
        (default, see LADING_DIGEST), SHA256, or MD5 for W&B's digests. `storage_region` is W&B's, and does nothing: where content
        lies is a setting. Raise ValueError for a name or type that cannot be, TypeError for metadata that cannot be."""
        if use_as is not None:
            warnings.warn("use_as is deprecated and does nothing", DeprecationWarning, stacklevel=2)
        if storage_region is not None and not (isinstance(storage_region, str) and storage_region.strip()):  # pyright: ignore
            raise InvalidValueError(f"Invalid storage_region: {storage_region!r}")
        checked = collection_name(name)
        draft = Draft(checked, digest_label(digest_algorithm or here().digest), incremental=incremental)
        super().__init__(checked, type_name(type, name=checked), draft)
        self.description, self._use_as = description, use_as
        self._metadata = checked_metadata(metadata)

    # -- adding -------------------------------------------------------------------------------------------------------
    def _open(self, method: str) -> Draft:
        self._draft.check_open(method)
        return self._draft

    async def _adding(self, method: str) -> tuple[Draft, Workspace]:
        """The draft, while it may change, and where its files are hashed. What a run is there to log goes ahead to the store."""
        draft, workspace = self._open(method), await workspace_here()
        run = active_run()
        if run is not None and not run.disabled and not (draft.ahead and draft.ahead.serves(workspace.store)):
            draft.go_ahead(workspace.ahead(run.entity))
        return draft, workspace

    async def add_file_async(
        self,
        local_path: Path,
        name: str | None = None,
        is_tmp: bool = False,
        skip_cache: bool = False,
        policy: str = "mutable",
        overwrite: bool = False,
    ) -> ArtifactManifestEntry:
        """Add a local file under `name` (default: its base name), and hash it. It may not change before it is logged: with policy
        "mutable" before log_artifact has returned, with "immutable" before wait() has. While a run is active, a file from 64 MiB
        on goes to a folder store at once, and goes away again with an artifact that is not logged. `is_tmp` replaces the name
        up to its first dot by part of the digest. Raise ValueError for what is not a file, a path that cannot be, or another
        content under the same path without `overwrite`; `FileChangedError` if it changes meanwhile, `StoreError`."""
        del skip_cache
        local = os.fspath(local_path)
        named = name or os.path.basename(local)
        draft, workspace = await self._adding("add_file")
        path = await draft.add_file(workspace, local, named, is_tmp=is_tmp, policy=policy, overwrite=overwrite)
        return ArtifactManifestEntry(self, path, draft.entry(path), self.source_of(path))

    add_file = blocking(add_file_async)

    async def add_dir_async(
        self,
        local_path: Path,
        name: str | None = None,
        skip_cache: bool = False,
        policy: str = "mutable",
        merge: bool = False,
        ignore: Sequence[str] = (),
        progress: Listener | None = None,
    ) -> None:
        """Add everything below a local folder, under the folder `name` (default: the root). Links are followed; `ignore` and
        a `.ladingignore` file in the folder take patterns as in .gitignore. With `merge`, changed files replace earlier ones."""
        del skip_cache
        (draft, workspace), meter = await self._adding("add_dir"), Meter(progress)
        root = os.fspath(local_path)
        await draft.add_dir(workspace, root, name or "", policy=policy, merge=merge, ignore=ignore, meter=meter)
        meter.finish()

    add_dir = blocking(add_dir_async)

    @asynccontextmanager
    async def new_file_async(
        self, name: str, mode: str | None = "x", encoding: str | None = None, policy: str = "mutable"
    ) -> AsyncGenerator[IO[Any]]:
        """A new file, open for writing, that is added when the block ends. Mode "w" replaces an entry, "x" does not; "b" for
        bytes."""
        draft, workspace = await self._adding("new_file")
        with open_new_file(draft, workspace, name, mode or "x", encoding) as (file, path):
            yield file
        await draft.add_file(workspace, path, name, is_tmp=False, policy=policy, overwrite="x" not in (mode or "x"))

    @contextmanager
    def new_file(
        self, name: str, mode: str | None = "x", encoding: str | None = None, policy: str = "mutable"
    ) -> Generator[IO[Any]]:
        """A new file, open for writing, that is added when the block ends. Mode "w" replaces an entry, "x" does not; "b" for
        bytes."""
        draft, workspace = blocking(self._adding)("new_file")
        with open_new_file(draft, workspace, name, mode or "x", encoding) as (file, path):
            yield file
        blocking(draft.add_file)(workspace, path, name, is_tmp=False, policy=policy, overwrite="x" not in (mode or "x"))

    async def add_reference_async(
        self,
        uri: "ArtifactManifestEntry | str",
        name: Path | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> Sequence[ArtifactManifestEntry]:
        """Add what lies elsewhere, without moving it: an object, all below a folder or prefix (under the folder `name`), or
        an entry of another artifact. What its place says of it (ETag, version, size) is noted, and compared at a download.

        Without `checksum` nothing is asked: one entry, whose digest is the URI; so it is for schemes that nobody knows. Raise
        ValueError for what is no URI, has no name, or is more than `max_objects` (default: 10,000,000) objects; FileNotFoundError
        if nothing is there; `StoreError`. If it raises, nothing was added."""
        draft, workspace = self._open("add_reference"), await workspace_here()
        from .references.adding import entries_of

        target = uri.ref_url() if isinstance(uri, ArtifactManifestEntry) else str(uri)
        named = None if name is None else os.fspath(name)
        label = draft.manifest.digest_algorithm
        entries = await entries_of(workspace, label, target, named, checksum=checksum, max_objects=max_objects)
        self._open("add_reference")  # it may have been logged meanwhile
        await asyncio.to_thread(draft.enter, {path: (entry, None) for path, entry in entries.items()}, (), overwrite=False)
        return [ArtifactManifestEntry(self, path, entry) for path, entry in entries.items()]

    add_reference = blocking(add_reference_async)

    async def add_async(self, obj: "Value", name: Path, overwrite: bool = False) -> ArtifactManifestEntry:
        """Add a value (a Table, an Image …) as `<name>.<kind>.json`, with the files that belong to it: all or nothing. What is
        called so already stays, and is returned, without `overwrite`; an object that was added before keeps its first name. A
        value got from another artifact becomes a reference to it, unless it was changed. Raise TypeError for what is no value,
        ValueError and TypeError for one that cannot be written."""
        draft = self._open("add")
        from .values import add_value

        path = await add_value(self, await workspace_here(), obj, os.fspath(name), overwrite=overwrite)
        return ArtifactManifestEntry(self, path, draft.entry(path), self.source_of(path))

    add = blocking(add_async)

    def __setitem__(self, name: str, obj: "Value") -> None:
        """As `add`."""
        self.add(obj, name)

    def remove(self, item: "Path | ArtifactManifestEntry") -> None:
        """Remove a file, or a folder with all below it. Raise FileNotFoundError."""
        self._open("remove").remove(item.path if isinstance(item, ArtifactManifestEntry) else os.fspath(item))

    def get_added_local_path_name(self, local_path: Path) -> str | None:
        """The path under which a local file was added; None if it was not."""
        return self._draft.path_of(os.fspath(local_path))

    def finalize(self) -> None:
        """Allow no more changes of the contents."""
        self._draft.finalized = True

    # -- logging and editing ------------------------------------------------------------------------------------------
    def pend(self, pending: Waiting | None) -> None:
        """It is not committed yet: `wait` waits for this."""
        self._pending = pending

    async def settled(self) -> None:
        """Return when no log of it goes on in the background any more, however it ended."""
        if isinstance(self._pending, Pending) and not self._pending.ended:
            with suppress(Exception):  # who waits for that log is told, and this one may succeed
                await self.wait_async()

    async def wait_async(self, timeout: float | None = None) -> Self:  # noqa: ASYNC109  # W&B's name
        """Return when it is committed. Raise `WaitTimeoutError` after `timeout` seconds, `ArtifactNotLoggedError` if nobody
        logged it, and what logging raised."""
        if self._pending is not None:
            await self._pending.wait(timeout)
            if self._version is not None:  # on a disabled run it stays a draft, and there stays nothing to wait for
                self._pending = None
        elif self._version is None:
            raise ArtifactNotLoggedError("wait")
        return self

    wait = blocking(wait_async)

    async def save_async(self, project: str | None = None, settings: object = None) -> None:
        """A logged artifact: send edited description, metadata, aliases and tags. A draft: log it, with the active run, else
        with one made for it in `project`."""
        del settings
        if self._version is None:
            from .starting import log_by_any_run

            await log_by_any_run(self, project)
            return
        version, workspace = self._logged("save")
        if (change := self._edits(version)) != Change():
            version = await workspace.catalog.change_version(version.place, change, collection_id=version.collection_id)
        self.adopt(version, workspace)

    save = blocking(save_async)

    def _edits(self, saved: Version) -> Change:
        """What was edited since it was loaded: of aliases and tags those added or removed here, whatever others did meanwhile."""
        described, edited = self.description, self.checked_metadata()
        aliases, tags = alias_list(self._aliases), tag_list(self._tags)
        return Change(
            description=described if described != saved.description else None,
            clear_description=described is None and saved.description is not None,
            metadata=edited if edited != dict(saved.metadata) else None,
            add_aliases=_missing(aliases, saved.aliases),
            remove_aliases=_missing(saved.aliases, aliases),
            add_tags=_missing(tags, saved.tags),
            remove_tags=_missing(saved.tags, tags),
            ttl=self._ttl if self._ttl != saved.ttl else None,
        )

    async def delete_async(self, delete_aliases: bool = False) -> None:
        """Delete this version. Raise `AliasesRemainError` if it has aliases and `delete_aliases` is not set. Of a link only the
        link goes, with a warning."""
        version, workspace = self._logged("delete")
        if version.is_link:
            warnings.warn(f"{version.place} is a link: it is unlinked, the version stays", UserWarning, stacklevel=2)
            await self.unlink_async()
            return
        where = version.collection_id
        await workspace.catalog.delete_version(version.place, delete_aliases=delete_aliases, collection_id=where)
        self.adopt(await workspace.catalog.version_by_id(version.id), workspace)

    delete = blocking(delete_async)

    async def link_async(self, target_path: str, aliases: Sequence[str] | None = None) -> Self:
        """Show this version in a portfolio: `portfolio`, `project/portfolio` or `entity/project/portfolio`. It is numbered there,
        and has `latest` and `aliases` there. A draft is logged first. Returns it as seen there. What the path does not say is
        that of the active run, else where the artifact was logged. Raise `NameConflictError`, `CommError` for an unknown
        registry."""
        await self.settled()
        if self._version is None:
            await self.save_async()
            await self.wait_async()
        version, workspace = self._logged("link")
        home = active_run() or version.source
        linked = await link_version(workspace, version, target_path, aliases, entity=home.entity, project=home.project)
        return type(self).of(linked, workspace)

    link = blocking(link_async)

    async def new_draft_async(self) -> "Artifact":
        """A draft with the entries, description and metadata of this version, to be changed and logged as the next. Only what is
        added moves."""
        version, _ = self._logged("new_draft")
        draft = Artifact(
            version.source.collection,
            version.type,
            version.description,
            version.metadata,
            digest_algorithm=version.digest_algorithm,
        )
        base = Base(version, dict((await self._all()).entries))
        draft._draft = await asyncio.to_thread(Draft, draft.name, Label(version.digest_algorithm), base)
        return draft

    new_draft = blocking(new_draft_async)

    # -- looking up ---------------------------------------------------------------------------------------------------
    @classmethod
    async def from_id_async(cls, artifact_id: str, client: "Api | None" = None) -> Self:
        """The artifact with this id. Raise `CommError` if there is none."""
        workspace = await (client.workspace() if client is not None else workspace_here())
        return cls.of(await workspace.catalog.version_by_id(artifact_id), workspace)

    @classmethod
    def from_id(cls, artifact_id: str, client: "Api | None" = None) -> Self:
        """The artifact with this id. Raise `CommError` if there is none."""
        return run(lambda: cls.from_id_async(artifact_id, client))

    @staticmethod
    async def expected_type_async(client: "Api | None", name: str, entity_name: str, project_name: str) -> str | None:
        """The type of the artifacts of this name; None if there is none yet."""
        workspace = await (client.workspace() if client is not None else workspace_here())
        collection = name.partition(":")[0]
        try:
            return (await workspace.catalog.collection(entity_name, project_name, collection)).type
        except UnknownNameError:
            return None

    expected_type = staticmethod(blocking(expected_type_async))


def _missing(these: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in these if each not in there)
