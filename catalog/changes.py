"""Edits and deletions of versions and collections."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, select, tuple_, update

from ..errors import AliasesRemainError, InvalidValueError, NameConflictError, UnknownNameError
from . import collection as collection_views
from .dialect import clock
from .labels import add_tags, give, remove_tags, set_tags, take
from .names import CollectionRow, collection_by_id, collection_row, find_collection, unknown_version
from .tables import aliases, collection_tags, collections, places, version_tags, versions
from .values import DISABLED, INHERIT, Change, Collection, Place, Version
from .versions import Seen, Spot, by_index, chunks, load


def change_version(connection: Connection, place: Place, change: Change, collection_id: str | None) -> Version:
    if change.name is not None or change.type is not None or change.tags is not None:
        raise InvalidValueError("a version has no name or type of its own, and no list of tags", hint="change its collection")
    home, seen = at(connection, place, collection_id)
    values = _description(change)
    if change.ttl is not None:
        values["ttl"] = None if change.ttl == INHERIT else change.ttl
    if change.metadata is not None:
        values["metadata"] = change.metadata
    connection.execute(update(versions).where(versions.c.id == seen.version_id).values(updated_at=clock(), **values))
    spot = Spot(home.id, place.index)
    take(connection, spot, change.remove_aliases)
    give(connection, spot, change.add_aliases)
    remove_tags(connection, version_tags, seen.version_id, change.remove_tags)
    add_tags(connection, version_tags, seen.version_id, change.add_tags)
    return load(connection, [seen])[0]


def change_collection(connection: Connection, entity: str, project: str, name: str, change: Change) -> Collection:
    of_versions = (change.add_aliases, change.remove_aliases, change.add_tags, change.remove_tags)
    if any(of_versions) or change.metadata is not None:
        raise InvalidValueError("a collection has no aliases or metadata of its own", hint="change its versions")
    home = find_collection(connection, entity, project, name, lock=True)
    values = _description(change)
    if change.type is not None and home.portfolio:
        raise NameConflictError(f"{home} is a portfolio: its type is that of what is linked to it")
    if change.type is not None:
        values["type"] = change.type
    if change.ttl is not None:
        values["ttl"] = None if change.ttl == DISABLED else change.ttl
    if change.name is not None and change.name != name:
        values["name"] = _free(connection, home, change.name)
        # Receipts lie under the collection's name.
        connection.execute(update(versions).where(_logged_in(home)).values(receipted=False))
    connection.execute(update(collections).where(collections.c.id == home.id).values(updated_at=clock(), **values))
    if change.tags is not None:
        set_tags(connection, collection_tags, home.id, change.tags)
    return collection_views.load(connection, [home.id])[0]


def delete_version(connection: Connection, place: Place, collection_id: str | None, *, delete_aliases: bool) -> None:
    home, seen = at(connection, place, collection_id)
    view = load(connection, [seen])[0]
    if view.aliases and not delete_aliases:
        raise AliasesRemainError(str(view.place), view.aliases)
    if home.portfolio:  # the version itself stays
        hide(connection, and_(places.c.collection_id == home.id, places.c.version_index == place.index))
    else:
        _delete(connection, [view.id])


def delete_versions(connection: Connection, version_ids: Sequence[str], *, delete_aliases: bool) -> None:
    for some in chunks(sorted(set(version_ids))):
        numbered = select(versions.c.id, versions.c.state).where(versions.c.id.in_(some), versions.c.version_index.is_not(None))
        found = {row.id: row.state for row in connection.execute(numbered)}
        if unknown := next((each for each in some if each not in found), None):
            raise UnknownNameError("version", unknown)
        ids = [each for each, state in found.items() if state == "COMMITTED"]
        if not delete_aliases and (named := next((each for each in load(connection, [*map(Seen, ids)]) if each.aliases), None)):
            raise AliasesRemainError(str(named.place), named.aliases)
        _delete(connection, ids)


def _delete(connection: Connection, ids: Sequence[str]) -> None:
    """Not more than one IN takes."""
    hide(connection, places.c.version_id.in_(ids))
    connection.execute(update(versions).where(versions.c.id.in_(ids)).values(state="DELETED", updated_at=clock()))


def delete_collection(connection: Connection, entity: str, project: str, name: str) -> None:
    home = find_collection(connection, entity, project, name, lock=True)
    ids = connection.scalars(select(versions.c.id).where(_logged_in(home))).all()
    connection.execute(update(versions).where(_logged_in(home)).values(state="DELETED", updated_at=clock()))
    for some in chunks(ids):
        hide(connection, places.c.version_id.in_(some))
    hide(connection, places.c.collection_id == home.id)  # a portfolio's links
    set_tags(connection, collection_tags, home.id, ())
    unlisted = {"listed": False, "description": None, "ttl": None, "updated_at": clock()}
    connection.execute(update(collections).where(collections.c.id == home.id).values(unlisted))


def at(connection: Connection, place: Place, collection_id: str | None) -> tuple[CollectionRow, Seen]:
    """The place; with `collection_id` the one in that collection, whatever it is called now."""
    if collection_id is None:
        home = find_collection(connection, place.entity, place.project, place.collection, lock=True)
    else:
        home = collection_by_id(connection, collection_id, lock=True)
    seen = by_index(connection, home, place.index)
    if seen is None:
        raise unknown_version(connection, home, f"v{place.index}")
    return home, seen


def _logged_in(home: CollectionRow) -> ColumnElement[bool]:
    """Committed versions whose source it is."""
    here = select(places.c.version_id).where(places.c.collection_id == home.id, places.c.deleted == false())
    return and_(versions.c.id.in_(here), versions.c.collection_id == home.id)


def _free(connection: Connection, home: CollectionRow, name: str) -> str:
    taken = collection_row(connection, home.project.entity, home.project.name, name)
    if taken is None:
        return name
    if taken.listed:
        raise NameConflictError(f"there is a collection '{name}' in {home.project} already")
    raise NameConflictError(
        f"'{name}' was a collection in {home.project} before, or is being logged to",
        hint="its numbers stay used: take another name",
    )


def hide(connection: Connection, which: ColumnElement[bool]) -> None:
    """Delete places with their aliases; their numbers stay used."""
    gone = and_(which, places.c.deleted == false())
    counted = select(places.c.collection_id, func.count(), func.sum(versions.c.size))
    counted = counted.join_from(places, versions, versions.c.id == places.c.version_id).where(gone)
    for collection_id, count, size in connection.execute(counted.group_by(places.c.collection_id)).all():
        fewer = {"version_count": collections.c.version_count - count, "size": collections.c.size - size, "updated_at": clock()}
        connection.execute(update(collections).where(collections.c.id == collection_id).values(fewer))
    spots = select(places.c.collection_id, places.c.version_index).where(gone)
    connection.execute(delete(aliases).where(tuple_(aliases.c.collection_id, aliases.c.version_index).in_(spots)))
    connection.execute(update(places).where(gone).values(deleted=True))


def _description(change: Change) -> dict[str, Any]:
    if change.clear_description:
        return {"description": None}
    return {} if change.description is None else {"description": change.description}
