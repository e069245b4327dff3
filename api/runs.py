"""Runs as the catalogue has them: what they logged and used."""

from typing import TYPE_CHECKING, Any

from ..catalog import Page, RunInfo, RunKey, Version
from ..errors import CommError
from .paginator import Paginator
from .placed import Placed
from .portal import blocking
from .workspace import Workspace

if TYPE_CHECKING:
    from .artifact import Artifact


class RunFacts(Placed[RunInfo]):
    """What a run is called and where it lies."""

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def job_type(self) -> str | None:
        return self._info.job_type

    @property
    def group(self) -> str | None:
        return self._info.group

    @property
    def key(self) -> RunKey:
        return RunKey(self.entity, self.project, self.id)


class PublicRun(RunFacts):
    """A run found by `Api.run`, `Api.runs`, `artifact.logged_by()` or `used_by()`."""

    def __init__(self, info: RunInfo, workspace: Workspace) -> None:
        self._info, self._workspace = info, workspace

    @property
    def state(self) -> str:
        """running, finished, failed or crashed."""
        return self._info.state

    @property
    def config(self) -> dict[str, Any]:
        return dict(self._info.config)

    @property
    def summary(self) -> dict[str, Any]:
        return dict(self._info.summary)

    @property
    def path(self) -> list[str]:
        return [self.entity, self.project, self.id]

    def __repr__(self) -> str:
        return f"<Run {'/'.join(self.path)} ({self.state})>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicRun) and self.path == other.path

    def __hash__(self) -> int:
        return hash(tuple(self.path))

    def _repr_html_(self) -> str:
        from .html import run_html

        return run_html("/".join(self.path), self.state, self.config, self.summary)

    def logged_artifacts(self, per_page: int = 100) -> "Paginator[Artifact]":
        """The versions that it logged, in the order of logging."""

        async def fetch(limit: int, cursor: str | None) -> "Page[Artifact]":
            return artifacts_of(
                await self._workspace.catalog.logged_versions(self.key, limit=limit, cursor=cursor), self._workspace
            )

        return Paginator(fetch, per_page)

    def used_artifacts(self, per_page: int = 100) -> "Paginator[Artifact]":
        """The versions that it used, in the order of use."""

        async def fetch(limit: int, cursor: str | None) -> "Page[Artifact]":
            return artifacts_of(
                await self._workspace.catalog.used_versions(self.key, limit=limit, cursor=cursor), self._workspace
            )

        return Paginator(fetch, per_page)

    async def use_artifact_async(self, artifact: "Artifact", use_as: str | None = None) -> "Artifact":
        """Mark a committed version as used by this run. Raise `CommError` for any other."""
        del use_as
        await self._workspace.catalog.use(self.key, _committed(artifact, self).id)
        return artifact

    use_artifact = blocking(use_artifact_async)

    async def log_artifact_async(
        self, artifact: "Artifact", aliases: list[str] | None = None, tags: list[str] | None = None
    ) -> "Artifact":
        """Mark a committed version of the same project as logged by this run. Raise `CommError` for any other."""
        from ..catalog import Labels
        from ..manifest.names import alias_list, tag_list

        version = _committed(artifact, self)
        if (version.source.entity, version.source.project) != (self.entity, self.project):
            raise CommError(f"{version.source} belongs to another project than run {'/'.join(self.path)}")
        labels = Labels(alias_list(aliases), tag_list(tags))
        artifact.adopt(await self._workspace.catalog.relabel(version.id, labels, self.key), self._workspace)
        return artifact

    log_artifact = blocking(log_artifact_async)


def _committed(artifact: "Artifact", run: PublicRun) -> Version:
    from .artifact import Artifact
    from .finding import check_kind

    check_kind(artifact, (Artifact,), "a run that was found takes artifacts, as from Api().artifact()")
    if artifact.is_draft():
        raise CommError(
            f"{artifact.name} is not logged yet; run {'/'.join(run.path)} takes committed versions", hint="log it first"
        )
    return artifact.logged_version("id")


def artifacts_of(page: Page[Version], workspace: Workspace) -> "Page[Artifact]":
    """A page of versions as artifacts."""
    from .artifact import Artifact

    return Page(tuple(Artifact.of(version, workspace) for version in page.items), page.cursor, page.total)
