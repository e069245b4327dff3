"""Sweeping: the transactions of garbage collection. See `Upkept` for what they promise."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Text, and_, bindparam, delete, exists, literal, or_, select, tuple_, update

from ..errors import LeaseLostError
from . import packed
from .dialect import clock, insert_missing, insert_or_set
from .leases import expire
from .objects import ALGORITHM, KIND, OWNER, packed_key
from .packed import Packed, pack
from .tables import collections, entities, leaving, meta, objects, pending, pins, projects, versions
from .upkept import Held, Kept
from .values import ObjectInfo, Place, State
from .versions import chunks

_TURN = "gc"  # in `meta`: "<until> <owner>"

_named = objects.c.digest.in_(select(packed.digest).select_from(packed.row))
# By names of their own: in an UPDATE those of columns are taken.
_of_kind, _of_algorithm = bindparam("of_kind", type_=Text), bindparam("of_algorithm", type_=Text)
_these = and_(objects.c.entity_id == OWNER, objects.c.kind == _of_kind, objects.c.algorithm == _of_algorithm, _named)
_each = and_(packed_key, objects.c.digest == packed.digest)


def all_entities(connection: Connection) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(select(entities.c.id, entities.c.name).order_by(entities.c.name))
    return tuple((row.id, row.name) for row in rows)


def kept(connection: Connection, trash: float, after: str | None, limit: int) -> tuple[Kept, ...]:
    lately = and_(versions.c.state == "DELETED", versions.c.updated_at > clock() - trash)
    conditions = [versions.c.version_index.is_not(None), or_(versions.c.state == "COMMITTED", lately)]
    if after is not None:
        conditions.append(versions.c.id > after)
    return _kept(connection, and_(*conditions), limit)


def kept_by_id(connection: Connection, ids: Sequence[str]) -> tuple[Kept, ...]:
    numbered = versions.c.version_index.is_not(None)
    return tuple(each for some in chunks(ids) for each in _kept(connection, and_(numbered, versions.c.id.in_(some)), len(some)))


def _kept(connection: Connection, which: ColumnElement[bool], limit: int) -> tuple[Kept, ...]:
    named = (collections.c.name.label("collection"), projects.c.name.label("project"), entities.c.name.label("entity"))
    query = (
        select(versions, *named)
        .join_from(versions, collections, collections.c.id == versions.c.collection_id)
        .join(projects, projects.c.id == collections.c.project_id)
        .join(entities, entities.c.id == projects.c.entity_id)
    )
    return tuple(
        Kept(
            row.id,
            Place(row.entity, row.project, row.collection, row.version_index),
            State(row.state),
            row.entity_id,
            row.digest_algorithm,
            row.document,
            row.receipted,
        )
        for row in connection.execute(query.where(which).order_by(versions.c.id).limit(limit))
    )


def held(connection: Connection, entity_id: str, state: str | None, after: ObjectInfo | None, limit: int) -> tuple[Held, ...]:
    query = select(objects).where(objects.c.entity_id == entity_id)
    if state is not None:
        query = query.where(objects.c.state == state)
    if state not in (None, "stored"):
        query = query.where(leaving)  # few are
    if after is not None:
        key = tuple_(objects.c.kind, objects.c.algorithm, objects.c.digest)
        query = query.where(key > tuple_(literal(after.kind), literal(after.algorithm), literal(bytes.fromhex(after.digest))))
    rows = connection.execute(query.order_by(objects.c.kind, objects.c.algorithm, objects.c.digest).limit(limit))
    return tuple(Held(ObjectInfo(row.algorithm, row.digest.hex(), row.size, row.kind), row.state) for row in rows)


def unheld(connection: Connection, entity_id: str, asked: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
    return _those(connection, entity_id, asked, ~exists().where(_each))


def pinned(connection: Connection, entity_id: str, asked: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
    key = and_(pins.c.kind == KIND, pins.c.algorithm == ALGORITHM, pins.c.digest == packed.digest)
    return _those(connection, entity_id, asked, _is_pinned(key, versions.c.entity_id == OWNER))


def end_late_sessions(connection: Connection) -> int:
    late = select(versions.c.id).where(pending, versions.c.lease_until <= clock())
    count = 0
    while found := len(connection.scalars(late).all()):
        expire(connection)
        count += found - len(connection.scalars(late).all())
    return count


def condemn(connection: Connection, owner: str, entity_id: str, these: Sequence[ObjectInfo], seconds: float) -> None:
    _keep_turn(connection, owner, seconds)
    _change(connection, entity_id, these, "condemned", objects.c.state == "stored", ~of_a_session)


def revive(connection: Connection, entity_id: str, these: Sequence[ObjectInfo]) -> None:
    _change(connection, entity_id, these, "stored", objects.c.state == "condemned")


def doom(
    connection: Connection, owner: str, entity_id: str, these: Sequence[ObjectInfo], seconds: float
) -> tuple[ObjectInfo, ...]:
    _keep_turn(connection, owner, seconds)
    # What has no row gets one that nobody takes for stored.
    rows = select(OWNER, KIND, ALGORITHM, packed.digest, packed.size, literal("lost")).where(packed.rows_in_range)
    for some in pack(these):
        connection.execute(insert_missing(connection, objects, rows), some.parameters(sizes=True) | {"owner": entity_id})
    _change(connection, entity_id, these, "deleting", objects.c.state.in_(("condemned", "lost")), ~of_a_session)
    return _those(connection, entity_id, these, exists().where(_each, objects.c.state == "deleting"))


def dropped(connection: Connection, owner: str, entity_id: str, these: Sequence[ObjectInfo], seconds: float) -> None:
    _keep_turn(connection, owner, seconds)
    for some in pack(these):
        gone = delete(objects).where(_these, objects.c.state == "deleting")
        connection.execute(gone, _values(some, entity_id))


def _is_pinned(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Open sessions are few; each is asked for the pin by its whole key."""
    query = select(literal(1)).select_from(versions).join(pins, pins.c.version_id == versions.c.id)
    return query.where(pending, *which).correlate(objects, packed.row).exists()


