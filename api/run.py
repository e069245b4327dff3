"""Run: the active run of a script, which logs and uses artifacts."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ..catalog import Committed, Labels, RunInfo, RunKey
from ..errors import InvalidTypeError, InvalidValueError, NotBuiltError, UsageError
from ..manifest.names import alias_list, tag_list
from ..transfer.progress import Listener, Meter
from .artifact import Artifact
from .finding import check_type, find_artifact
from .log import Target, log_draft
from .logged import iso
from .paginator import Paginator
from .pending import Pending
from .portal import blocking, launch
from .runs import PublicRun
from .saved import jsonable
from .session import deactivate
from .settings import Settings
from .unbuilt import not_built
from .workspace import Workspace

Path = str | os.PathLike[str]


@not_built("link_artifact", "log_model", "use_model", "link_model", "upsert_artifact", "finish_artifact")
class Run:
    """One execution of a script: made by `init`, ended by `finish` or as a context manager (`with`, `async with`).

    `config` and `summary` are dicts that are saved when it ends.
    """

    def __init__(self, info: RunInfo, settings: Settings, workspace: Workspace | None) -> None:
        self.settings = settings
        self._info, self._workspace = info, workspace
        self.config: dict[str, Any] = dict(info.config)
        self.summary: dict[str, Any] = dict(info.summary)
        self._background: list[Artifact] = []
        self._finished = False

    # -- what it is ---------------------------------------------------------------------------------------------------
    @property
    def id(self) -> str:
        return self._info.id

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def entity(self) -> str:
        return self._info.entity

    @property
    def project(self) -> str:
        return self._info.project

    @property
    def job_type(self) -> str | None:
        return self._info.job_type

    @property
    def group(self) -> str | None:
        return self._info.group

    @property
    def path(self) -> str:
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def created_at(self) -> str:
        return iso(self._info.created_at)

    @property
    def disabled(self) -> bool:
        """Mode "disabled": nothing is logged, nothing is found."""
        return self._workspace is None

    @property
    def key(self) -> RunKey:
        return RunKey(self.entity, self.project, self.id)

    def __repr__(self) -> str:
        return f"<Run {self.path} ({'finished' if self._finished else 'disabled' if self.disabled else 'running'})>"

    def _repr_html_(self) -> str:
        from .html import run_html

        return run_html(self.path, self._info.state if not self._finished else "finished", self.config, self.summary)

    def _open(self, method: str) -> Workspace:
        if self._finished:
            raise UsageError(f"run.{method}() on a run that is finished", hint="start one with lading.init()")
        return self._enabled(method)

    def _enabled(self, method: str) -> Workspace:
        if self._workspace is None:
            raise UsageError(f"run.{method}() on a run that is disabled", hint="unset LADING_MODE")
        return self._workspace

    # -- artifacts ----------------------------------------------------------------------------------------------------
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
        labels = Labels(alias_list([alias for alias in _listed(aliases) if alias != "latest"]), tag_list(tags))
        was_finalized = artifact.draft.finalized
        artifact.finalize()
        if self.disabled and not self._finished:
            return artifact
        workspace = self._open("log_artifact")
        if artifact.draft.immutable:
            artifact.pend(Pending(launch(lambda: self._log(workspace, artifact, labels, progress))))
            self._background.append(artifact)
        else:
            try:
                await self._log(workspace, artifact, labels, progress)
            except BaseException:
                artifact.draft.finalized = was_finalized  # what was wrong may be mended, and it be logged again
                raise
        return artifact

    log_artifact = blocking(log_artifact_async)

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
        target = Target(
            entity=self.entity,
            project=self.project,
            collection=artifact.name,
            type=artifact.type,
            description=artifact.description,
            metadata=artifact.checked_metadata(),
            labels=labels,
            run=self.key,
        )
        return await log_draft(self._enabled("log_artifact"), artifact.draft, target, meter)

    async def _relabel(self, artifact: Artifact, labels: Labels) -> Committed:
        """Logging a version that is logged already hangs the labels and the run's edge on it."""
        version = artifact.logged_version("log_artifact")
        if version.place.entity != self.entity:
            raise InvalidValueError(
                f"Artifact {artifact.name} is owned by entity '{version.place.entity}'; this run logs to '{self.entity}'"
            )
        if version.place.project != self.project:
            raise InvalidValueError(
                f"Artifact {artifact.name} exists in project '{version.place.project}'; this run logs to '{self.project}'"
            )
        return Committed(await self._enabled("log_artifact").catalog.relabel(version.id, labels, self.key), created=False)

    def _name_for(self, path: str) -> str:
        return f"run-{self.id}-{os.path.basename(os.path.normpath(path))}"

    async def _artifact_of(self, artifact_or_path: Artifact | Path, name: str | None, type: str | None) -> Artifact:
        if isinstance(artifact_or_path, Artifact):
            if name is not None and artifact_or_path.is_draft() and name != artifact_or_path.name:
                raise InvalidValueError(f"name={name!r} differs from the artifact's own name {artifact_or_path.name!r}")
            return artifact_or_path
        path = os.fspath(artifact_or_path)
        if "://" in path:
            raise NotBuiltError(f"Run.log_artifact of a reference ({path})")
        artifact = Artifact(name or self._name_for(path), type or "unspecified")
        if await asyncio.to_thread(os.path.isdir, path):
            await artifact.add_dir_async(path)
        else:
            await artifact.add_file_async(path)
        return artifact

    async def use_artifact_async(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,
        aliases: Sequence[str] | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """Mark a version as this run's input: by name (`name:alias`, `project/name:alias`, `entity/project/name:alias`), or an
        artifact. A draft is logged first, if its content is not there already: calling it again changes nothing. Raise
        `CommError` for an unknown name, ValueError if it has another `type`."""
        del use_as
        if self.disabled:
            raise InvalidTypeError("Cannot use artifact when in disabled mode.", hint="unset LADING_MODE")
        workspace = self._open("use_artifact")
        if isinstance(artifact_or_name, Artifact):
            check_type(artifact_or_name, type)
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
        return artifact

    use_artifact = blocking(use_artifact_async)

    def logged_artifacts(self, per_page: int = 100) -> Paginator[Artifact]:
        """The versions that this run logged."""
        return self.public().logged_artifacts(per_page)

    def used_artifacts(self, per_page: int = 100) -> Paginator[Artifact]:
        """The versions that this run used."""
        return self.public().used_artifacts(per_page)

    def public(self) -> PublicRun:
        """This run as the catalogue has it."""
        return PublicRun(self._info, self._enabled("public"))

    def log(self, values: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Keep the last value of each key in `summary`: lading tracks artifacts, not metrics."""
        del step, commit
        self.summary.update(values)

    # -- its end ------------------------------------------------------------------------------------------------------
    async def finish_async(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Wait for what is still being logged, save config and summary, and end the run. Repeatable."""
        del quiet
        if self._finished:
            return
        self._finished = True
        state = "failed"
        try:
            if errors := [error for artifact in self._background if (error := await _outcome(artifact))]:
                raise errors[0]
            state = "failed" if exit_code else "finished"
        finally:
            deactivate(self)
            if self._workspace is not None:
                await self._workspace.catalog.end_run(self.key, state, jsonable(self.config), jsonable(self.summary))

    finish = blocking(finish_async)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finish(exit_code=1 if error else 0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.finish_async(exit_code=1 if error else 0)


async def _outcome(artifact: Artifact) -> Exception | None:
    """What became of a log in the background, once it has ended."""
    try:
        await artifact.wait_async()
    except Exception as error:  # `finish` raises it, after the others have ended, too
        return error
    return None


def _listed(aliases: Sequence[str] | None) -> list[str]:
    return [aliases] if isinstance(aliases, str) else list(aliases or ())
