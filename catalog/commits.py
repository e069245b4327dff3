"""The transaction that makes a version."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ..errors import PremiseError
from .dialect import clock
from .labels import add_edge, add_tags, give, relabel
from .leases import lost, renew
from .names import CollectionRow, collection_by_id, find_run
from .objects import check_pins
from .tables import collections, parts, pins, places, version_tags, versions
from .values import INHERIT, Committed, Content, Labels, Premise, RunKey, Version, WriteSession
from .versions import Seen, Spot, latest_in, load


def commit(
    connection: Connection,
    session: WriteSession,
    content: Content,
    labels: Labels,
    run: RunKey | None,
    premise: Premise,
    ttl: int,
) -> Committed:
    begun = select(versions.c.collection_id, versions.c.state, versions.c.same_as).where(versions.c.id == session.version_id)
    row: Row[*tuple[Any, ...]] | None = connection.execute(begun.with_for_update()).first()
    if row is not None and row.state == "COMMITTED":
        return Committed(_view(connection, session.version_id), created=True)
    if row is not None and row.same_as is not None:
        return Committed(_view(connection, row.same_as), created=False)
    renew(connection, session)
    home = collection_by_id(connection, row.collection_id if row else "", lock=True)  # its name may have changed
    newest = latest_in(connection, home)
    _check(connection, session, premise, newest)
    if newest is not None and newest.tree_digest == content.tree_digest:
        committed = _same(connection, session, newest, labels, run)
    else:
        check_pins(connection, session)
        committed = _new(connection, session, home, content, labels, run)
        if ttl != INHERIT:
            connection.execute(update(versions).where(versions.c.id == session.version_id).values(ttl=ttl))
            committed = Committed(_view(connection, session.version_id), created=True)
    writers = select(parts.c.run_id).where(parts.c.version_id == session.version_id, parts.c.run_id.is_not(None)).distinct()
    for run_row in connection.scalars(writers).all():
        add_edge(connection, run_row, "logged", committed.version.id)
    return committed


def outcome(connection: Connection, session: WriteSession) -> Version | None:
    """The version that a session came to; None while it may still come to one."""
    alive = (versions.c.lease_until > clock()).label("alive")
    begun = select(versions.c.state, versions.c.same_as, alive).where(versions.c.id == session.version_id)
    row = connection.execute(begun.where(versions.c.entity_id == session.entity_id)).first()
    if row is not None and row.state == "PENDING" and row.alive:
        return None
    if row is None or (row.state != "COMMITTED" and row.same_as is None):
        raise lost(session)
    return _view(connection, row.same_as or session.version_id)


def _check(connection: Connection, session: WriteSession, premise: Premise, newest: Version | None) -> None:
    if premise.latest is not None and premise.latest != (newest.id if newest else ""):
        raise PremiseError(f"another version of {session.collection} was committed meanwhile", hint="log it again")
    if premise.parts is None:
        return
    given = connection.scalars(select(parts.c.id).where(parts.c.version_id == session.version_id).order_by(parts.c.id))
    if premise.parts != tuple(given):
        raise PremiseError(f"another part of {session.collection} came in meanwhile", hint="finish it again")


def _same(connection: Connection, session: WriteSession, newest: Version, labels: Labels, run: RunKey | None) -> Committed:
    ended = {"state": "DELETED", "same_as": newest.id, "lease_until": None, "updated_at": clock()}
    connection.execute(update(versions).where(versions.c.id == session.version_id).values(ended))
    connection.execute(delete(pins).where(pins.c.version_id == session.version_id))
    return Committed(relabel(connection, newest.id, labels, run), created=False)


def _new(
    connection: Connection, session: WriteSession, home: CollectionRow, content: Content, labels: Labels, run: RunKey | None
) -> Committed:
    spot = Spot(home.id, home.next_index)
    run_row = None if run is None else find_run(connection, run)
    values = {name: getattr(content, name) for name in Content.__struct_fields__}
    ended = {"state": "COMMITTED", "version_index": spot.index, "logged_by": run_row, "lease_until": None}
    times = {"created_at": clock(), "updated_at": clock()}
    connection.execute(update(versions).where(versions.c.id == session.version_id).values(values | ended | times))
    place = {"collection_id": spot.collection_id, "version_index": spot.index, "version_id": session.version_id, "deleted": False}
    connection.execute(insert(places), place)
    counted = {"next_index": spot.index + 1, "version_count": collections.c.version_count + 1}
    counted |= {"size": collections.c.size + content.size, "listed": True, "updated_at": clock()}
    connection.execute(update(collections).where(collections.c.id == home.id).values(counted))
    give(connection, spot, ("latest", *labels.aliases))
    add_tags(connection, version_tags, session.version_id, labels.tags)
    if run_row is not None:
        add_edge(connection, run_row, "logged", session.version_id)
    connection.execute(delete(pins).where(pins.c.version_id == session.version_id))
    return Committed(_view(connection, session.version_id), created=True)


def _view(connection: Connection, version_id: str) -> Version:
    return load(connection, [Seen(version_id)])[0]
