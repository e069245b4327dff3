"""Run: the active run of a script, which logs and uses artifacts."""

import contextlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ..catalog import RunInfo
from ..errors import NotAModelError, UnknownNameError, UsageError
from .artifact import Artifact
from .config import Config
from .outputs import Outputs, Path
from .paginator import Paginator
from .portal import blocking
from .runs import PublicRun
from .saved import jsonable
from .session import deactivate
from .settings import Settings
from .workspace import Workspace

MODELS = "model-registry"


class Run(Outputs):
    """One execution of a script: made by `init`, ended by `finish` or as a context manager (`with`, `async with`).

    `config` and `summary` are dicts that are saved when it ends.
    """

    def __init__(self, info: RunInfo, settings: Settings, workspace: Workspace | None) -> None:
        super().__init__(info, workspace)
        self.settings = settings
        self.config = Config(None if workspace is None else self.use_artifact_async, info.config)
        self.summary: dict[str, Any] = dict(info.summary)

    @property
    def path(self) -> str:
        return f"{self.entity}/{self.project}/{self.id}"

    def __repr__(self) -> str:
        return f"<Run {self.path} ({'finished' if self._finished else 'disabled' if self.disabled else 'running'})>"

    def _repr_html_(self) -> str:
        from .html import run_html

        return run_html(self.path, self._info.state if not self._finished else "finished", self.config, self.summary)

    # -- models -------------------------------------------------------------------------------------------------------
    async def log_model_async(self, path: Path, name: str | None = None, aliases: Sequence[str] | None = None) -> Artifact:
        """Log a file or folder as an artifact of type `model`, named `run-<id>-<base name>` by default."""
        return await self.log_artifact_async(path, name, "model", aliases)

    log_model = blocking(log_model_async)

    async def use_model_async(self, name: str) -> str:
        """Mark a model as used, and download it. Returns the path of its file if it has one, else of its folder. Raise
        AssertionError if its type does not say "model"."""
        artifact = await self.use_artifact_async(name)
        _check_model(artifact.name, artifact.type)
        folder = await artifact.download_async()
        return await artifact.file_async(folder) if artifact.file_count == 1 else folder

    use_model = blocking(use_model_async)

    async def link_model_async(
        self, path: Path, registered_model_name: str, name: str | None = None, aliases: Sequence[str] | None = None
    ) -> Artifact:
        """Log a model and link it to `registered_model_name` in the project `model-registry`. Returns it as seen there. It is of
        the type of the artifacts called `name`, if there are any. Raise AssertionError if that type does not say "model", or
        the registered name holds a slash."""
        if "/" in registered_model_name:
            raise NotAModelError(
                f"Invalid model name: {registered_model_name!r}", hint="the name alone, without entity and project"
            )
        workspace, type = self._open("link_model"), "model"
        if name is not None:
            with contextlib.suppress(UnknownNameError):  # then this makes it
                type = (await workspace.catalog.collection(self.entity, self.project, name)).type
                _check_model(name, type)
        artifact = await self.log_artifact_async(path, name, type)
        return await self.link_artifact_async(artifact, f"{self.entity}/{MODELS}/{registered_model_name}", aliases)

    link_model = blocking(link_model_async)

    # -- looking up ---------------------------------------------------------------------------------------------------
    def logged_artifacts(self, per_page: int = 100) -> Paginator[Artifact]:
        """The versions that this run logged."""
        return self.public().logged_artifacts(per_page)

    def used_artifacts(self, per_page: int = 100) -> Paginator[Artifact]:
        """The versions that this run used."""
        return self.public().used_artifacts(per_page)

    def public(self) -> PublicRun:
        """This run as the catalogue has it."""
        return PublicRun(self._info, self._enabled("public"))

    async def get_async(self, name: str) -> Any:
        """The value called `name` (a Table, an Image …) of the artifact that this run used last, as `Artifact.get` has it. Raise
        `UsageError` if it has used none."""
        if self._used is None:
            raise UsageError("run.get() on a run that has used no artifact", hint="call run.use_artifact(name) first")
        return await self._used.get_async(name)

    get = blocking(get_async)

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
                await self._workspace.catalog.end_run(self.key, state, jsonable(self.config.saved()), jsonable(self.summary))

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


def _check_model(name: str, type: str) -> None:
    if "model" not in type.lower():
        raise NotAModelError(f"{name} is of type {type!r}: a model's type says 'model'")
