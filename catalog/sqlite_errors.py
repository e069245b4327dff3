"""SQLite's errors in our words."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ..errors import CatalogBusyError, CommError, DiskFullError, LadingError, LocalFileError

_PRIMARY = 0xFF  # extended codes carry their family in the low byte


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise ours, naming the file and the remedy, for what goes wrong with the database at `path`."""
    try:
        yield
    except DBAPIError as error:
        ours = _ours(path, error.orig)
        if ours is None:
            raise
        raise ours from error
    except sqlite3.Error as error:
        ours = _ours(path, error)
        if ours is None:
            raise
        raise ours from error


def busy(path: Path) -> CatalogBusyError:
    return CatalogBusyError(f"{path}: another process held the catalogue for too long", hint="try again; nothing was changed")


def _ours(path: Path, error: BaseException | None) -> LadingError | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(path)
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"{path}: the disk is full; nothing was changed", hint="free some space, or move it: LADING_CATALOG")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        hint = f"make the file and its folder {path.parent} writable, or choose another place with LADING_CATALOG"
        return LocalFileError(f"{path}: the catalogue cannot be opened for writing ({error})", hint=hint)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        hint = (
            f"restore a backup (upgrades leave {path.name}.backup-… beside it), or move the file away and start anew with "
            "another LADING_STORE; keep the old store: its receipts under versions/ hold what is needed to rebuild"
        )
        return CommError(f"{path}: not a catalogue, or a damaged one ({error})", hint=hint)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
        return LocalFileError(f"{path}: the disk failed ({error})", hint="look into the system's log (dmesg)")
    return None
