"""Versions as readers see them."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, exists, false, func, select, update

from ..errors import InvalidValueError, UnknownNameError
from . import cursor as cursors
from . import tables
from .names import CollectionRow, collection_row, find_collection, is_version, unknown_version
from .tables import aliases, collections, entities, places, projects, version_tags, versions
from .values import INHERIT, Page, Place, State, Version, Wanted

_CHUNK = 500


class Seen(Struct, frozen=True):
    """A version and the collection it is looked at in (None: where it was logged)."""

    version_id: str
    collection: CollectionRow | None = None
    index: int = -1
    linked_at: float | None = None


class Spot(Struct, frozen=True):
    """A place by ids."""

    collection_id: str
    index: int


def latest(connection: Connection, entity: str, project: str, collection: str) -> Version | None:
    home = collection_row(connection, entity, project, collection)
    return None if home is None else latest_in(connection, home)


def latest_in(connection: Connection, collection: CollectionRow) -> Version | None:
    """The version that a new one is compared with."""
    seen = by_alias(connection, collection, "latest")
    if seen is None:
        highest = select(places.c.version_id, places.c.version_index).where(
            places.c.collection_id == collection.id, places.c.deleted == false()
        )
        row = connection.execute(highest.order_by(places.c.version_index.desc()).limit(1)).first()
        seen = None if row is None else Seen(row.version_id, collection, row.version_index)
    return None if seen is None else load(connection, [seen])[0]


def version(connection: Connection, entity: str, project: str, collection: str, alias: str) -> Version:
    home = find_collection(connection, entity, project, collection)
    return load(connection, [find(connection, home, alias)])[0]


def find(connection: Connection, collection: CollectionRow, alias: str) -> Seen:
    """By `v<index>` or alias. Raise `UnknownNameError`."""
    seen = by_index(connection, collection, int(alias[1:])) if is_version(alias) else by_alias(connection, collection, alias)
    if seen is None:
        raise unknown_version(connection, collection, alias)
    return seen


def by_index(connection: Connection, collection: CollectionRow, index: int) -> Seen | None:
    query = select(places.c.version_id, places.c.linked_at).where(
        places.c.collection_id == collection.id, places.c.version_index == index, places.c.deleted == false()
    )
    row = connection.execute(query).first()
    return None if row is None else Seen(row.version_id, collection, index, row.linked_at)


def by_alias(connection: Connection, collection: CollectionRow, alias: str) -> Seen | None:
    same_place = (places.c.collection_id == aliases.c.collection_id) & (places.c.version_index == aliases.c.version_index)
    query = select(places.c.version_id, places.c.version_index, places.c.linked_at).join_from(aliases, places, same_place)
    row = connection.execute(query.where(aliases.c.collection_id == collection.id, aliases.c.alias == alias)).first()
    return None if row is None else Seen(row.version_id, collection, row.version_index, row.linked_at)


def version_by_id(connection: Connection, version_id: str) -> Version:
    numbered = select(versions.c.id).where(versions.c.id == version_id, versions.c.version_index.is_not(None))
    if connection.scalar(numbered) is None:
        raise UnknownNameError("version", version_id)
    return load(connection, [Seen(version_id)])[0]


def spot_of(connection: Connection, version_id: str) -> Spot:
    """Where a committed version was logged. Raise `UnknownNameError` for any other."""
    query = select(versions.c.collection_id, versions.c.version_index, versions.c.state).where(versions.c.id == version_id)
    row = connection.execute(query).first()
    if row is None or row.state != "COMMITTED":
        if row is None or row.version_index is None:
            raise UnknownNameError("version", version_id)
        place = version_by_id(connection, version_id).place
        where = f"{place.entity}/{place.project}/{place.collection}"
        raise UnknownNameError("version", f"v{place.index}", within=where, hint="it was deleted")
    return Spot(row.collection_id, row.version_index)


def listed(
    connection: Connection, entity: str, project: str, collection: str, wanted: Wanted, limit: int, cursor: str | None
) -> Page[Version]:
    """Committed versions of one collection."""
    if wanted.order not in ("version_index", "+version_index", "-version_index"):
        raise InvalidValueError(f"versions cannot be ordered by '{wanted.order}'", hint="use version_index or -version_index")
    home = find_collection(connection, entity, project, collection)
    if wanted.type not in (None, home.type):
        return Page((), None, 0)
    conditions = [places.c.collection_id == home.id, places.c.deleted == false()]
    conditions += [
        exists().where(version_tags.c.version_id == places.c.version_id, version_tags.c.tag == tag) for tag in wanted.tags
    ]
    total = connection.scalar(select(func.count()).select_from(places).where(*conditions)) if wanted.tags else home.version_count
    down = wanted.order.startswith("-")
    if cursor is not None:
        (last,) = cursors.decode(cursor, int)
        conditions.append(places.c.version_index < last if down else places.c.version_index > last)
    query = select(places.c.version_id, places.c.version_index, places.c.linked_at).where(*conditions)
    query = query.order_by(places.c.version_index.desc() if down else places.c.version_index).limit(limit + 1)
    rows = connection.execute(query).all()
    items = load(connection, [Seen(row.version_id, home, row.version_index, row.linked_at) for row in rows[:limit]])
    return Page(items, cursors.encode(items[-1].place.index) if len(rows) > limit and items else None, total or 0)


def unreceipted(connection: Connection, entity: str, project: str, collection: str) -> tuple[Version, ...]:
    home = find_collection(connection, entity, project, collection)
    query = select(versions.c.id).where(versions.c.collection_id == home.id, tables.unreceipted)
    return load(connection, [Seen(version_id) for version_id in connection.scalars(query.order_by(versions.c.version_index))])


def receipted(connection: Connection, version_ids: Sequence[str]) -> None:
    for some in chunks(version_ids):
        connection.execute(update(versions).where(versions.c.id.in_(some)).values(receipted=True))


def load(connection: Connection, seen: Sequence[Seen]) -> tuple[Version, ...]:
    """All that readers see of these versions, in this order, in three statements."""
    ids = sorted({each.version_id for each in seen})
    rows: dict[str, Row[*tuple[Any, ...]]] = {}
    tags: dict[str, list[str]] = {}
    names: dict[tuple[str, int], list[str]] = {}
    for some in chunks(ids):
        query = (
            select(
                versions,
                collections.c.name,
                collections.c.type,
                collections.c.ttl.label("inherited_ttl"),
                projects.c.name.label("project"),
                entities.c.name.label("entity"),
            )
            .join_from(versions, collections, collections.c.id == versions.c.collection_id)
            .join(projects, projects.c.id == collections.c.project_id)
            .join(entities, entities.c.id == projects.c.entity_id)
        )
        rows |= {row.id: row for row in connection.execute(query.where(versions.c.id.in_(some)))}
        tagged = select(version_tags.c.version_id, version_tags.c.tag).where(version_tags.c.version_id.in_(some))
        for version_id, tag in connection.execute(tagged.order_by(version_tags.c.position)):
            tags.setdefault(version_id, []).append(tag)
        same_place = (places.c.collection_id == aliases.c.collection_id) & (places.c.version_index == aliases.c.version_index)
        named = select(aliases.c.collection_id, aliases.c.version_index, aliases.c.alias).join_from(places, aliases, same_place)
        for collection_id, index, alias in connection.execute(
            named.where(places.c.version_id.in_(some)).order_by(aliases.c.alias)
        ):
            names.setdefault((collection_id, index), []).append(alias)
    return tuple(_version(rows[each.version_id], each, tags, names) for each in seen)


def _version(
    row: Row[*tuple[Any, ...]], seen: Seen, tags: dict[str, list[str]], names: dict[tuple[str, int], list[str]]
) -> Version:
    source = place = Place(row.entity, row.project, row.name, row.version_index)
    at = (row.collection_id, row.version_index)
    if seen.collection is not None and seen.collection.id != row.collection_id:  # through a link
        home = seen.collection
        place = Place(home.project.entity, home.project.name, home.name, seen.index)
        at = (home.id, seen.index)
    return Version(
        id=row.id,
        place=place,
        source=source,
        type=row.type,
        state=State(row.state),
        digest=row.digest,
        tree_digest=row.tree_digest,
        digest_algorithm=row.digest_algorithm,
        document=row.document,
        size=row.size,
        file_count=row.file_count,
        description=row.description,
        metadata=row.metadata,
        aliases=tuple(names.get(at, ())),
        tags=tuple(tags.get(row.id, ())),
        created_at=row.created_at,
        updated_at=row.updated_at,
        entity_id=row.entity_id,
        collection_id=at[0],
        ttl=INHERIT if row.ttl is None else row.ttl,
        inherited_ttl=row.inherited_ttl,
        linked_at=seen.linked_at,
    )


def chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """Few enough for one IN."""
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
