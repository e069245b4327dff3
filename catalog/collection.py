"""Collections, and the projects they lie in, as readers see them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ..errors import InvalidValueError
from . import cursor as cursors
from . import tables
from .names import find_collection, find_entity, find_project
from .tables import aliases, collection_tags, entities, projects
from .values import Collection, Page
from .versions import chunks


def collection(connection: Connection, entity: str, project: str, name: str) -> Collection:
    return load(connection, [find_collection(connection, entity, project, name).id])[0]


def listed(
    connection: Connection, entity: str, project: str, type_: str | None, limit: int, cursor: str | None, order: str
) -> Page[Collection]:
    """By name."""
    if order not in ("name", "+name", "-name"):
        raise InvalidValueError(f"collections cannot be ordered by '{order}'", hint="use name or -name")
    down = order.startswith("-")
    table = tables.collections
    conditions = [table.c.project_id == find_project(connection, entity, project).id, table.c.listed]
    if type_ is not None:
        conditions.append(table.c.type == type_)
    total = connection.scalar(select(func.count()).select_from(table).where(*conditions))
    if cursor is not None:
        (last,) = cursors.decode(cursor, str)
        conditions.append(table.c.name < last if down else table.c.name > last)
    by_name = table.c.name.desc() if down else table.c.name
    ids = connection.scalars(select(table.c.id).where(*conditions).order_by(by_name).limit(limit + 1)).all()
    items = load(connection, ids[:limit])
    return Page(items, cursors.encode(items[-1].name) if len(ids) > limit and items else None, total or 0)


def types(connection: Connection, entity: str, project: str) -> tuple[str, ...]:
    """Sorted."""
    table = tables.collections
    home = find_project(connection, entity, project)
    query = select(table.c.type).where(table.c.project_id == home.id, table.c.listed).distinct()
    return tuple(connection.scalars(query.order_by(table.c.type)))


def all_projects(connection: Connection, entity: str | None) -> tuple[tuple[str, str], ...]:
    query = select(entities.c.name, projects.c.name).join_from(entities, projects, projects.c.entity_id == entities.c.id)
    if entity is not None:
        query = query.where(entities.c.id == find_entity(connection, entity))
    rows = connection.execute(query.order_by(entities.c.name, projects.c.name))
    return tuple((entity_name, project_name) for entity_name, project_name in rows)


def load(connection: Connection, ids: Sequence[str]) -> tuple[Collection, ...]:
    """These collections, in this order."""
    table = tables.collections
    rows: dict[str, Row[*tuple[Any, ...]]] = {}
    tags: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for some in chunks(ids):
        query = (
            select(table, projects.c.name.label("project"), entities.c.name.label("entity"))
            .join_from(table, projects, projects.c.id == table.c.project_id)
            .join(entities, entities.c.id == projects.c.entity_id)
        )
        rows |= {row.id: row for row in connection.execute(query.where(table.c.id.in_(some)))}
        tagged = select(collection_tags.c.collection_id, collection_tags.c.tag).where(collection_tags.c.collection_id.in_(some))
        for collection_id, tag in connection.execute(tagged.order_by(collection_tags.c.position)):
            tags.setdefault(collection_id, []).append(tag)
        named = select(aliases.c.collection_id, aliases.c.alias).where(aliases.c.collection_id.in_(some))
        for collection_id, alias in connection.execute(named.order_by(aliases.c.alias)):
            names.setdefault(collection_id, []).append(alias)
    return tuple(_collection(rows[each], tuple(tags.get(each, ())), tuple(names.get(each, ()))) for each in ids)


def _collection(row: Row[*tuple[Any, ...]], tags: tuple[str, ...], names: tuple[str, ...]) -> Collection:
    return Collection(
        id=row.id,
        entity=row.entity,
        project=row.project,
        name=row.name,
        type=row.type,
        description=row.description,
        tags=tags,
        aliases=names,
        version_count=row.version_count,
        size=row.size,
        created_at=row.created_at,
        updated_at=row.updated_at,
        portfolio=row.portfolio,
        ttl=row.ttl,
    )
