"""Marks: what is needed and what is to go, in a file of their own: a hundred million objects need no more memory than one."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from ..catalog import ObjectInfo

_TABLES = """
CREATE TABLE marked (entity TEXT, kind TEXT, algorithm TEXT, digest BLOB,
    PRIMARY KEY (entity, kind, algorithm, digest)) WITHOUT ROWID;
CREATE TABLE going (entity TEXT, kind TEXT, algorithm TEXT, digest BLOB, size INTEGER,
    PRIMARY KEY (entity, kind, algorithm, digest)) WITHOUT ROWID;
CREATE TABLE settled (entity TEXT, kind TEXT, algorithm TEXT, digest BLOB,
    PRIMARY KEY (entity, kind, algorithm, digest)) WITHOUT ROWID;
CREATE TABLE receipts (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE targets (version TEXT, path TEXT, seen INTEGER DEFAULT 0, PRIMARY KEY (version, path)) WITHOUT ROWID;
CREATE INDEX targets_new ON targets (version, path) WHERE NOT seen;
"""
_KEY = "entity = ? AND kind = ? AND algorithm = ? AND digest = ?"


class Marks:
    """Blocking; any thread may use it. A `with` block ends it; nothing is left on the disk."""

    def __init__(self) -> None:
        # Without a name it is a file that the system removes by itself, and that is written only if it grows large.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._turn = threading.Lock()
        self._connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLES}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def mark(self, entity_id: str, objects: Iterable[ObjectInfo]) -> None:
        """These are needed."""
        self._many("INSERT OR IGNORE INTO marked VALUES (?, ?, ?, ?)", (_key(entity_id, each) for each in objects))

    def is_marked(self, entity_id: str, info: ObjectInfo) -> bool:
        return bool(self._connection.execute(f"SELECT 1 FROM marked WHERE {_KEY}", _key(entity_id, info)).fetchone())

    def settle(self, entity_id: str, document: ObjectInfo) -> None:
        """All that this index or page names is marked."""
        self._many("INSERT OR IGNORE INTO settled VALUES (?, ?, ?, ?)", [_key(entity_id, document)])

    def is_settled(self, entity_id: str, document: ObjectInfo) -> bool:
        return bool(self._connection.execute(f"SELECT 1 FROM settled WHERE {_KEY}", _key(entity_id, document)).fetchone())

    def refer(self, targets: Iterable[tuple[str, str]]) -> None:
        """Something that is kept refers to these: version ids and paths."""
        self._many("INSERT OR IGNORE INTO targets (version, path) VALUES (?, ?)", targets)

    def referred(self, limit: int) -> dict[str, list[str]]:
        """What was not given yet of what is referred to, so many at most: sorted paths by version id."""
        found: dict[str, list[str]] = {}
        query = "SELECT version, path FROM targets WHERE NOT seen ORDER BY version, path LIMIT ?"
        rows = self._connection.execute(query, (limit,)).fetchall()
        for version_id, path in rows:
            found.setdefault(version_id, []).append(path)
        self._many("UPDATE targets SET seen = 1 WHERE version = ? AND path = ?", rows)
        return found

    def send_off(self, entity_id: str, objects: Iterable[ObjectInfo]) -> None:
        """These are to go."""
        rows = ((*_key(entity_id, each), each.size) for each in objects)
        self._many("INSERT OR REPLACE INTO going VALUES (?, ?, ?, ?, ?)", rows)

    def reprieved(self, entity_id: str) -> tuple[ObjectInfo, ...]:
        """What was to go and is marked by now; it is not to go any more."""
        both = (
            "SELECT kind, algorithm, digest, size FROM going JOIN marked USING (entity, kind, algorithm, digest) WHERE entity = ?"
        )
        found = tuple(_info(row) for row in self._connection.execute(both, (entity_id,)))
        self._many(f"DELETE FROM going WHERE {_KEY}", (_key(entity_id, each) for each in found))
        return found

    def going(self, entity_id: str, batch: int) -> Iterator[Sequence[ObjectInfo]]:
        """What is to go, cut into batches."""
        query = "SELECT kind, algorithm, digest, size FROM going WHERE entity = ? ORDER BY kind, algorithm, digest"
        cursor = self._connection.execute(query, (entity_id,))
        while rows := cursor.fetchmany(batch):
            yield [_info(row) for row in rows]

    def unsent(self, entity_id: str, batch: int) -> Iterator[Sequence[ObjectInfo]]:
        """What is marked and not among what is to go, cut into batches; of unknown size."""
        query = (
            "SELECT kind, algorithm, digest, 0 FROM marked WHERE entity = ? "
            "EXCEPT SELECT kind, algorithm, digest, 0 FROM going WHERE entity = ?"
        )
        cursor = self._connection.execute(query, (entity_id, entity_id))
        while rows := cursor.fetchmany(batch):
            yield [_info(row) for row in rows]

    @property
    def any_going(self) -> bool:
        return self._connection.execute("SELECT 1 FROM going LIMIT 1").fetchone() is not None

    def keep_receipt(self, key: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO receipts VALUES (?)", (key,))

    def keeps_receipt(self, key: str) -> bool:
        return self._connection.execute("SELECT 1 FROM receipts WHERE key = ?", (key,)).fetchone() is not None

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._turn:
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")


def _key(entity_id: str, info: ObjectInfo) -> tuple[str, str, str, bytes]:
    return entity_id, info.kind, info.algorithm, bytes.fromhex(info.digest)


def _info(row: tuple[str, str, bytes, int]) -> ObjectInfo:
    kind, algorithm, digest, size = row
    return ObjectInfo(algorithm, digest.hex(), size, kind)
