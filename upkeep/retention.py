"""Retention: versions that are deleted by age (their time to live) or by number. What has an alias stays (`latest` is one), and
what is linked to a portfolio."""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence

from ..catalog import Catalog, Version, Wanted
from ..errors import AliasesRemainError, UnknownNameError

_AT_ONCE = 500


def may_go(version: Version, position: int, now: float, keep_last: int | None) -> bool:
    """Whether a version may be deleted that is the `position`th of its collection, the newest being 0. `keep_last` None: only by
    age."""
    if version.aliases or version.is_link:
        return False
    expired = version.expires_at is not None and version.expires_at <= now
    return expired or (keep_last is not None and position >= keep_last)


async def outdated(
    catalog: Catalog, keep_last: int | None, only: Sequence[tuple[str, str, str]] = (), now: float | None = None
) -> AsyncIterator[Version]:
    """Versions that may be deleted: of these collections (entity, project, name), or of all. The clock is ours, not the
    database's."""
    now = time.time() if now is None else now
    if only:
        for entity, project, name in only:
            async for version in _outdated_in(catalog, entity, project, name, keep_last, now):
                yield version
        return
    for entity, project in await catalog.projects():
        cursor: str | None = None
        while True:
            page = await catalog.collections(entity, project, None, limit=_AT_ONCE, cursor=cursor)
            for collection in page.items:
                if not collection.portfolio:
                    async for version in _outdated_in(catalog, entity, project, collection.name, keep_last, now):
                        yield version
            if (cursor := page.cursor) is None:
                break


async def _outdated_in(
    catalog: Catalog, entity: str, project: str, name: str, keep_last: int | None, now: float
) -> AsyncIterator[Version]:
    position, cursor = 0, None
    while True:
        page = await catalog.versions(entity, project, name, Wanted(), limit=_AT_ONCE, cursor=cursor)
        for version in page.items:
            if may_go(version, position, now, keep_last) and not await catalog.links(version.id, limit=1):
                yield version
            position += 1
        if (cursor := page.cursor) is None:
            break


async def delete(catalog: Catalog, versions: Sequence[Version]) -> tuple[Version, ...]:
    """Delete these, unless they have got an alias meanwhile. Those that were deleted."""
    gone: list[Version] = []
    for version in versions:
        with contextlib.suppress(AliasesRemainError, UnknownNameError):
            await catalog.delete_versions([version.id], delete_aliases=False)
            gone.append(version)
    return tuple(gone)
