"""The on-disk index: what the files that lading read or wrote contain, so that they need not be read again.

A cache. Losing it costs time, never correctness, so a damaged one is thrown away.
"""

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec.structs import astuple

from ..manifest.digest import Algorithm
from .hashing import Hashed
from .local import LocalFile, Stamp

T = TypeVar("T")
Inside = contextlib.AbstractContextManager[None]
SETTLED = 2_000_000_000  # ns: a file touched so shortly before it was hashed may have been touched again unseen
_VERSION = 1
_CHUNK = 500
_MOST = (1 << 63) - 1  # SQLite's largest number
_SCHEMA = (
    """CREATE TABLE files (
        path BLOB NOT NULL, algorithm TEXT NOT NULL,
        device INTEGER, inode INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER, began INTEGER,
        digest BLOB, leaves BLOB, md5 BLOB, PRIMARY KEY (path, algorithm)
    ) WITHOUT ROWID""",
)
_log = logging.getLogger("lading.index")


class Index:
    """Path and stamp → digest. Blocking; any thread and any process may use it."""

    def __init__(self, path: str, *, patience: float = 10.0, inside: Callable[[], Inside] = contextlib.nullcontext) -> None:
        """Another process that writes is waited for, `patience` seconds at most. SQLite is used only `inside()`."""
        self.path, self.patience, self._inside = path, patience, inside
        self._opened: dict[int, _Opened] = {}  # by process: a forked child must neither use nor close what its parent opened

    def __repr__(self) -> str:
        return f"Index({self.path!r})"

    def lookup(self, files: Sequence[LocalFile], algorithm: Algorithm, *, md5: bool = False) -> dict[str, Hashed]:
        """What is certain of these files: those whose stamp is the recorded one and was settled when it was recorded."""
        known = {os.fsencode(file.path): file for file in files}

        def read(db: sqlite3.Connection) -> dict[str, Hashed]:
            found: dict[str, Hashed] = {}
            for paths in _chunks(sorted(known)):
                for path, device, inode, size, mtime, ctime, settled, digest, leaves, label in _rows(db, algorithm, paths):
                    file = known.get(path)
                    if file and settled and (device, inode, size, mtime, ctime) == _row(file.stamp) and (label or not md5):
                        found[file.path] = Hashed(digest.hex(), size, leaves.hex() if leaves else None, label)
            return found

        return self._run(read, {})

    def remember(self, files: Iterable[tuple[str, Stamp, Hashed]], algorithm: Algorithm, *, began: int = 0) -> None:
        """Record what these files contain. `began` (ns since 1970) is a moment before the first of them was read: their stamps
        are trusted later only if they had been settled then. Without it they serve `copies` alone."""
        rows = (
            (
                *(os.fsencode(path), algorithm, *_row(stamp), began),
                *(bytes.fromhex(hashed.digest), bytes.fromhex(hashed.leaves) if hashed.leaves else None, hashed.md5),
            )
            for path, stamp, hashed in files
        )

        def write(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
            db.execute("COMMIT")

        self._run(write, None)

    def copies(self, digests: Sequence[str], algorithm: Algorithm) -> dict[str, str]:
        """Digest → a local file that had this content and has kept its stamp. Whoever copies it verifies the copy."""

        def read(db: sqlite3.Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            # Made by the first who asks, which nobody does whose store is near: keeping it costs a tenth of a small log.
            db.execute("CREATE INDEX IF NOT EXISTS files_by_digest ON files (digest)")
            for chunk in _chunks([bytes.fromhex(digest) for digest in digests]):
                query = f"SELECT digest, path, inode, size, mtime FROM files WHERE algorithm = ? AND digest IN ({_marks(chunk)})"
                for digest, path, inode, size, mtime in db.execute(query, (algorithm, *chunk)):
                    if digest.hex() not in found and _is_still(path, inode, size, mtime):
                        found[digest.hex()] = os.fsdecode(path)
            return found

        return self._run(read, {})

    def close(self) -> None:
        """Close what this process has open. What is used later opens anew."""
        opened = self._opened.pop(os.getpid(), None)
        if opened:
            with self._inside(), opened.lock:
                opened.close()

    def _run(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        pid = os.getpid()
        opened = self._opened.get(pid) or self._opened.setdefault(pid, _Opened(self.path))
        try:
            with self._inside(), opened.lock, _rolled_back(opened.connection(self.patience)) as db:
                return work(db)
        except sqlite3.DatabaseError as error:
            with self._inside(), opened.lock:
                opened.close()
            if isinstance(error, sqlite3.OperationalError):
                _log.warning("the index %s cannot be used now: %s", self.path, error)  # busy, read-only, full: do without
            else:
                _log.warning("the index %s is damaged and starts anew: %s", self.path, error)
                for suffix in ("", "-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        os.unlink(self.path + suffix)
            return otherwise


class _Opened:
    """A connection that is kept: opening and closing one costs a hundred times what it takes to record a file."""

    def __init__(self, path: str) -> None:
        self.path, self.lock = path, threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def connection(self, patience: float) -> sqlite3.Connection:
        """To the file that is there now: it may have been removed, or another put in its place. Hold the lock."""
        if self._db is None or self._file != _identity(self.path):
            self.close()
            # SQLite says better what is wrong; by itself it would let everybody read the names of files. Only where there is no
            # file: closing one that another connection of this process has open would take away that one's locks.
            with contextlib.suppress(OSError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(self.path, timeout=patience, isolation_level=None, check_same_thread=False)
            _prepare(self._db)
            self._file = _identity(self.path)
        return self._db

    def close(self) -> None:
        """Hold the lock."""
        if self._db is not None:
            self._db.close()
            self._db = None


@contextlib.contextmanager
def _rolled_back(db: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """What the block left uncommitted is undone: the next one finds the connection as new."""
    try:
        yield db
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _prepare(db: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.OperationalError):  # somebody else uses it at this moment; a later call will do
        db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")  # a power cut may lose the last rows, not mix them up
    if _version(db) != _VERSION:
        db.execute("BEGIN IMMEDIATE")
        if _version(db) != _VERSION:  # another process may have been faster
            for statement in ("DROP TABLE IF EXISTS files", *_SCHEMA, f"PRAGMA user_version = {_VERSION}"):
                db.execute(statement)
        db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _rows(db: sqlite3.Connection, algorithm: Algorithm, paths: Sequence[bytes]) -> list[Any]:
    """The rows of these paths, which are sorted; maybe some of others, too."""
    columns = f"path, device, inode, size, mtime, ctime, max(mtime, ctime) + {SETTLED} <= began, digest, leaves, md5"
    select = f"SELECT {columns} FROM files WHERE algorithm = ? AND path"
    # The files of a folder lie side by side: to read on is faster than to look for each, if not too much else lies between them.
    most = 2 * len(paths)
    rows = db.execute(f"{select} BETWEEN ? AND ? LIMIT ?", (algorithm, paths[0], paths[-1], most)).fetchall()
    return rows if len(rows) < most else db.execute(f"{select} IN ({_marks(paths)})", (algorithm, *paths)).fetchall()


def _row(stamp: Stamp) -> tuple[int, ...]:
    """As SQLite can hold it: some file systems number their files beyond 63 bits."""
    if stamp.device <= _MOST and stamp.inode <= _MOST:
        return astuple(stamp)
    return _signed(stamp.device), _signed(stamp.inode), stamp.size, stamp.mtime, stamp.ctime


def _signed(number: int) -> int:
    return number if number <= _MOST else number - (1 << 64)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _is_still(path: bytes, inode: int, size: int, mtime: int) -> bool:
    try:
        stat = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return (_signed(stat.st_ino), stat.st_size, stat.st_mtime_ns) == (inode, size, mtime)
