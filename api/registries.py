"""Registries: all of an organization, and what all of them hold."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .choice import Choice, read_once
from .collection import ArtifactCollection, Collections
from .facts import COLLECTIONS
from .paginator import Paginator
from .registry import Registry

if TYPE_CHECKING:
    from .artifact import Artifact


class Registries(Paginator[Registry]):
    """A list of registries, which can be searched as one."""

    def collections(
        self,
        filter: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Collections:
        """Those of all these registries, one registry after the other: as `Registry.collections`."""
        Choice(COLLECTIONS, filter, order)  # raises now rather than later

        async def read() -> list[ArtifactCollection]:
            return [each async for registry in self async for each in registry.collections(filter, order)]

        return Collections(read_once(read), per_page, start)

    def versions(
        self, filter: Mapping[str, Any] | None = None, per_page: int = 100, start: str | None = None
    ) -> "Paginator[Artifact]":
        """All that is linked to these registries: as `Registry.versions`."""
        return self.collections().versions(filter, per_page, start)