of_a_session = _is_pinned(
    versions.c.entity_id == objects.c.entity_id,
    pins.c.kind == objects.c.kind,
    pins.c.algorithm == objects.c.algorithm,
    pins.c.digest == objects.c.digest,
)


def _change(connection: Connection, entity_id: str, these: Sequence[ObjectInfo], state: str, *only: ColumnElement[bool]) -> None:
    statement = update(objects).where(_these, *only).values(state=state)
    for some in pack(these):
        connection.execute(statement, _values(some, entity_id))


def _values(some: Packed, entity_id: str) -> dict[str, Any]:
    return some.parameters() | {"owner": entity_id, "of_kind": some.kind, "of_algorithm": some.algorithm}


def _those(
    connection: Connection, entity_id: str, asked: Sequence[ObjectInfo], which: ColumnElement[bool]
) -> tuple[ObjectInfo, ...]:
    query, found = select(packed.row.c.i).where(which), list[ObjectInfo]()
    for some in pack(asked):
        found += [some.objects[int(i)] for i in connection.scalars(query, some.parameters() | {"owner": entity_id})]
    return tuple(found)


# Turns


class _Turn(Struct, frozen=True):
    until: float
    owner: str


def take_turn(connection: Connection, owner: str, seconds: float, instead_of: str | None) -> str | None:
    found = _turn(connection)
    now = connection.scalars(select(clock())).one()
    if found is not None and found.until > now and found.owner not in (owner, instead_of):
        return found.owner
    _write_turn(connection, owner, now + seconds)
    return None


def end_turn(connection: Connection, owner: str) -> None:
    found = _turn(connection)
    if found is not None and found.owner == owner:
        connection.execute(delete(meta).where(meta.c.key == _TURN))


def _keep_turn(connection: Connection, owner: str, seconds: float) -> None:
    found = _turn(connection)
    now = connection.scalars(select(clock())).one()
    if found is None or found.owner != owner:  # one that is over, and nobody has taken, still keeps the others out
        raise LeaseLostError("another process has begun to collect garbage meanwhile; this one stops", hint="run it again later")
    _write_turn(connection, owner, now + seconds)


def _turn(connection: Connection) -> _Turn | None:
    text: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == _TURN).with_for_update())
    if text is None:
        return None
    until, _, owner = text.partition(" ")
    return _Turn(float(until), owner)


def _write_turn(connection: Connection, owner: str, until: float) -> None:
    row: dict[str, Any] = {"key": _TURN, "value": f"{until!r} {owner}"}
    connection.execute(insert_or_set(connection, meta, ["value"]), row)
