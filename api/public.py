"""Api: looking things up without a run."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..catalog import Page, RunKey, Wanted
from ..catalog import Registry as Found
from ..errors import InvalidValueError, UnknownNameError
from ..manifest.names import entity_name, parse_artifact_name, project_name, tag_list
from .artifact import Artifact
from .choice import Choice
from .collection import ArtifactCollection, ArtifactType, Collections, collections_of, find_collection
from .facts import COLLECTIONS, REGISTRIES, RUNS
from .finding import check_type, find_artifact
from .paginator import Paginator, slice_of
from .portal import blocking
from .registries import Registries
from .registry import Project, Registry, checked_types, registry_project, visibility_name
from .runs import PublicRun, artifacts_of
from .settings import load_settings, shown_place
from .workspace import Workspace, open_workspace

ORDERS = ("version_index", "+version_index", "-version_index")


class Api:
    """Finds artifacts, collections, types and runs. Names are `[[entity/]project/]name[:alias]`.

    Unknown names raise `CommError` (`UnknownNameError`) that says which part is unknown.
    """

    def __init__(
        self,
        overrides: Mapping[str, str] | None = None,
        timeout: float | None = None,
        api_key: str | None = None,
        *,
        entity: str | None = None,
        project: str | None = None,
    ) -> None:
        """`overrides` may hold "entity" and "project", as in W&B's Api. `timeout` and `api_key` change nothing: every wait has a
        deadline, and there are no accounts."""
        del timeout, api_key
        given = dict(overrides or {})
        self.settings = load_settings(entity=entity or given.get("entity"), project=project or given.get("project"))

    async def workspace(self) -> Workspace:
        return await open_workspace(self.settings)

    @property
    def default_entity(self) -> str:
        return self.settings.entity

    def __repr__(self) -> str:
        return f"<Api {self.settings.entity}/{self.settings.project} in {shown_place(self.settings.catalog)}>"

    def _place(self, path: str | None) -> tuple[str, str]:
        """`[entity/]project`."""
        parts = (path or self.settings.project).split("/")
        if len(parts) > 2:
            raise InvalidValueError(f"Invalid project path: {path!r}", hint="write [entity/]project")
        return entity_name(parts[0]) if len(parts) == 2 else self.settings.entity, project_name(parts[-1])

    # -- artifacts ----------------------------------------------------------------------------------------------------
    async def artifact_async(self, name: str, type: str | None = None) -> Artifact:
        """The artifact `[[entity/]project/]name[:alias]`, `latest` by default. Raise ValueError if it has another `type`."""
        artifact = await find_artifact(await self.workspace(), name, self.settings.entity, self.settings.project)
        check_type(artifact, type)
        return artifact

    artifact = blocking(artifact_async)

    async def artifact_exists_async(self, name: str, type: str | None = None) -> bool:
        """Whether `artifact` would find it. Other errors than "not found" are raised."""
        try:
            await self.artifact_async(name, type)
        except UnknownNameError:
            return False
        return True

    artifact_exists = blocking(artifact_exists_async)

    async def delete_artifacts_async(self, artifacts: Iterable[Artifact], delete_aliases: bool = False) -> None:
        """Delete these versions with their links, in one transaction. Raise `AliasesRemainError` if one has aliases and
        `delete_aliases` is not set, ValueError for what is only a link: then none is deleted."""
        versions = [artifact.logged_version("delete") for artifact in artifacts]
        if link := next((version for version in versions if version.is_link), None):
            raise InvalidValueError(f"{link.place} is a link to {link.source}", hint="unlink() it, or delete its source_artifact")
        ids = [version.id for version in versions]
        await (await self.workspace()).catalog.delete_versions(ids, delete_aliases=delete_aliases)

    delete_artifacts = blocking(delete_artifacts_async)

    def artifacts(
        self,
        type_name: str,
        name: str,
        order: str | None = None,
        per_page: int = 50,
        tags: str | Sequence[str] | None = None,
        start: str | None = None,
    ) -> Paginator[Artifact]:
        """The committed versions of a collection, newest first unless `order` is "version_index"; with all of `tags`."""
        if order is not None and order not in ORDERS:
            raise InvalidValueError(f"Invalid order: {order!r}", hint=f"one of {', '.join(ORDERS)}")
        wanted = Wanted(tags=tag_list(tags), type=type_name, order=order or ORDERS[2])
        where = parse_artifact_name(name)
        place = (where.entity or self.settings.entity, where.project or self.settings.project, where.collection)

        async def fetch(limit: int, cursor: str | None) -> Page[Artifact]:
            workspace = await self.workspace()
            return artifacts_of(await workspace.catalog.versions(*place, wanted, limit=limit, cursor=cursor), workspace)

        return Paginator(fetch, per_page, start)

    def artifact_versions(self, type_name: str, name: str, per_page: int = 50) -> Paginator[Artifact]:
        """Deprecated: `artifacts`."""
        warnings.warn("artifact_versions() is deprecated: call artifacts()", DeprecationWarning, stacklevel=2)
        return self.artifacts(type_name, name, per_page=per_page)

    # -- projects and registries --------------------------------------------------------------------------------------
    def project(self, name: str, entity: str | None = None) -> Project:
        """The project `[entity/]name`, made with the first run or artifact in it. Nothing is asked."""
        return Project(*self._place(f"{entity}/{name}" if entity else name), self.workspace)

    async def create_registry_async(
        self,
        name: str,
        visibility: str,
        organization: str | None = None,
        description: str | None = None,
        artifact_types: list[str] | None = None,
    ) -> Registry:
        """Make a registry of links; of artifacts of these types, or of all. `visibility` is "organization" or "restricted". Raise
        `NameConflictError` if there is one."""
        types, visible = checked_types(artifact_types), visibility_name(visibility)
        asked = Found(self._organization(organization), registry_project(name), description, visible, types)
        workspace = await self.workspace()
        return Registry(await workspace.catalog.create_registry(asked), workspace)

    create_registry = blocking(create_registry_async)

    async def registry_async(self, name: str, organization: str | None = None) -> Registry:
        """The registry `name`. Raise `CommError` if there is none."""
        workspace = await self.workspace()
        return Registry(await workspace.catalog.registry(self._organization(organization), registry_project(name)), workspace)

    registry = blocking(registry_async)

    def registries(
        self,
        organization: str | None = None,
        filter: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Registries:
        """The registries of an organization (default: the entity of these settings), by name, or as `order` says: "-name",
        "created_at", "updated_at". `filter` is one of `Choice`, by name, description, created_at, updated_at."""
        choice = Choice(REGISTRIES, filter, order)
        entity = self._organization(organization)

        async def fetch(limit: int, cursor: str | None) -> Page[Registry]:
            workspace = await self.workspace()
            by_name = await workspace.catalog.registries(entity)
            found = slice_of(by_name[::-1] if choice.order == "-name" else by_name, limit, cursor)
            return Page(tuple(Registry(each, workspace) for each in found.items), found.cursor, found.total)

        return Registries(choice.of(fetch), per_page, start)

    def _organization(self, name: str | None) -> str:
        return self.settings.entity if name is None else entity_name(name)

    # -- collections and types ----------------------------------------------------------------------------------------
    def artifact_collections(
        self,
        project_name: str,
        type_name: str | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> Collections:
        """The collections of `[entity/]project`, of one type or of all; by name, or as `order` says: "-name", "created_at",
        "updated_at"."""
        choice = Choice(COLLECTIONS, None, order)
        return collections_of(self.workspace, *self._place(project_name), type_name, choice, per_page, start)

    async def artifact_collection_async(self, type_name: str, name: str) -> ArtifactCollection:
        """The collection `[[entity/]project/]name`. Raise ValueError if it has another type."""
        workspace, where = await self.workspace(), parse_artifact_name(name)
        place = (where.entity or self.settings.entity, where.project or self.settings.project, where.collection)
        return await find_collection(workspace, *place, type_name)

    artifact_collection = blocking(artifact_collection_async)

    async def artifact_collection_exists_async(self, name: str, type: str) -> bool:
        try:
            await self.artifact_collection_async(type, name)
        except UnknownNameError:
            return False
        return True

    artifact_collection_exists = blocking(artifact_collection_exists_async)

    async def artifact_types_async(self, project: str | None = None) -> list[ArtifactType]:
        """The types in `[entity/]project`, by name."""
        workspace, place = await self.workspace(), self._place(project)
        return [ArtifactType(workspace, *place, name) for name in await workspace.catalog.types(*place)]

    def artifact_types(self, project: str | None = None, start: str | None = None) -> Paginator[ArtifactType]:
        """The types in `[entity/]project`, by name."""
        self._place(project)

        async def fetch(limit: int, cursor: str | None) -> Page[ArtifactType]:
            return slice_of(await self.artifact_types_async(project), limit, cursor)

        return Paginator(fetch, start=start)

    async def artifact_type_async(self, type_name: str, project: str | None = None) -> ArtifactType:
        found = {each.name: each for each in await self.artifact_types_async(project)}
        if type_name not in found:
            raise UnknownNameError(
                "type", type_name, within="/".join(self._place(project)), hint=f"there are: {', '.join(found) or 'none'}"
            )
        return found[type_name]

    artifact_type = blocking(artifact_type_async)

    # -- runs ---------------------------------------------------------------------------------------------------------
    async def run_async(self, path: str) -> PublicRun:
        """The run `[[entity/]project/]id`."""
        *places, id = path.strip("/").replace("/runs/", "/").split("/")
        workspace = await self.workspace()
        entity, project = self._place("/".join(places) if places else None)
        return PublicRun(await workspace.catalog.run(RunKey(entity, project, id)), workspace)

    run = blocking(run_async)

    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, Any] | None = None,
        order: str = "+created_at",
        per_page: int = 50,
        include_sweeps: bool = True,
        lazy: bool = True,
        start: str | None = None,
    ) -> Paginator[PublicRun]:
        """The runs of `[entity/]project`, oldest first, or as `order` says: "-created_at", "+summary_metrics.loss",
        "config.lr". `filters` are those of `Choice`, by name (the id), display_name, state, group, job_type, created_at,
        config.key, summary_metrics.key. `include_sweeps` and `lazy` change nothing."""
        del include_sweeps, lazy
        choice = Choice(RUNS, filters, order)
        place = self._place(path)

        async def fetch(limit: int, cursor: str | None) -> Page[PublicRun]:
            workspace = await self.workspace()
            page = await workspace.catalog.runs(*place, limit=limit, cursor=cursor, order=choice.order)
            return Page(tuple(PublicRun(info, workspace) for info in page.items), page.cursor, page.total)

        return Paginator(choice.of(fetch), per_page, start)
