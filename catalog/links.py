"""Links: versions shown in portfolios, where they have numbers and aliases of their own."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, false, insert, select, update

from ..errors import InvalidValueError
from .changes import at, hide
from .dialect import clock
from .labels import give
from .leases import make_collection
from .names import CollectionRow, collections_by_id
from .registries import check_registry
from .tables import collections, places, versions
from .values import Place, Version
from .versions import Seen, Spot, load, spot_of


def link(connection: Connection, version_id: str, entity: str, project: str, portfolio: str, names: Sequence[str]) -> Version:
    source = spot_of(connection, version_id)
    type_: str = connection.scalars(select(collections.c.type).where(collections.c.id == source.collection_id)).one()
    check_registry(connection, entity, project, type_)
    home = make_collection(connection, (entity, project, portfolio), type_, portfolio=True)
    here = (places.c.collection_id == home.id, places.c.version_id == version_id, places.c.deleted == false())
    index: int | None = connection.scalar(select(places.c.version_index).where(*here))
    if index is None:
        index = _show(connection, home, version_id)
    give(connection, Spot(home.id, index), names)
    connection.execute(update(collections).where(collections.c.id == home.id).values(updated_at=clock()))
    return _seen(connection, home, index)


def unlink(connection: Connection, place: Place, collection_id: str | None) -> None:
    home, _ = at(connection, place, collection_id)
    if not home.portfolio:
        raise InvalidValueError(f"{place} is no link; use 'Artifact.delete' instead", hint="or `lading rm`")
    hide(connection, and_(places.c.collection_id == home.id, places.c.version_index == place.index))


def links(connection: Connection, version_id: str, limit: int) -> tuple[Version, ...]:
    """Oldest first."""
    query = select(places).where(places.c.version_id == version_id, places.c.deleted == false(), places.c.linked_at.is_not(None))
    rows = connection.execute(query.order_by(places.c.linked_at, places.c.collection_id).limit(limit)).all()
    homes = collections_by_id(connection, [row.collection_id for row in rows])
    seen = [Seen(version_id, homes[row.collection_id], row.version_index, row.linked_at) for row in rows]
    return load(connection, seen)


def _show(connection: Connection, home: CollectionRow, version_id: str) -> int:
    """Number the version in the portfolio; `latest` is there now."""
    # Read again under the lock: another link may have taken the number since `home` was read.
    locked = select(collections.c.next_index).where(collections.c.id == home.id).with_for_update()
    index = connection.scalars(locked).one()
    place = {"collection_id": home.id, "version_index": index, "version_id": version_id, "deleted": False, "linked_at": clock()}
    connection.execute(insert(places).values(place))
    size = select(versions.c.size).where(versions.c.id == version_id).scalar_subquery()
    counted = {"next_index": index + 1, "version_count": collections.c.version_count + 1, "size": collections.c.size + size}
    connection.execute(update(collections).where(collections.c.id == home.id).values(counted | {"listed": True}))
    give(connection, Spot(home.id, index), ("latest",))
    return int(index)


def _seen(connection: Connection, home: CollectionRow, index: int) -> Version:
    here = select(places).where(places.c.collection_id == home.id, places.c.version_index == index)
    row = connection.execute(here).one()
    return load(connection, [Seen(row.version_id, home, index, row.linked_at)])[0]
