"""Leases of write sessions: how a version is begun, kept alive and given up."""

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, update

from ..errors import LeaseLostError, NameConflictError
from .dialect import clock, insert_missing
from .names import CollectionRow, collection_row, make_project, new_id
from .tables import collections, parts, pending, pins, versions
from .values import WriteSession

_AT_ONCE = 100


def open_session(
    connection: Connection, version_id: str, entity: str, project: str, collection: str, type_: str, lease_seconds: float
) -> WriteSession:
    expire(connection)
    home = make_collection(connection, (entity, project, collection), type_, session_id=version_id)
    session = WriteSession(version_id, home.project.entity_id, entity, project, collection, home.type, lease_seconds)
    made = connection.execute(
        insert_missing(connection, versions).values(
            id=version_id,
            entity_id=home.project.entity_id,
            collection_id=home.id,
            state="PENDING",
            lease_until=clock() + lease_seconds,
            receipted=False,
            created_at=clock(),
            updated_at=clock(),
        )
    ).rowcount
    if made:
        return session
    used = select(versions.c.collection_id, versions.c.state, versions.c.same_as).where(versions.c.id == version_id)
    row = connection.execute(used).one()
    if row.collection_id != home.id:
        raise NameConflictError(f"the version id {version_id} is used outside of {home}")
    if row.state == "PENDING" or (row.state == "DELETED" and row.same_as is None):
        renew(connection, session)
    return session


def renew(connection: Connection, session: WriteSession) -> None:
    """Start the lease anew. Raise `LeaseLostError` if it has run out."""
    alive = and_(versions.c.id == session.version_id, versions.c.entity_id == session.entity_id, pending)
    statement = update(versions).where(alive, versions.c.lease_until > clock())
    if not connection.execute(statement.values(lease_until=clock() + session.lease_seconds)).rowcount:
        raise lost(session)


def lost(session: WriteSession) -> LeaseLostError:
    return LeaseLostError(
        f"the write session for {session.entity}/{session.project}/{session.collection} has ended; nothing was committed",
        hint="log it again: what is stored already is not sent again",
    )


def abandon(connection: Connection, session: WriteSession) -> None:
    given = exists().where(parts.c.version_id == versions.c.id)  # others have come to rely on it
    _end(connection, session.version_id, and_(versions.c.entity_id == session.entity_id, ~given))


def expire(connection: Connection) -> None:
    """End leases that ran out. Their rows stay, so that a late client learns of it and does not go on without its pins."""
    late = and_(pending, versions.c.lease_until <= clock())
    for version_id in connection.scalars(select(versions.c.id).where(late).limit(_AT_ONCE)).all():
        _end(connection, version_id, late)


def _end(connection: Connection, version_id: str, only: ColumnElement[bool]) -> None:
    ended = update(versions).where(versions.c.id == version_id, pending, only)
    if connection.execute(ended.values(state="DELETED", lease_until=None, updated_at=clock())).rowcount:
        connection.execute(delete(pins).where(pins.c.version_id == version_id))


def make_collection(
    connection: Connection, names: tuple[str, str, str], type_: str, *, session_id: str | None = None, portfolio: bool = False
) -> CollectionRow:
    """Find or make the collection, for versions or for links. Raise `NameConflictError` if it is of the other kind, or has
    another type. What readers do not see may become either, unless others are logging to it."""
    entity, project, name = names
    found = collection_row(connection, entity, project, name, lock=True)
    if found is None:
        home = make_project(connection, entity, project)
        row = {"id": new_id(), "project_id": home.id, "name": name, "type": type_, "listed": False}
        row |= {"next_index": 0, "version_count": 0, "size": 0, "created_at": clock(), "updated_at": clock()}
        row |= {"portfolio": portfolio}
        connection.execute(insert_missing(connection, collections).values(row))
        return make_collection(connection, names, type_, session_id=session_id, portfolio=portfolio)
    if (found.type, found.portfolio) == (type_, portfolio):
        return found
    others = exists().where(versions.c.collection_id == found.id, pending, versions.c.id.is_distinct_from(session_id))
    if found.listed or connection.scalar(select(others)):
        raise _conflict(found, type_, portfolio=portfolio)
    changed = {"type": type_, "portfolio": portfolio}  # nobody has seen it yet
    connection.execute(update(collections).where(collections.c.id == found.id).values(changed))
    return replace(found, type=type_, portfolio=portfolio)


def _conflict(found: CollectionRow, type_: str, *, portfolio: bool) -> NameConflictError:
    if portfolio and not found.portfolio:
        return NameConflictError(f"{found} is a collection that versions are logged to", hint="link to another name")
    if found.portfolio and not portfolio:
        return NameConflictError(f"{found} is a portfolio: it only takes links", hint="log to another name, and link to this one")
    kind = "Portfolio" if portfolio else "Artifact"
    return NameConflictError(
        f"{kind} {found.name} already exists with type '{found.type}'; cannot create another with type '{type_}'",
        hint=f"choose another name, or type {found.type!r}",
    )
