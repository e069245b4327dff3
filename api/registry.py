"""Registries and projects: what collections lie in."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..catalog import Collection, Page, Wanted
from ..catalog import Registry as Found
from ..errors import InvalidValueError
from ..manifest.names import REGISTRY_PREFIX, project_name, type_name
from .choice import Choice
from .collection import Collections, collections_of
from .facts import COLLECTIONS, VERSIONS
from .logged import iso
from .paginator import Paginator
from .portal import blocking
from .runs import artifacts_of
from .unbuilt import not_built
from .workspace import Workspace

if TYPE_CHECKING:
    from .artifact import Artifact

VISIBILITIES = ("organization", "restricted")
_PER_PAGE = 500


class Project:
    """Collections of one `entity/name`."""

    def __init__(self, entity: str, name: str, opened: Callable[[], Awaitable[Workspace]]) -> None:
        self.entity, self.name, self._opened = entity, name, opened

    @property
    def path(self) -> list[str]:
        return [self.entity, self.name]

    def __repr__(self) -> str:
        return f"<Project {self.entity}/{self.name}>"

    def collections(
        self,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> Collections:
        """As `ArtifactType.collections`, of all types."""
        choice = Choice(COLLECTIONS, filters, order)
        return collections_of(self._opened, self.entity, self.name, None, choice, per_page, start)


@not_built("members", "user_members", "team_members", "add_members", "remove_members", "update_member")
class Registry:
    """A project `wandb-registry-<name>` that only collects links. Edit description, visibility and artifact_types (or set
    allow_all_artifact_types), then `save()`."""

    def __init__(self, found: Found, workspace: Workspace) -> None:
        self._workspace = workspace
        self._load(found)

    def _load(self, found: Found) -> None:
        self._found = found
        self.description = found.description
        self.visibility = found.visibility
        self.artifact_types: list[str] = list(found.types or ())
        """The types of artifacts that may be linked to it; none: all."""

    @property
    def entity(self) -> str:
        return self._found.entity

    @property
    def name(self) -> str:
        """Without the prefix."""
        return self._found.project.removeprefix(REGISTRY_PREFIX)

    @property
    def id(self) -> str:
        return f"{self.entity}/{self.full_name}"

    @property
    def full_name(self) -> str:
        """The name of its project."""
        return self._found.project

    @property
    def organization(self) -> str:
        """W&B's word for the entity of a registry."""
        return self.entity

    @property
    def path(self) -> list[str]:
        return [self.entity, self.full_name]

    @property
    def allow_all_artifact_types(self) -> bool:
        """Whether artifacts of any type may be linked to it. Set it True to forget `artifact_types`; types that are added to them
        make it False."""
        return not self.artifact_types

    @allow_all_artifact_types.setter
    def allow_all_artifact_types(self, value: bool) -> None:
        if value:
            self.artifact_types = []

    @property
    def created_at(self) -> str:
        return iso(self._found.created_at)

    @property
    def updated_at(self) -> str:
        return iso(self._found.updated_at)

    def __repr__(self) -> str:
        return f"<Registry {self.entity}/{self.name}>"

    def collections(
        self,
        filter: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Collections:
        """As `ArtifactType.collections`, of all types."""
        choice = Choice(COLLECTIONS, filter, order)
        return collections_of(self._opened, self.entity, self.full_name, None, choice, per_page, start)

    async def _opened(self) -> Workspace:
        return self._workspace

    def versions(
        self, filter: Mapping[str, Any] | None = None, per_page: int = 100, start: str | None = None
    ) -> "Paginator[Artifact]":
        """All that is linked to it, collection by collection, newest link first. `filter` is one of `Choice`, by name, alias,
        tag, metadata, created_at, updated_at."""
        choice = Choice(VERSIONS, filter)

        async def fetch(limit: int, cursor: str | None) -> "Page[Artifact]":
            return artifacts_of(await self._versions(limit, cursor), self._workspace)

        return Paginator(choice.of(fetch), per_page, start)

    async def _versions(self, limit: int, cursor: str | None) -> Page[Any]:
        first, _, inner = (cursor or "").partition("\n")
        items: list[Any] = []
        total, after = 0, None
        async for collection in self._collections():
            total += collection.version_count
            if collection.name < first or after is not None:
                continue
            if len(items) >= limit:
                after = f"{collection.name}\n"
                continue
            at = inner if collection.name == first and inner else None
            page = await self._workspace.catalog.versions(
                self.entity, self.full_name, collection.name, Wanted(), limit=limit - len(items), cursor=at
            )
            items.extend(page.items)
            after = f"{collection.name}\n{page.cursor}" if page.cursor else None
        return Page(tuple(items), after, total)

    async def _collections(self) -> AsyncGenerator[Collection]:
        cursor: str | None = None
        while True:
            page = await self._workspace.catalog.collections(self.entity, self.full_name, None, limit=_PER_PAGE, cursor=cursor)
            for collection in page.items:
                yield collection
            if (cursor := page.cursor) is None:
                return

    async def load_async(self) -> None:
        """Read it again; what was edited and not saved is lost. Raise `CommError` if it is gone."""
        self._load(await self._workspace.catalog.registry(self.entity, self.full_name))

    load = blocking(load_async)

    async def save_async(self) -> None:
        """Send what was edited. Raise ValueError for types that cannot be, or if a type goes that it holds links of."""
        types = checked_types(self.artifact_types)
        edited = replace(self._found, description=self.description, visibility=visibility_name(self.visibility), types=types)
        self._load(await self._workspace.catalog.change_registry(edited))

    save = blocking(save_async)

    async def delete_async(self) -> None:
        """Delete it with all its links. The versions stay where they were logged."""
        await self._workspace.catalog.delete_registry(self.entity, self.full_name)

    delete = blocking(delete_async)


def registry_project(name: str) -> str:
    """The project of the registry `name`, with or without the prefix. Raise ValueError if it cannot be."""
    return project_name(REGISTRY_PREFIX + name.removeprefix(REGISTRY_PREFIX))


def checked_types(types: list[str] | None) -> tuple[str, ...] | None:
    """None for all."""
    return tuple(dict.fromkeys(type_name(each, name="") for each in types)) if types else None


def visibility_name(visibility: str) -> str:
    """Raise ValueError for any but W&B's two. Who may see what is decided by the server."""
    if visibility not in VISIBILITIES:
        raise InvalidValueError(f"Invalid visibility: {visibility!r}", hint=f"one of {', '.join(VISIBILITIES)}")
    return visibility
