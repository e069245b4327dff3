"""Entities, projects and collections by name: found, made where missing, or said to be unknown in words that help."""

import os
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from ..errors import UnknownNameError
from .dialect import AnySelect, clock, insert_missing
from .tables import aliases, collections, entities, places, projects, runs
from .values import RunKey

_SHOWN = 5
_SEARCHED = 1000


class ProjectRow(Struct, frozen=True):
    id: str
    entity_id: str
    entity: str
    name: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.name}"


class CollectionRow(Struct, frozen=True):
    """A collection and where it lies; `listed` is False while readers do not see it."""

    id: str
    project: ProjectRow
    name: str
    type: str
    listed: bool
    next_index: int
    version_count: int
    portfolio: bool

    def __str__(self) -> str:
        return f"{self.project}/{self.name}"


def new_id() -> str:
    return os.urandom(16).hex()  # not `random`: forked workers must not make equal ids


def find_project(connection: Connection, entity: str, project: str) -> ProjectRow:
    """Raise `UnknownNameError` for the part that is unknown."""
    found = _project(connection, entity, project)
    if found is not None:
        return found
    entity_id = find_entity(connection, entity)
    raise UnknownNameError(
        "project",
        project,
        within=entity,
        hint=_names(connection, project, select(projects.c.name).where(projects.c.entity_id == entity_id)),
    )


def find_entity(connection: Connection, entity: str) -> str:
    """Its id."""
    found: str | None = connection.scalar(select(entities.c.id).where(entities.c.name == entity))
    if found is None:
        raise UnknownNameError("entity", entity, hint=_names(connection, entity, select(entities.c.name)))
    return found


def find_collection(connection: Connection, entity: str, project: str, name: str, *, lock: bool = False) -> CollectionRow:
    """The collection that readers see. `lock` keeps others from numbering, labelling or deleting in it."""
    found = collection_row(connection, entity, project, name, lock=lock)
    if found is not None and found.listed:
        return found
    home = find_project(connection, entity, project)
    known = select(collections.c.name).where(collections.c.project_id == home.id, collections.c.listed)
    raise UnknownNameError("collection", name, within=str(home), hint=_names(connection, name, known))


def collection_row(connection: Connection, entity: str, project: str, name: str, *, lock: bool = False) -> CollectionRow | None:
    """The collection, seen by readers or not."""
    return _collection(connection, and_(entities.c.name == entity, projects.c.name == project, collections.c.name == name), lock)


def collection_by_id(connection: Connection, collection_id: str, *, lock: bool = False) -> CollectionRow:
    found = _collection(connection, collections.c.id == collection_id, lock)
    if found is None:
        raise UnknownNameError("collection", collection_id)
    return found


def collections_by_id(connection: Connection, ids: Sequence[str]) -> dict[str, CollectionRow]:
    found = (_collection_of(row) for row in connection.execute(_collections().where(collections.c.id.in_(ids))))
    return {each.id: each for each in found}


def make_project(connection: Connection, entity: str, project: str) -> ProjectRow:
    """Find it, or make it and its entity."""
    found = _project(connection, entity, project)
    if found is not None:
        return found
    connection.execute(insert_missing(connection, entities).values(id=new_id(), name=entity, created_at=clock()))
    entity_id = find_entity(connection, entity)
    connection.execute(
        insert_missing(connection, projects).values(id=new_id(), entity_id=entity_id, name=project, created_at=clock())
    )
    return find_project(connection, entity, project)


def find_run(connection: Connection, run: RunKey) -> str:
    """The id of its row."""
    home = find_project(connection, run.entity, run.project)
    found: str | None = connection.scalar(select(runs.c.id).where(runs.c.project_id == home.id, runs.c.run_id == run.id))
    if found is None:
        known = select(runs.c.run_id).where(runs.c.project_id == home.id).order_by(runs.c.created_at.desc())
        raise UnknownNameError("run", run.id, within=str(home), hint=_names(connection, run.id, known))
    return found


def unknown_version(connection: Connection, collection: CollectionRow, alias: str) -> UnknownNameError:
    """What to raise where neither a version nor an alias of the collection is called `alias`."""
    if not is_version(alias):
        known = select(aliases.c.alias).where(aliases.c.collection_id == collection.id).order_by(aliases.c.version_index.desc())
        return UnknownNameError("alias", alias, within=str(collection), hint=_names(connection, alias, known, "its aliases are"))
    deleted = select(places.c.deleted).where(places.c.collection_id == collection.id, places.c.version_index == int(alias[1:]))
    if connection.scalar(deleted):
        hint = f"{alias} was deleted; numbers are not used again"
    elif collection.next_index:
        hint = f"the last version is v{collection.next_index - 1}"
    else:
        hint = "it has no version yet"
    return UnknownNameError("version", alias, within=str(collection), hint=hint)


def is_version(alias: str) -> bool:
    """Whether it is the number of a version: `v0`, `v12`."""
    return alias[:1] == "v" and alias[1:].isascii() and alias[1:].isdigit() and len(alias) <= 10


def _collection(connection: Connection, which: ColumnElement[bool], lock: bool) -> CollectionRow | None:
    query = _collections().where(which)
    if lock:
        query = query.with_for_update(of=collections)  # SQLite's writers are alone anyway, and it leaves the words out
    row = connection.execute(query).first()
    return None if row is None else _collection_of(row)


def _collections() -> AnySelect:
    return (
        select(
            collections.c.id,
            collections.c.name,
            collections.c.type,
            collections.c.listed,
            collections.c.next_index,
            collections.c.version_count,
            collections.c.portfolio,
            collections.c.project_id,
            projects.c.name.label("project"),
            projects.c.entity_id,
            entities.c.name.label("entity"),
        )
        .join_from(entities, projects, projects.c.entity_id == entities.c.id)
        .join(collections, collections.c.project_id == projects.c.id)
    )


def _collection_of(row: Row[*tuple[Any, ...]]) -> CollectionRow:
    home = ProjectRow(row.project_id, row.entity_id, row.entity, row.project)
    return CollectionRow(row.id, home, row.name, row.type, row.listed, row.next_index, row.version_count, row.portfolio)


def _project(connection: Connection, entity: str, project: str) -> ProjectRow | None:
    row = connection.execute(
        select(projects.c.id, projects.c.entity_id)
        .join_from(entities, projects, projects.c.entity_id == entities.c.id)
        .where(entities.c.name == entity, projects.c.name == project)
    ).first()
    return None if row is None else ProjectRow(row.id, row.entity_id, entity, project)


def _names(connection: Connection, wanted: str, known: Select[str], words: str = "there are") -> str:
    from difflib import get_close_matches  # only those who mistype pay for it

    candidates = list(connection.scalars(known.limit(_SEARCHED)))
    close = get_close_matches(wanted, candidates, n=3)
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    if not candidates:
        return "there is none yet"
    shown = ", ".join(f"'{name}'" for name in candidates[:_SHOWN])
    return f"{words} {shown}" + (" and more" if len(candidates) > _SHOWN else "")
