"""Importing: versions that were made elsewhere keep their numbers and their time."""

from sqlalchemy import Connection, update

from ..errors import NameConflictError
from .leases import make_collection
from .tables import collections, versions


def skip_numbers(connection: Connection, entity: str, project: str, collection: str, type_: str, index: int) -> None:
    home = make_collection(connection, (entity, project, collection), type_)
    if home.next_index > index:
        raise NameConflictError(
            f"v{index} of {home} is, or was, another version: numbers are never used twice", hint="import into another project"
        )
    connection.execute(update(collections).where(collections.c.id == home.id).values(next_index=index))


def predate(connection: Connection, version_id: str, created_at: float) -> None:
    earlier = (versions.c.id == version_id, versions.c.created_at > created_at)
    connection.execute(update(versions).where(*earlier).values(created_at=created_at))
