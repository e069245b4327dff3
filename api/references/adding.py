"""Adding references: what a URI names becomes entries, all of them or none."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TypeVar

from ...errors import EntryNotFoundError, InvalidValueError, NotFoundError
from ...manifest.digest import Label
from ...manifest.entry import Entries, Entry
from ...manifest.paths import artifact_path
from ...manifest.targets import SCHEME, is_target, parse_uri
from ...media.value import Origin
from ...store.threads import ended
from ..documents import load_named
from ..targets import find_targets, origin_of
from ..workspace import Workspace
from .handler import Context, Pages, each
from .registry import Handlers, handler_for, scheme_of, shown

T = TypeVar("T")
MAX_OBJECTS = 10_000_000


async def entries_of(
    workspace: Workspace, label: Label, uri: str, name: str | None, *, checksum: bool, max_objects: int | None
) -> Entries:
    """By path, the entries that a URI becomes. Raise ValueError for what is no URI, for more than `max_objects`, and where a name
    is missing; `NotFoundError` if nothing lies there."""
    scheme, limit, md5 = scheme_of(uri), MAX_OBJECTS if max_objects is None else max_objects, label is Label.MD5
    if uri.startswith(SCHEME):
        path, entry = await entry_of_target(workspace, uri)
        return {artifact_path(name or path, md5=md5): entry}
    handler = handler_for(scheme, Context(workspace.engine, label))
    if handler is None:
        return {artifact_path(_named(name, "", uri), md5=md5): Entry(uri, ref=uri)}
    if not checksum:
        return {artifact_path(_named(name, handler.name(uri), uri), md5=md5): handler.unchecked(uri)}
    workspace.check_online(uri)
    if (alone := await handler.one(uri)) is not None:
        _check_count(1, limit)
        return {artifact_path(_named(name, alone.name, uri), md5=md5): alone.entry}
    prefix = f"{artifact_path(name, md5=md5)}/" if name else ""
    entries = await _listed(handler.below(uri), prefix, limit, md5=md5)
    if not entries:
        raise NotFoundError(uri, scheme, hint="there is no such object, and nothing below it")
    return entries


async def _listed(pages: Pages, prefix: str, limit: int, *, md5: bool) -> Entries:
    found: Entries = {}
    async with aclosing(_ahead(pages)) as ahead:
        async for page in ahead:
            _check_count(len(found) + len(page), limit)
            for one in page:
                path = artifact_path(prefix + one.name, md5=md5)
                if path in found:
                    raise InvalidValueError(f"{one.entry.ref} and {found[path].ref} would both be {path!r}")
                found[path] = one.entry
    return await asyncio.to_thread(_without_markers, found)


def _without_markers(found: Entries) -> Entries:
    """An empty object that has others below it stands for a folder, as some tools make them."""
    for path in list(found):
        above = path
        while (end := above.rfind("/")) > 0:
            above = above[:end]
            if (entry := found.get(above)) is not None and entry.size == 0:
                del found[above]
    return found


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise InvalidValueError(
            f"Exceeded {limit} objects tracked: nothing was added", hint="pass a larger max_objects to add_reference"
        )


def _named(name: str | None, own: str, uri: str) -> str:
    if not (name or own):
        raise InvalidValueError(f"{shown(uri)} has no name of its own", hint="pass the path that it shall have: name=…")
    return name or own


async def _ahead(pages: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same; while one is used, the next is asked for."""
    upcoming = asyncio.ensure_future(anext(pages, None))
    try:
        while (page := await upcoming) is not None:
            upcoming = asyncio.ensure_future(anext(pages, None))
            yield page
    finally:
        upcoming.cancel()
        await ended(upcoming)
        await pages.aclose()


# -- what other artifacts hold ----------------------------------------------------------------------------------------
def reference_to(origin: Origin) -> Entry:
    """The entry that refers to an entry of a committed artifact."""
    return Entry(origin.digest, size=0, ref=origin.uri)


async def entry_of_target(workspace: Workspace, uri: str) -> tuple[str, Entry]:
    """The path that the target has, and the reference to it: to the entry that is meant in the end."""
    version_id, path = parse_uri(uri)
    version = await workspace.catalog.version_by_id(version_id)
    entry = (await load_named(workspace, version, [path])).get(path)
    if entry is None:
        raise EntryNotFoundError(path, str(version.place))
    if not is_target(entry):
        return path, reference_to(origin_of(version.id, path, entry))
    target = (await find_targets(workspace, {path: entry}))[path]
    return path, reference_to(origin_of(target.version.id, target.path, target.entry))


async def resolved(workspace: Workspace, label: Label, uris: Mapping[str, str]) -> Entries:
    """The entries of single objects, by path: of each URI what its place says, of what nobody knows the URI itself. Raise
    `NotFoundError`."""
    handlers = Handlers(Context(workspace.engine, label))

    async def look(uri: str) -> Entry:
        handler = handlers.of(uri)
        if handler is None:
            return Entry(uri, ref=uri)
        if (found := await handler.one(uri)) is None:
            raise NotFoundError(uri, scheme_of(uri), hint="a value refers to one object, not to a folder")
        return found.entry

    return dict(zip(uris, await each(look, uris.values()), strict=True))
