"""The transaction that makes a version."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from .catalog import Committed, Content, Labels, RunKey, Version, WriteSession
from .dialect import clock
from .labels import add_edge, add_tags, give, relabel
from .leases import renew
from .names import CollectionRow, collection_by_id, find_run
from .objects import check_pins
from .tables import collections, pins, places, version_tags, versions
from .versions import Seen, Spot, latest_in, load


def commit(connection: Connection, session: WriteSession, content: Content, labels: Labels, run: RunKey | None) -> Committed:
    begun = select(versions.c.collection_id, versions.c.state, versions.c.same_as).where(versions.c.id == session.version_id)
    row: Row[*tuple[Any, ...]] | None = connection.execute(begun.with_for_update()).first()
    if row is not None and row.state == "COMMITTED":
        return Committed(_view(connection, session.version_id), created=True)
    if row is not None and row.same_as is not None:
        return Committed(_view(connection, row.same_as), created=False)
    renew(connection, session)
    home = collection_by_id(connection, row.collection_id if row else "", lock=True)  # its name may have changed
    newest = latest_in(connection, home)
    if newest is not None and newest.tree_digest == content.tree_digest:
        return _same(connection, session, newest, labels, run)
    check_pins(connection, session)
    return _new(connection, session, home, content, labels, run)


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
