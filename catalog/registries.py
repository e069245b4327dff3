"""Registries: projects that only collect links, some of certain types only."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from ..errors import NameConflictError, UnknownNameError
from ..manifest.names import REGISTRY_PREFIX
from .changes import delete_collection
from .dialect import AnySelect, clock, insert_missing
from .names import find_entity, find_project, make_project
from .tables import collections, entities, projects, registries
from .values import Registry


def create_registry(connection: Connection, registry: Registry) -> Registry:
    home = make_project(connection, registry.entity, registry.project)
    row = _values(registry) | {"project_id": home.id, "created_at": clock()}
    if not connection.execute(insert_missing(connection, registries).values(row)).rowcount:
        raise NameConflictError(f"there is a registry '{_name(registry.project)}' of {registry.entity} already")
    return find_registry(connection, registry.entity, registry.project)


def find_registry(connection: Connection, entity: str, project: str) -> Registry:
    """Raise `UnknownNameError`."""
    row = connection.execute(_rows().where(entities.c.name == entity, projects.c.name == project)).first()
    if row is None:
        names = [_name(each.project) for each in all_registries(connection, entity)]
        hint = f"there are: {', '.join(names)}" if names else "make one with Api.create_registry()"
        raise UnknownNameError("registry", _name(project), within=entity, hint=hint)
    return _registry(row)


def all_registries(connection: Connection, entity: str) -> tuple[Registry, ...]:
    """By name."""
    of_entity = projects.c.entity_id == find_entity(connection, entity)
    return tuple(_registry(row) for row in connection.execute(_rows().where(of_entity).order_by(projects.c.name)))


def change_registry(connection: Connection, registry: Registry) -> Registry:
    home = find_project(connection, registry.entity, registry.project)
    find_registry(connection, registry.entity, registry.project)
    held = select(collections.c.type).where(collections.c.project_id == home.id, collections.c.listed).distinct()
    going = sorted(set(connection.scalars(held)) - set(registry.types)) if registry.types is not None else []
    if going:
        raise NameConflictError(f"the registry '{_name(registry.project)}' holds links of type '{going[0]}'")
    connection.execute(update(registries).where(registries.c.project_id == home.id).values(_values(registry)))
    return find_registry(connection, registry.entity, registry.project)


def delete_registry(connection: Connection, entity: str, project: str) -> None:
    find_registry(connection, entity, project)
    home = find_project(connection, entity, project)
    shown = (collections.c.project_id == home.id, collections.c.listed, collections.c.portfolio)
    for name in connection.scalars(select(collections.c.name).where(*shown)).all():
        delete_collection(connection, entity, project, name)
    connection.execute(registries.delete().where(registries.c.project_id == home.id))


def check_registry(connection: Connection, entity: str, project: str, type_: str) -> None:
    """Raise `UnknownNameError` if the project is called like a registry and is none, `NameConflictError` if it does not take this
    type."""
    if not project.startswith(REGISTRY_PREFIX):
        return
    types = find_registry(connection, entity, project).types
    if types is not None and type_ not in types:
        hint = f"it takes {', '.join(types)}" if types else None
        raise NameConflictError(f"the registry '{_name(project)}' does not take artifacts of type '{type_}'", hint=hint)


def _name(project: str) -> str:
    return project.removeprefix(REGISTRY_PREFIX)


def _values(registry: Registry) -> dict[str, Any]:
    types = None if registry.types is None else list(registry.types)
    facts: dict[str, Any] = {"description": registry.description, "visibility": registry.visibility, "types": types}
    return facts | {"updated_at": clock()}


def _rows() -> AnySelect:
    return (
        select(registries, projects.c.name.label("project"), entities.c.name.label("entity"))
        .join_from(projects, registries, registries.c.project_id == projects.c.id)
        .join(entities, entities.c.id == projects.c.entity_id)
    )


def _registry(row: Row[*tuple[Any, ...]]) -> Registry:
    return Registry(
        entity=row.entity,
        project=row.project,
        description=row.description,
        visibility=row.visibility,
        types=None if row.types is None else tuple(row.types),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
