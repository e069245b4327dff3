"""Rebuilding: an empty catalogue is filled with what the receipts of a store say. It owns nothing until it is done."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, exists, func, insert, literal, select, update

from ..errors import CommError, InvalidValueError
from . import packed
from .dialect import insert_missing, insert_or_set
from .labels import add_tags
from .names import collection_row, new_id
from .objects import ALGORITHM, KIND, OWNER
from .packed import pack
from .tables import aliases, collections, entities, meta, objects, places, projects, version_tags, versions
from .values import ObjectInfo

if TYPE_CHECKING:  # few who open a catalogue read receipts
    from ..manifest.receipt import Receipt

_MARK = "rebuilding"


def begin(connection: Connection) -> None:
    """Raise `CommError` unless the catalogue is empty, or a rebuilding was cut short."""
    if _fact(connection, _MARK) is not None:
        return
    if _fact(connection, "store") is not None or connection.scalar(select(exists().where(entities.c.id.is_not(None)))):
        raise CommError(
            "this catalogue is not empty: only an empty one can be made anew from a store",
            hint="point LADING_CATALOG at a file that does not exist yet",
        )
    connection.execute(insert(meta), {"key": _MARK, "value": "1"})


def restore(connection: Connection, receipts: "Sequence[Receipt]") -> None:
    """Versions as they were when they were committed. Repeatable."""
    _check_rebuilding(connection)
    for receipt in receipts:
        _restore(connection, receipt)


def _restore(connection: Connection, receipt: "Receipt") -> None:
    _make_entity(connection, receipt)
    collection_id = _make_collection(connection, receipt)
    values: dict[str, Any] = {
        name: getattr(receipt, name)
        for name in ("entity_id", "digest", "tree_digest", "digest_algorithm", "document", "size", "file_count", "description")
    }
    values |= {"id": receipt.version_id, "collection_id": collection_id, "version_index": receipt.index, "state": "COMMITTED"}
    values |= {"metadata": receipt.metadata, "receipted": True}
    values |= {"created_at": receipt.created_at, "updated_at": receipt.created_at}
    if not connection.execute(insert_missing(connection, versions).values(values)).rowcount:
        return  # by the rebuilding that was cut short
    place = {"collection_id": collection_id, "version_index": receipt.index, "version_id": receipt.version_id, "deleted": False}
    connection.execute(insert(places), place)
    for alias in receipt.aliases:
        if _is_newer(connection, collection_id, alias, receipt.created_at):
            row = {"collection_id": collection_id, "alias": alias, "version_index": receipt.index}
            connection.execute(insert_or_set(connection, aliases, ["version_index"]), row)
    add_tags(connection, version_tags, receipt.version_id, receipt.tags)


def _make_entity(connection: Connection, receipt: "Receipt") -> None:
    row = {"id": receipt.entity_id, "name": receipt.entity, "created_at": receipt.created_at}
    connection.execute(insert_missing(connection, entities).values(row))
    found = connection.scalar(select(entities.c.id).where(entities.c.name == receipt.entity))
    if found != receipt.entity_id:
        raise InvalidValueError(
            f"the receipt {receipt.key} is of another entity of this name ({receipt.entity_id}, not {found})",
            hint="move it away, or the others",
        )
    owned = (projects.c.entity_id == receipt.entity_id, projects.c.name == receipt.project)
    if connection.scalar(select(projects.c.id).where(*owned)) is None:
        row = {"id": new_id(), "entity_id": receipt.entity_id, "name": receipt.project, "created_at": receipt.created_at}
        connection.execute(insert(projects), row)


def _make_collection(connection: Connection, receipt: "Receipt") -> str:
    found = collection_row(connection, receipt.entity, receipt.project, receipt.collection)
    if found is not None:
        return found.id
    owned = (projects.c.entity_id == receipt.entity_id, projects.c.name == receipt.project)
    row: dict[str, Any] = {"id": new_id(), "project_id": connection.scalars(select(projects.c.id).where(*owned)).one()}
    row |= {"name": receipt.collection, "type": receipt.type, "listed": True, "portfolio": False}
    row |= {"next_index": 0, "version_count": 0, "size": 0}
    row |= {"created_at": receipt.created_at, "updated_at": receipt.created_at}
    connection.execute(insert(collections), row)
    return str(row["id"])


def _is_newer(connection: Connection, collection_id: str, alias: str, created_at: float) -> bool:
    same_place = (places.c.collection_id == aliases.c.collection_id) & (places.c.version_index == aliases.c.version_index)
    query = select(versions.c.created_at).join_from(aliases, places, same_place).join(versions)
    query = query.where(aliases.c.collection_id == collection_id, aliases.c.alias == alias)
    has: float | None = connection.scalar(query)
    return has is None or has < created_at


def restore_objects(connection: Connection, entity_id: str, these: Sequence[ObjectInfo], state: str) -> None:
    """`state`: "stored", or "lost" for what versions need and is not there. Repeatable."""
    _check_rebuilding(connection)
    rows = select(OWNER, KIND, ALGORITHM, packed.digest, packed.size, literal(state)).where(packed.rows_in_range)
    statement = insert_or_set(connection, objects, ["size", "state"], source=rows)
    for some in pack(these):
        connection.execute(statement, some.parameters(sizes=True) | {"owner": entity_id})


def end(connection: Connection, catalog_id: str, store_id: str) -> int:
    """It is the catalogue of that id from now on, and owns that store. How many versions it has."""
    _check_rebuilding(connection)
    newest = select(versions.c.created_at, versions.c.version_index).where(versions.c.collection_id == collections.c.id)
    counted = {
        "next_index": select(func.max(versions.c.version_index) + 1).where(versions.c.collection_id == collections.c.id),
        "version_count": select(func.count()).where(versions.c.collection_id == collections.c.id),
        "size": select(func.sum(versions.c.size)).where(versions.c.collection_id == collections.c.id),
        "updated_at": newest.with_only_columns(func.max(versions.c.created_at)),
        "created_at": newest.with_only_columns(func.min(versions.c.created_at)),
    }
    connection.execute(update(collections).values({name: query.scalar_subquery() for name, query in counted.items()}))
    connection.execute(delete(meta).where(meta.c.key == _MARK))
    for key, value in (("catalog_id", catalog_id), ("store", store_id)):
        connection.execute(insert_or_set(connection, meta, ["value"]), {"key": key, "value": value})
    return connection.scalars(select(func.count()).select_from(versions)).one()


def _check_rebuilding(connection: Connection) -> None:
    if _fact(connection, _MARK) is None:
        raise CommError("this catalogue is not being made anew from a store", hint="lading doctor --rebuild")


def _fact(connection: Connection, key: str) -> str | None:
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == key))
    return found
