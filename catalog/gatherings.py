"""Gatherings: one version that several writers make, each of them a part."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, literal, select, update

from .dialect import clock, insert_missing, insert_or_set
from .leases import make_collection, open_session, renew
from .names import find_run
from .objects import check_pins
from .runs import infos
from .tables import gatherings, parts, pins, runs, versions
from .values import Part, RunKey, WriteSession


def gather(
    connection: Connection, version_id: str, names: tuple[str, str, str], type_: str, name: str, lease_seconds: float
) -> WriteSession | None:
    """None: the last one of this name was given up, with its parts; the next call begins anew."""
    home = make_collection(connection, names, type_, session_id=version_id)
    last = _last(connection, home.id, name)
    if last is not None and last.state == "PENDING" and last.alive:
        session = WriteSession(last.version_id, home.project.entity_id, *names, home.type, lease_seconds)
        renew(connection, session)
        return session
    given_up = last is not None and last.state != "COMMITTED" and last.same_as is None
    if last is not None and given_up and connection.execute(delete(parts).where(parts.c.version_id == last.version_id)).rowcount:
        return None
    session = open_session(connection, version_id, *names, type_, lease_seconds)
    row = {"collection_id": home.id, "name": name, "version_id": version_id}
    connection.execute(insert_or_set(connection, gatherings, ["version_id"]), row)
    return session


def give_part(connection: Connection, gathering: WriteSession, session: WriteSession, part: Part) -> None:
    given = select(parts.c.id).where(parts.c.version_id == gathering.version_id, parts.c.id == part.id)
    if connection.scalar(given) is not None:
        return
    renew(connection, gathering)
    renew(connection, session)
    check_pins(connection, session)
    key = (literal(gathering.version_id), pins.c.kind, pins.c.algorithm, pins.c.digest)
    mine = pins.c.version_id == session.version_id
    connection.execute(insert_missing(connection, pins, select(*key).where(mine)))
    connection.execute(delete(pins).where(mine))
    ended = {"state": "DELETED", "lease_until": None, "updated_at": clock()}
    connection.execute(update(versions).where(versions.c.id == session.version_id).values(ended))
    row: dict[str, Any] = {"version_id": gathering.version_id, "id": part.id, "document": part.document}
    row |= {"digest_algorithm": part.digest_algorithm, "aliases": list(part.aliases), "made_at": clock()}
    row |= {"run_id": None if part.run is None else find_run(connection, part.run)}
    connection.execute(insert(parts).values(row))


def given_parts(connection: Connection, gathering: WriteSession) -> tuple[Part, ...]:
    """In the order of giving."""
    query = select(parts).where(parts.c.version_id == gathering.version_id).order_by(parts.c.made_at, parts.c.id)
    rows = connection.execute(query).all()
    ids = {row.run_id for row in rows if row.run_id is not None}
    named = connection.execute(infos().where(runs.c.id.in_(ids)))
    writers = {row.id: RunKey(row.entity, row.project, row.run_id) for row in named}
    return tuple(Part(row.id, row.digest_algorithm, row.document, writers.get(row.run_id), tuple(row.aliases)) for row in rows)


def _last(connection: Connection, collection_id: str, name: str) -> Row[*tuple[Any, ...]] | None:
    alive = (versions.c.lease_until > clock()).label("alive")
    query = select(gatherings.c.version_id, versions.c.state, versions.c.same_as, alive)
    query = query.join_from(gatherings, versions, versions.c.id == gatherings.c.version_id)
    found = query.where(gatherings.c.collection_id == collection_id, gatherings.c.name == name)
    return connection.execute(found.with_for_update(of=gatherings)).first()
