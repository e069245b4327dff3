"""Aliases, tags and run edges of versions: what may change on content that does not."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, delete, func, select, update

from .dialect import clock, insert_missing, insert_or_set
from .names import find_run
from .tables import aliases, edges, version_tags, versions
from .values import Labels, RunKey, Version
from .versions import Seen, Spot, load, spot_of


def relabel(connection: Connection, version_id: str, labels: Labels, run: RunKey | None) -> Version:
    """Hang labels and the run's edge on a committed version. `latest` moves here only if no version has it."""
    spot = spot_of(connection, version_id)
    latest = {"collection_id": spot.collection_id, "alias": "latest", "version_index": spot.index}
    changed = connection.execute(insert_missing(connection, aliases), latest).rowcount
    changed += give(connection, spot, [alias for alias in labels.aliases if alias != "latest"])  # it may be on a newer one
    changed += add_tags(connection, version_tags, version_id, labels.tags)
    if run is not None:
        add_edge(connection, find_run(connection, run), "logged", version_id)
    if changed:
        connection.execute(update(versions).where(versions.c.id == version_id).values(updated_at=clock()))
    return load(connection, [Seen(version_id)])[0]


def give(connection: Connection, spot: Spot, names: Sequence[str]) -> int:
    """Move or make aliases of the collection; how many changed."""
    statement = insert_or_set(connection, aliases, ["version_index"])
    rows = [{"collection_id": spot.collection_id, "alias": name, "version_index": spot.index} for name in names]
    return sum(connection.execute(statement, row).rowcount for row in rows)


def take(connection: Connection, spot: Spot, names: Sequence[str]) -> None:
    """Remove aliases, those that one place has."""
    here = delete(aliases).where(aliases.c.collection_id == spot.collection_id, aliases.c.version_index == spot.index)
    if names:
        connection.execute(here.where(aliases.c.alias.in_(names)))


def add_tags(connection: Connection, table: Table, owner: str, tags: Sequence[str]) -> int:
    """Append tags that a version or collection does not have; how many."""
    if not tags:
        return 0
    owned = table.columns[0]
    start = connection.scalar(select(func.coalesce(func.max(table.c.position), -1)).where(owned == owner))
    rows = [{owned.name: owner, "tag": tag, "position": (start or 0) + step} for step, tag in enumerate(tags, 1)]
    return sum(connection.execute(insert_missing(connection, table), row).rowcount for row in rows)


def remove_tags(connection: Connection, table: Table, owner: str, tags: Sequence[str]) -> None:
    """Remove tags of a version or collection, those that it has."""
    if tags:
        connection.execute(delete(table).where(table.columns[0] == owner, table.c.tag.in_(tags)))


def set_tags(connection: Connection, table: Table, owner: str, tags: Sequence[str]) -> None:
    """Replace the tags of a version or collection."""
    connection.execute(delete(table).where(table.columns[0] == owner))
    add_tags(connection, table, owner, tags)


def add_edge(connection: Connection, run_row: str, kind: str, version_id: str) -> None:
    """The run used or logged the version. Repeatable."""
    edge = {"run_id": run_row, "kind": kind, "version_id": version_id, "made_at": clock()}
    connection.execute(insert_missing(connection, edges).values(edge))
