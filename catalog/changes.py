"""Edits and deletions of versions and collections."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, select, tuple_, update

from ..errors import AliasesRemainError, InvalidValueError, NameConflictError, UnknownNameError
from . import collection as collection_views
from .catalog import Change, Collection, Place, Version
from .dialect import clock
from .labels import add_tags, give, remove_tags, set_tags, take
from .names import CollectionRow, collection_by_id, collection_row, find_collection, unknown_version
from .tables import aliases, collection_tags, collections, places, version_tags, versions
from .versions import Seen, Spot, by_index, chunks, load


def change_version(connection: Connection, place: Place, change: Change, version_id: str | None) -> Version:
    if change.name is not None or change.type is not None or change.tags is not None:
        raise InvalidValueError("a version has no name or type of its own, and no list of tags", hint="change its collection")
    home, seen = _at(connection, place, version_id)
    values = _description(change)
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
    if change.type is not None:
        values["type"] = change.type
    if change.name is not None and change.name != name:
        values["name"] = _free(connection, home, change.name)
        # Receipts lie under the collection's name.
        connection.execute(update(versions).where(_logged_in(home)).values(receipted=False))
    connection.execute(update(collections).where(collections.c.id == home.id).values(updated_at=clock(), **values))
    if change.tags is not None:
        set_tags(connection, collection_tags, home.id, change.tags)
    return collection_views.load(connection, [home.id])[0]


def delete_version(connection: Connection, place: Place, version_id: str | None, *, delete_aliases: bool) -> None:
    home, seen = _at(connection, place, version_id)
    view = load(connection, [seen])[0]
    if view.aliases and not delete_aliases:
        raise AliasesRemainError(str(view.place), view.aliases)
    if view.place != view.source:  # a link: the version itself stays
        here = and_(places.c.collection_id == home.id, places.c.version_index == place.index)
        _hide(connection, here)
        return
    _hide(connection, places.c.version_id == view.id)
    connection.execute(update(versions).where(versions.c.id == view.id).values(state="DELETED", updated_at=clock()))


def delete_collection(connection: Connection, entity: str, project: str, name: str) -> None:
    home = find_collection(connection, entity, project, name, lock=True)
    ids = connection.scalars(select(versions.c.id).where(_logged_in(home))).all()
    connection.execute(update(versions).where(_logged_in(home)).values(state="DELETED", updated_at=clock()))
    for some in chunks(ids):
        _hide(connection, places.c.version_id.in_(some))
    _hide(connection, places.c.collection_id == home.id)  # its links
    set_tags(connection, collection_tags, home.id, ())
    unlisted = {"listed": False, "description": None, "updated_at": clock()}
    connection.execute(update(collections).where(collections.c.id == home.id).values(unlisted))


def _at(connection: Connection, place: Place, version_id: str | None) -> tuple[CollectionRow, Seen]:
    """The place; with `version_id` the one that this version has now, whatever its collection is called."""
    named = collection_row(connection, place.entity, place.project, place.collection, lock=True)
    found = None if named is None or not named.listed else by_index(connection, named, place.index)
    if named is not None and found is not None and version_id in (None, found.version_id):
        return named, found
    here = and_(places.c.version_id == version_id, places.c.version_index == place.index, places.c.deleted == false())
    ids = () if version_id is None else connection.scalars(select(places.c.collection_id).where(here)).all()
    if version_id is not None and len(ids) == 1:
        home = collection_by_id(connection, ids[0], lock=True)
        return home, Seen(version_id, home, place.index)
    if found is not None:  # the name is another collection's by now
        raise UnknownNameError("version", str(version_id))
    home = find_collection(connection, place.entity, place.project, place.collection)
    raise unknown_version(connection, home, f"v{place.index}")


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


def _hide(connection: Connection, which: ColumnElement[bool]) -> None:
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
