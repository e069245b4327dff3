"""What each entity stores, and what open write sessions need of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, and_, bindparam, exists, literal, select, update

from ..errors import CatalogBusyError, StoreError
from ..manifest.keys import stored_key
from . import packed
from .dialect import insert_missing, insert_or_set
from .leases import renew
from .packed import pack
from .tables import entities, leaving, objects, pins
from .values import ObjectInfo, WriteSession

_NAMED = 3
KIND, ALGORITHM = bindparam("kind", type_=Text), bindparam("algorithm", type_=Text)
OWNER = bindparam("owner", type_=Text)  # an entity, or a version that pins

_present = objects.c.state.in_(("stored", "condemned"))
packed_key = and_(objects.c.entity_id == OWNER, objects.c.kind == KIND, objects.c.algorithm == ALGORITHM)
_pinned_key = and_(objects.c.kind == pins.c.kind, objects.c.algorithm == pins.c.algorithm, objects.c.digest == pins.c.digest)


def ask(connection: Connection, session: WriteSession, asked: Sequence[ObjectInfo]) -> frozenset[str]:
    renew(connection, session)
    there = and_(packed_key, objects.c.digest == packed.digest, _present)
    unknown = select(packed.row.c.i).where(~exists().where(there))
    missing: set[str] = set()
    for some in pack(asked):
        values = some.parameters()
        _pin(connection, session, values)
        rows = connection.scalars(unknown, values | {"owner": session.entity_id})
        missing.update(some.objects[int(row)].digest for row in rows)
    _refuse_going(connection, session)
    _revive(connection, session)
    return frozenset(item.digest for item in asked) - missing


def stored(connection: Connection, session: WriteSession, here: Sequence[ObjectInfo]) -> None:
    renew(connection, session)
    rows = select(OWNER, KIND, ALGORITHM, packed.digest, packed.size, literal("stored")).where(packed.rows_in_range)
    insert = insert_or_set(connection, objects, ["size", "state"], only=objects.c.state != "deleting", source=rows)
    for some in pack(here):
        values = some.parameters(sizes=True)
        connection.execute(insert, values | {"owner": session.entity_id})
        _pin(connection, session, values)
    _refuse_going(connection, session)


def forget(connection: Connection, entity_id: str, bad: Sequence[ObjectInfo]) -> None:
    rows = select(OWNER, KIND, ALGORITHM, packed.digest, packed.size, literal("lost")).where(packed.rows_in_range)
    insert = insert_or_set(connection, objects, ["state"], only=objects.c.state != "deleting", source=rows)
    for some in pack(bad):
        connection.execute(insert, some.parameters(sizes=True) | {"owner": entity_id})


def large_objects(connection: Connection, entity: str, least: int) -> dict[str, int]:
    # Looks through all that the entity stores, 0.12 s at a million objects: who asks has much more to read.
    owner = connection.scalar(select(entities.c.id).where(entities.c.name == entity))
    found = select(objects.c.algorithm, objects.c.digest, objects.c.size)
    rows = connection.execute(found.where(objects.c.entity_id == owner, objects.c.kind == "object", objects.c.size >= least))
    return {stored_key("object", str(owner), algorithm, digest.hex()): size for algorithm, digest, size in rows}


def lost(connection: Connection, entity_id: str) -> bool:
    here = exists().where(objects.c.entity_id == entity_id, leaving, objects.c.state == "lost")
    return bool(connection.scalar(select(here)))


def check_pins(connection: Connection, session: WriteSession) -> None:
    """Raise `StoreError` naming pinned objects that are not stored; condemned ones are revived."""
    there = and_(objects.c.entity_id == session.entity_id, _pinned_key, _present)
    missing = select(pins.c.kind, pins.c.algorithm, pins.c.digest).where(
        pins.c.version_id == session.version_id, ~exists().where(there)
    )
    if keys := _keys(session.entity_id, connection.execute(missing.limit(_NAMED))):
        raise StoreError(f"{keys}: not stored, or gone since; nothing was committed", hint="log it again")
    _revive(connection, session)


def _pin(connection: Connection, session: WriteSession, values: dict[str, Any]) -> None:
    rows = select(OWNER, KIND, ALGORITHM, packed.digest).where(packed.rows_in_range)
    connection.execute(insert_missing(connection, pins, rows), values | {"owner": session.version_id})


def _refuse_going(connection: Connection, session: WriteSession) -> None:
    """Raise `CatalogBusyError` if a gc is deleting something that the session needs: only what is sent after that stays."""
    going = select(objects.c.kind, objects.c.algorithm, objects.c.digest).where(
        objects.c.entity_id == session.entity_id, leaving, objects.c.state == "deleting"
    )
    going = going.where(exists().where(pins.c.version_id == session.version_id, _pinned_key)).limit(_NAMED)
    if keys := _keys(session.entity_id, connection.execute(going)):
        raise CatalogBusyError(
            f"{keys}: being deleted by a garbage collection", hint="ask again in a moment, and send what is unknown"
        )


def _revive(connection: Connection, session: WriteSession) -> None:
    """What a gc condemned and this session needs is stored for good again."""
    condemned = and_(objects.c.entity_id == session.entity_id, leaving, objects.c.state == "condemned")
    pinned = exists().where(pins.c.version_id == session.version_id, _pinned_key)
    connection.execute(update(objects).where(condemned, pinned).values(state="stored"))


def _keys(entity_id: str, rows: Any) -> str:
    return ", ".join(stored_key(kind, entity_id, algorithm, digest.hex()) for kind, algorithm, digest in rows)
