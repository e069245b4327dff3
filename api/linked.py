"""Linked: an artifact among its portfolios, and its place in the graph of runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from ..catalog import Place, Version
from ..errors import InvalidValueError
from ..manifest.names import alias_list, parse_artifact_name
from .contents import Contents
from .portal import blocking, fetched
from .workspace import Workspace

if TYPE_CHECKING:
    from .collection import ArtifactCollection
    from .lineage import Lineage

MOST_LINKS = 500


class Linked(Contents):
    """The links of an artifact, and what it was made from and what from it."""

    async def collection_async(self) -> "ArtifactCollection":
        """The collection that it was found in; of a link, the portfolio. Raise `CommError` if that is gone."""
        version, workspace = self._logged("collection")
        return await _collection(version.place, workspace)

    @property
    def collection(self) -> "ArtifactCollection":
        """As `collection_async`, which must be awaited where an event loop runs."""
        self.logged_version("collection")
        return fetched(self.collection_async, "collection")

    async def source_collection_async(self) -> "ArtifactCollection":
        """The collection that it was logged to. Raise `CommError` if that is gone."""
        version, workspace = self._logged("source_collection")
        return await _collection(version.source, workspace)

    @property
    def source_collection(self) -> "ArtifactCollection":
        """As `source_collection_async`, which must be awaited where an event loop runs."""
        self.logged_version("source_collection")
        return fetched(self.source_collection_async, "source_collection")

    async def linked_artifacts_async(self) -> list[Self]:
        """This version as each portfolio shows it, oldest link first; at most 500."""
        version, workspace = self._logged("linked_artifacts")
        return [type(self).of(link, workspace) for link in await workspace.catalog.links(version.id, limit=MOST_LINKS)]

    @property
    def linked_artifacts(self) -> list[Self]:
        """As `linked_artifacts_async`, which must be awaited where an event loop runs."""
        self.logged_version("linked_artifacts")
        return fetched(self.linked_artifacts_async, "linked_artifacts")

    async def source_artifact_async(self) -> Self:
        """This version where it was logged; itself if it is no link. Raise `CommError` if it was deleted there."""
        version, workspace = self._logged("source_artifact")
        return type(self).of(await workspace.catalog.version_by_id(version.id), workspace) if version.is_link else self

    @property
    def source_artifact(self) -> Self:
        """As `source_artifact_async`, which must be awaited where an event loop runs."""
        if not self.logged_version("source_artifact").is_link:
            return self
        return fetched(self.source_artifact_async, "source_artifact")

    async def unlink_async(self) -> None:
        """Take this link out of its portfolio, with its aliases there. The version stays. Raise ValueError for what is no
        link."""
        version, workspace = self._logged("unlink")
        await workspace.catalog.unlink(version.place, collection_id=version.collection_id)

    unlink = blocking(unlink_async)

    async def lineage_async(self, limit: int = 300) -> "Lineage":
        """What it was made from and what was made from it: runs and versions as a graph, up to `limit` of them."""
        from .lineage import Lineage

        version, workspace = self._logged("lineage")
        return Lineage(await workspace.catalog.lineage(version.id, limit=limit), workspace)

    lineage = blocking(lineage_async)


async def _collection(place: Place, workspace: Workspace) -> "ArtifactCollection":
    from .collection import ArtifactCollection

    return ArtifactCollection(await workspace.catalog.collection(place.entity, place.project, place.collection), workspace)


async def link_version(
    workspace: Workspace, version: Version, target_path: str, aliases: Sequence[str] | None, *, entity: str, project: str
) -> Version:
    """Show the version in the portfolio `[[entity/]project/]portfolio`; what that does not say is `entity` and `project`."""
    target = parse_artifact_name(target_path)
    if ":" in target_path:
        raise InvalidValueError(f"Invalid portfolio path: {target_path!r}", hint="aliases are an argument of their own")
    place = (target.entity or entity, target.project or project, target.collection)
    return await workspace.catalog.link(version.id, *place, alias_list(aliases))
