"""Outputs: what a run makes of artifacts while it is active: it logs, uses and links them."""

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable, Sequence

from ..catalog import Committed, Labels, RunInfo
from ..errors import DisabledError, InvalidTypeError, InvalidValueError, UsageError
from ..manifest.names import alias_list, collection_name, tag_list
from ..transfer.progress import Listener, Meter
from .artifact import Artifact
from .finding import check_kind, check_type, find_artifact
from .gathering import Gathered, finish, upsert
from .linked import link_version
from .log import Target, log_draft
from .pending import Done, Pending
from .portal import blocking, launch
from .runs import RunFacts
from .workspace import Workspace

Path = str | os.PathLike[str]


class Outputs(RunFacts):
    """The artifacts of an active run. `aliases` may be one string; `latest` is always given."""

    def __init__(self, info: RunInfo, workspace: Workspace | None) -> None:
        self._info, self._workspace = info, workspace
        self._background: list[Artifact] = []
        self._used: Artifact | None = None
        self._finished = False

    @property
    def disabled(self) -> bool:
        """Mode "disabled": nothing is logged, nothing is found."""
        return self._workspace is None

    def _open(self, method: str) -> Workspace:
        if self._finished:
            raise UsageError(f"run.{method}() on a run that is finished", hint="start one with lading.init()")
        return self._enabled(method)

    def _enabled(self, method: str) -> Workspace:
        if self._workspace is None:
            raise DisabledError(method)
        return self._workspace

    # -- logging ------------------------------------------------------------------------------------------------------
    async def log_artifact_async(
        self,
        artifact_or_path: Artifact | Path,
        name: str | None = None,
        type: str | None = None,
        aliases: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        *,
        progress: Listener | None = None,
    ) -> Artifact:
        """Log an artifact, or a file or folder as an artifact named `run-<id>-<base name>`. The version gets `latest` and
        `aliases`.

        Content equal to `latest` makes no new version and moves no byte. When this returns, the local files may change: the
        version is committed. If all files were added with policy "immutable" it returns at once; `artifact.wait()` and
        `finish()` wait for the commit. Raise `FileChangedError`, `NameConflictError` (another type), ValueError, `StoreError`.
        """
        artifact = await self._artifact_of(artifact_or_path, name, type)
        labels = _labels(aliases, tags)

        async def log(workspace: Workspace) -> None:
            await artifact.settled()
            if artifact.draft.immutable:
                artifact.pend(Pending(launch(lambda: self._log(workspace, artifact, labels, progress))))
                self._background.append(artifact)
            else:
                await self._log(workspace, artifact, labels, progress)

        await self._finalized(artifact, "log_artifact", log)
        return artifact

    log_artifact = blocking(log_artifact_async)

    async def _finalized(self, artifact: Artifact, method: str, work: Callable[[Workspace], Awaitable[None]]) -> None:
        """Finalize the artifact and do what `method` does with it; if that fails, what was wrong may be mended."""
        was_finalized = artifact.draft.finalized
        artifact.finalize()
        if self.disabled and not self._finished:
            artifact.pend(Done())
            return
        try:
            await work(self._open(method))
        except BaseException:
            artifact.draft.finalized = was_finalized
            raise

    async def _log(self, workspace: Workspace, artifact: Artifact, labels: Labels, progress: Listener | None) -> Committed:
        meter = Meter(progress)
        committed = await self.commit(artifact, labels, meter)
        artifact.adopt(committed.version, workspace)
        meter.finish()
        return committed

    async def commit(self, artifact: Artifact, labels: Labels, meter: Meter) -> Committed:
        """Log the draft, counted by `meter`; the artifact stays what it is."""
        if not artifact.is_draft():
            return await self._relabel(artifact, labels)
        return await log_draft(self._enabled("log_artifact"), artifact.draft, self._target(artifact, labels), meter)

    def _target(self, artifact: Artifact, labels: Labels) -> Target:
        return Target(
            entity=self.entity,
            project=self.project,
            collection=artifact.name,
            type=artifact.type,
            description=artifact.description,
            metadata=artifact.checked_metadata(),
            labels=labels,
            run=self.key,
            ttl=artifact.ttl_seconds,
        )

    async def _relabel(self, artifact: Artifact, labels: Labels) -> Committed:
        """Logging a version that is logged already hangs the labels and the run's edge on it."""
        version = artifact.logged_version("log_artifact")
        home = version.source
        if home.entity != self.entity:
            raise InvalidValueError(
                f"Artifact {artifact.name} is owned by entity '{home.entity}'; this run logs to '{self.entity}'"
            )
        if home.project != self.project:
            raise InvalidValueError(
                f"Artifact {artifact.name} exists in project '{home.project}'; this run logs to '{self.project}'"
            )
        return Committed(await self._enabled("log_artifact").catalog.relabel(version.id, labels, self.key), created=False)

    def _name_for(self, path: str) -> str:
        try:
            return collection_name(f"run-{self.id}-{os.path.basename(os.path.normpath(path))}")
        except InvalidValueError as error:
            error.hint = "a name= of your own"
            raise

    async def _artifact_of(self, artifact_or_path: Artifact | Path, name: str | None, type: str | None) -> Artifact:
        """What is to be logged; `name` and `type` are those of an artifact that is made of a path."""
        if isinstance(artifact_or_path, Artifact):
            own_name, own_type = artifact_or_path.name.partition(":")[0], artifact_or_path.type
            for argument, given, own in (("name", name, own_name), ("type", type, own_type)):
                if given not in (None, own):  # as W&B does, which does not tell
                    warnings.warn(f"{argument}={given!r} is ignored: the artifact's own is {own!r}", UserWarning, stacklevel=2)
            return artifact_or_path
        try:
            path = os.fspath(artifact_or_path)
        except TypeError as error:
            raise InvalidTypeError(f"neither an artifact nor a path: {artifact_or_path!r}") from error
        artifact = Artifact(name or self._name_for(path), type or "unspecified")
        if self._workspace is not None:
            artifact.draft.go_ahead(self._workspace.ahead(self.entity))
        if "://" in path:
            await artifact.add_reference_async(path)
        elif await asyncio.to_thread(os.path.isdir, path):
            await artifact.add_dir_async(path)
        elif await asyncio.to_thread(os.path.isfile, path):
            await artifact.add_file_async(path)
        else:
            raise InvalidValueError(f"there is no file or folder {path!r}", hint="references are URIs, as in s3://bucket/path")
        return artifact

    # -- many writers of one version ----------------------------------------------------------------------------------
    async def upsert_artifact_async(
        self,
        artifact_or_path: Artifact | Path,
        name: str | None = None,
        type: str | None = None,
        aliases: Sequence[str] | None = None,
        distributed_id: str | None = None,
        *,
        progress: Listener | None = None,
    ) -> Artifact:
        """Give what this artifact holds to the version that all writers with this `distributed_id` (default: the run's group)
        make together. When this returns, its local files may change; `artifact.wait()` waits until somebody finishes the version.

        Each writer calls it once for each artifact, with the same name, type and digest algorithm; then one calls
        `finish_artifact`. Calls after that begin the next version. Raise TypeError without group and `distributed_id`,
        `LeaseLostError` if the version was finished while this part was being sent: it is not in it.
        """
        artifact = await self._artifact_of(artifact_or_path, name, type)
        gathering_name = self._gathering_name("upsert_artifact", artifact, distributed_id)
        target = self._target(artifact, _labels(aliases, None))

        async def work(workspace: Workspace) -> None:
            meter = Meter(progress)
            gathering = await upsert(workspace, artifact.draft, target, gathering_name, meter)
            artifact.pend(Gathered(workspace, gathering, artifact.adopt))
            meter.finish()

        if artifact.is_draft():
            await self._finalized(artifact, "upsert_artifact", work)
        return artifact

    upsert_artifact = blocking(upsert_artifact_async)

    async def finish_artifact_async(
        self,
        artifact_or_path: Artifact | Path,
        name: str | None = None,
        type: str | None = None,
        aliases: Sequence[str] | None = None,
        distributed_id: str | None = None,
        *,
        progress: Listener | None = None,
    ) -> Artifact:
        """Give what this artifact holds, too, and commit all parts as one version, which gets description, metadata and ttl of
        this artifact, `aliases` and those of the parts.

        Who finishes at the same time gets the same version. Raise TypeError without group and `distributed_id`, ValueError
        where there is nothing to finish or two runs gave different contents under one path, `LeaseLostError` if another one
        finished while this part was being sent.
        """
        artifact = await self._artifact_of(artifact_or_path, name, type)
        gathering_name = self._gathering_name("finish_artifact", artifact, distributed_id)
        target = self._target(artifact, _labels(aliases, None))

        async def work(workspace: Workspace) -> None:
            meter = Meter(progress)
            artifact.adopt((await finish(workspace, artifact.draft, target, gathering_name, meter)).version, workspace)
            artifact.pend(None)
            meter.finish()

        if artifact.is_draft():
            await self._finalized(artifact, "finish_artifact", work)
        return artifact

    finish_artifact = blocking(finish_artifact_async)

    def _gathering_name(self, method: str, artifact: Artifact, distributed_id: str | None) -> str:
        found = distributed_id or artifact.distributed_id or self.group
        if not found:
            raise InvalidTypeError(f"run.{method}() needs a distributed_id, or a run with a group")
        if artifact.incremental:
            raise InvalidValueError(
                f"run.{method}() of an incremental artifact", hint="new_draft() gives all entries of a version"
            )
        artifact.distributed_id = found
        return found

    # -- using and linking --------------------------------------------------------------------------------------------
    async def use_artifact_async(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,
        aliases: Sequence[str] | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """Mark a version as this run's input: by name (`name:alias`, `project/name:alias`, `entity/project/name:alias`), or an
        artifact. A draft is logged first, if its content is not there already: calling it again changes nothing. Raise
        `CommError` for an unknown name, ValueError if it has another `type`. `use_as` is deprecated and does nothing."""
        if use_as is not None:
            warnings.warn("use_as is deprecated and does nothing", DeprecationWarning, stacklevel=2)
        if self.disabled:
            raise InvalidTypeError("Cannot use artifact when in disabled mode.", hint="unset LADING_MODE")
        workspace = self._open("use_artifact")
        check_kind(artifact_or_name, (Artifact, str), "neither an artifact nor the name of one")
        if isinstance(artifact_or_name, Artifact):
            check_type(artifact_or_name, type)
            await artifact_or_name.settled()
        if isinstance(artifact_or_name, str):
            artifact = await find_artifact(workspace, artifact_or_name, self.entity, self.project)
        elif artifact_or_name.is_draft():
            artifact = await self.log_artifact_async(artifact_or_name, aliases=aliases)
            if artifact.is_draft():
                await artifact.wait_async()
        else:
            artifact = artifact_or_name
        check_type(artifact, type)
        await workspace.catalog.use(self.key, artifact.logged_version("use_artifact").id)
        self._used = artifact
        return artifact

    use_artifact = blocking(use_artifact_async)

    async def link_artifact_async(self, artifact: Artifact, target_path: str, aliases: Sequence[str] | None = None) -> Artifact:
        """Show a version in a portfolio: `portfolio`, `project/portfolio` or `entity/project/portfolio`. A draft is logged first.
        Returns it as seen there. Raise NotImplementedError on a run that is disabled."""
        workspace = self._open("link_artifact")
        await artifact.settled()
        if artifact.is_draft():
            await self.log_artifact_async(artifact)
            await artifact.wait_async()
        version = artifact.logged_version("link")
        linked = await link_version(workspace, version, target_path, aliases, entity=self.entity, project=self.project)
        return Artifact.of(linked, workspace)

    link_artifact = blocking(link_artifact_async)


def _labels(aliases: Sequence[str] | None, tags: Sequence[str] | None) -> Labels:
    listed = [aliases] if isinstance(aliases, str) else list(aliases or ())
    return Labels(alias_list([alias for alias in listed if alias != "latest"]), tag_list(tags))
