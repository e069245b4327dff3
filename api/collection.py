"""Collections and types: all versions under one name, all names of one kind."""

import warnings
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..catalog import Change, Collection, Page, Wanted
from ..errors import InvalidValueError
from ..manifest.names import collection_name, tag_list, type_name
from .choice import Choice, read_once
from .facts import COLLECTIONS, VERSIONS
from .logged import iso
from .paginator import Paginator
from .placed import Placed
from .portal import blocking
from .runs import artifacts_of
from .ttl import shown_ttl, ttl_seconds
from .workspace import Workspace

if TYPE_CHECKING:
    from .artifact import Artifact

_PER_PAGE = 500


class ArtifactCollection(Placed[Collection]):
    """All versions under one name. Edit name, type, description, tags and ttl, then `save()`."""

    def __init__(self, info: Collection, workspace: Workspace) -> None:
        self._workspace = workspace
        self._load(info)

    def _load(self, info: Collection) -> None:
        self._info = info
        self.name, self.type, self.description, self.tags = info.name, info.type, info.description, list(info.tags)
        self.ttl: timedelta | None = shown_ttl(info.ttl)
        """How long its versions are kept that say nothing else; None: for ever."""

    @property
    def project_id(self) -> str:
        """What stands for the project: lading finds projects by name."""
        return f"{self.entity}/{self.project}"

    @property
    def aliases(self) -> list[str]:
        """Of all its versions."""
        return list(self._info.aliases)

    @property
    def size(self) -> int:
        """Bytes named by all its versions; equal files count each time, though they are stored once."""
        return self._info.size

    @property
    def updated_at(self) -> str:
        return iso(self._info.updated_at)

    def __len__(self) -> int:
        return self._info.version_count

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        held = "versions" if self.is_sequence() else "links"
        return f"<ArtifactCollection {self.entity}/{self.project}/{self._info.name} ({self._info.type}, {len(self)} {held})>"

    def is_sequence(self) -> bool:
        """Whether versions are logged to it; portfolios only collect links."""
        return not self._info.portfolio

    def artifacts(self, per_page: int = 50, start: str | None = None) -> "Paginator[Artifact]":
        """Its versions, newest first."""

        async def fetch(limit: int, cursor: str | None) -> "Page[Artifact]":
            place = (self.entity, self.project, self._info.name)
            return artifacts_of(
                await self._workspace.catalog.versions(*place, Wanted(), limit=limit, cursor=cursor), self._workspace
            )

        return Paginator(fetch, per_page, start)

    async def load_async(self) -> None:
        """Read it again; what was edited and not saved is lost. Raise `CommError` if it is gone."""
        self._load(await self._workspace.catalog.collection(self.entity, self.project, self._info.name))

    load = blocking(load_async)

    async def save_async(self) -> None:
        """Send what was edited. Raise ValueError for names and types that cannot be, and for the type of a portfolio,
        `NameConflictError` for a name that is taken."""
        saved = self._info
        tags = tag_list(self.tags)
        change = Change(
            name=collection_name(self.name) if self.name != saved.name else None,
            type=type_name(self.type, name=self.name) if self.type != saved.type else None,
            description=self.description if self.description != saved.description else None,
            clear_description=self.description is None and saved.description is not None,
            tags=tags if tags != saved.tags else None,
            ttl=ttl_seconds(self.ttl) if self.ttl != shown_ttl(saved.ttl) else None,
        )
        if change != Change():
            self._load(await self._workspace.catalog.change_collection(self.entity, self.project, saved.name, change))

    save = blocking(save_async)

    async def change_type_async(self, new_type: str) -> None:
        """Deprecated: set `type`, then `save()`. It saves other edits, too."""
        warnings.warn("change_type() is deprecated: set `type` and call save()", DeprecationWarning, stacklevel=2)
        self.type = new_type
        await self.save_async()

    def change_type(self, new_type: str) -> None:
        """Deprecated: set `type`, then `save()`. It saves other edits, too."""
        warnings.warn("change_type() is deprecated: set `type` and call save()", DeprecationWarning, stacklevel=2)
        self.type = new_type
        self.save()

    async def delete_async(self) -> None:
        """Delete it with all its versions; a portfolio with its links, the versions stay."""
        await self._workspace.catalog.delete_collection(self.entity, self.project, self._info.name)

    delete = blocking(delete_async)


class Collections(Paginator[ArtifactCollection]):
    """A list of collections, which can be searched as one."""

    def versions(
        self, filter: Mapping[str, Any] | None = None, per_page: int = 100, start: str | None = None
    ) -> "Paginator[Artifact]":
        """All versions of these collections, one collection after the other, newest first. `filter` is one of `Choice`, by name,
        alias, tag, metadata, created_at, updated_at."""
        choice = Choice(VERSIONS, filter)

        async def read() -> "list[Artifact]":
            return [each async for collection in self async for each in collection.artifacts(_PER_PAGE)]

        return Paginator(choice.of(read_once(read)), per_page, start)


class ArtifactType:
    """All collections of one type in a project."""

    def __init__(self, workspace: Workspace, entity: str, project: str, name: str) -> None:
        self._workspace = workspace
        self.entity, self.project, self.name = entity, project, name

    @property
    def id(self) -> str:
        return f"{self.entity}/{self.project}/{self.name}"

    def __repr__(self) -> str:
        return f"<ArtifactType {self.name}>"

    def collections(
        self,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> Collections:
        """By name, or as `order` says: "-name", "created_at", "updated_at". `filters` are those of `Choice`, by name, type, tag,
        description, created_at, updated_at."""
        choice = Choice(COLLECTIONS, filters, order)
        return collections_of(self._own_workspace, self.entity, self.project, self.name, choice, per_page, start)

    async def _own_workspace(self) -> Workspace:
        return self._workspace

    async def collection_async(self, name: str) -> ArtifactCollection:
        return await find_collection(self._workspace, self.entity, self.project, name, self.name)

    collection = blocking(collection_async)


async def find_collection(workspace: Workspace, entity: str, project: str, name: str, type: str) -> ArtifactCollection:
    """Raise `CommError` if there is none of that name, ValueError if it has another type; any will do for ""."""
    found = ArtifactCollection(await workspace.catalog.collection(entity, project, name), workspace)
    if type and found.type != type:
        raise InvalidValueError(f"Collection {name} is of type {found.type}, not {type}")
    return found


def collections_of(
    opened: Callable[[], Awaitable[Workspace]],
    entity: str,
    project: str,
    type: str | None,
    choice: Choice[ArtifactCollection],
    per_page: int,
    start: str | None,
) -> Collections:
    """The collections of a project, of one type or of all."""

    async def fetch(limit: int, cursor: str | None) -> Page[ArtifactCollection]:
        workspace = await opened()
        page = await workspace.catalog.collections(entity, project, type, limit=limit, cursor=cursor, order=choice.order)
        return Page(tuple(ArtifactCollection(info, workspace) for info in page.items), page.cursor, page.total)

    return Collections(choice.of(fetch), per_page, start)
