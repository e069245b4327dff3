"""Runs, and the versions that they made and used."""

from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from ..errors import InvalidValueError
from . import cursor as cursors
from .dialect import AnySelect, clock
from .labels import add_edge
from .names import find_project, find_run, make_project, new_id
from .tables import edges, entities, projects, runs, versions
from .values import Json, Page, RunInfo, RunKey, Version
from .versions import Seen, load, spot_of


def start(connection: Connection, run: RunInfo) -> RunInfo:
    home = make_project(connection, run.entity, run.project)
    key = RunKey(run.entity, run.project, run.id)
    old = connection.execute(select(runs).where(runs.c.project_id == home.id, runs.c.run_id == run.id).with_for_update()).first()
    running: dict[str, Any] = {"state": "running", "finished_at": None}
    if old is None:
        running |= {"id": new_id(), "project_id": home.id, "run_id": run.id, "name": run.name or run.id, "job_type": run.job_type}
        running |= {"run_group": run.group, "config": dict(run.config), "summary": dict(run.summary), "created_at": clock()}
        connection.execute(insert(runs).values(running))
    else:
        running |= {
            "name": run.name or old.name,
            "job_type": run.job_type or old.job_type,
            "run_group": run.group or old.run_group,
        }
        running |= {"config": {**old.config, **run.config}, "summary": {**old.summary, **run.summary}}
        connection.execute(update(runs).where(runs.c.id == old.id).values(running))
    return find(connection, key)


def end(connection: Connection, run: RunKey, state: str, config: Json, summary: Json) -> None:
    row_id = find_run(connection, run)
    old = connection.execute(select(runs.c.config, runs.c.summary).where(runs.c.id == row_id).with_for_update()).one()
    merged = {"config": {**old.config, **config}, "summary": {**old.summary, **summary}}
    connection.execute(update(runs).where(runs.c.id == row_id).values(state=state, finished_at=clock(), **merged))


def find(connection: Connection, run: RunKey) -> RunInfo:
    return info_of(connection.execute(infos().where(runs.c.id == find_run(connection, run))).one())


def listed(connection: Connection, entity: str, project: str, limit: int, cursor: str | None, order: str) -> Page[RunInfo]:
    if order not in ("created_at", "+created_at", "-created_at"):
        raise InvalidValueError(f"runs cannot be ordered by '{order}'", hint="use -created_at or +created_at")
    down = order.startswith("-")
    of_project = runs.c.project_id == find_project(connection, entity, project).id
    total = connection.scalar(select(func.count()).select_from(runs).where(of_project))
    query = infos().where(of_project)
    if cursor is not None:
        at, run_id = cursors.decode(cursor, float, str)
        older = or_(runs.c.created_at < at, and_(runs.c.created_at == at, runs.c.run_id < run_id))
        newer = or_(runs.c.created_at > at, and_(runs.c.created_at == at, runs.c.run_id > run_id))
        query = query.where(older if down else newer)
    ordered = [column.desc() if down else column for column in (runs.c.created_at, runs.c.run_id)]
    rows = connection.execute(query.order_by(*ordered).limit(limit + 1)).all()
    items = tuple(info_of(row) for row in rows[:limit])
    more = len(rows) > limit and items
    return Page(items, cursors.encode(items[-1].created_at, items[-1].id) if more else None, total or 0)


def use(connection: Connection, run: RunKey, version_id: str) -> None:
    spot_of(connection, version_id)
    add_edge(connection, find_run(connection, run), "used", version_id)


def versions_of(connection: Connection, run: RunKey, kind: str, limit: int, cursor: str | None) -> Page[Version]:
    """Committed ones that the run "used" or "logged", in that order."""
    there = and_(edges.c.run_id == find_run(connection, run), edges.c.kind == kind, versions.c.state == "COMMITTED")
    of_version = versions.c.id == edges.c.version_id
    total = connection.scalar(select(func.count()).join_from(edges, versions, of_version).where(there))
    query = select(edges.c.version_id, edges.c.made_at).join_from(edges, versions, of_version).where(there)
    if cursor is not None:
        at, version_id = cursors.decode(cursor, float, str)
        query = query.where(or_(edges.c.made_at > at, and_(edges.c.made_at == at, edges.c.version_id > version_id)))
    rows = connection.execute(query.order_by(edges.c.made_at, edges.c.version_id).limit(limit + 1)).all()
    items = load(connection, [Seen(row.version_id) for row in rows[:limit]])
    more = len(rows) > limit and items
    return Page(items, cursors.encode(rows[limit - 1].made_at, rows[limit - 1].version_id) if more else None, total or 0)


def used_by(connection: Connection, version_id: str) -> tuple[RunInfo, ...]:
    """In the order of first use."""
    query = infos().join(edges, edges.c.run_id == runs.c.id).where(edges.c.version_id == version_id, edges.c.kind == "used")
    return tuple(info_of(row) for row in connection.execute(query.order_by(edges.c.made_at, runs.c.id)))


def logged_by(connection: Connection, version_id: str) -> RunInfo | None:
    query = infos().join(versions, versions.c.logged_by == runs.c.id).where(versions.c.id == version_id)
    row = connection.execute(query).first()
    return None if row is None else info_of(row)


def infos() -> AnySelect:
    """Rows that `info_of` reads."""
    return (
        select(runs, projects.c.name.label("project"), entities.c.name.label("entity"))
        .join_from(runs, projects, projects.c.id == runs.c.project_id)
        .join(entities, entities.c.id == projects.c.entity_id)
    )


def info_of(row: Row[*tuple[Any, ...]]) -> RunInfo:
    return RunInfo(
        entity=row.entity,
        project=row.project,
        id=row.run_id,
        name=row.name,
        job_type=row.job_type,
        group=row.run_group,
        state=row.state,
        config=row.config,
        summary=row.summary,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
