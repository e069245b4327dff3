"""The file of a SQLite catalogue: found or made, of the right revision, in a safe place."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection

from ..errors import CatalogBusyError, CommError, LocalFileError
from . import mounts, schema
from .schema import Revisions
from .sqlite import SqliteDatabase

_PAUSE = 0.01


def open_file(path: Path, busy_timeout: float, revisions: Revisions = schema.OURS) -> SqliteDatabase:
    """Open the catalogue at `path`; make it where there is none, bring an older one up to date after a backup beside it. Any
    number of processes may do so at once."""
    path = path.resolve()
    mounts.check_local(path)
    _make(path)
    database = SqliteDatabase(path, busy_timeout)
    try:
        found = database.read_now(schema.revision)
        if found != revisions.head:
            if found is not None:
                revisions.check_known(found, str(path))
            _bring_up(path, busy_timeout, revisions)
    except BaseException:
        database.close_now()
        raise
    return database


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # An empty file is an empty database. None that is there is opened: closing it would take away the locks of a connection
        # that another thread has made meanwhile.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise LocalFileError(
            f"{path}: the catalogue cannot be made here ({error.strerror})", hint="choose another place with LADING_CATALOG"
        ) from error


def _bring_up(path: Path, busy_timeout: float, revisions: Revisions) -> None:
    database = SqliteDatabase(path, busy_timeout, foreign_keys=False)  # or rebuilding a table would delete what refers to it
    try:
        _use_wal(database, time.monotonic() + busy_timeout)
        database.write_now(lambda connection: _settle(connection, path, revisions))
    finally:
        database.close_now()


def _use_wal(database: SqliteDatabase, deadline: float) -> None:
    while True:
        try:
            return database.use_wal()
        except CatalogBusyError:  # SQLite does not wait here by itself
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _settle(connection: Connection, path: Path, revisions: Revisions) -> None:
    """Runs while no other process writes, and looks again: another may have been faster."""
    found = schema.revision(connection)
    if found is None:
        schema.create(connection)
    elif found != revisions.head:
        _back_up(path, found)
        revisions.upgrade(connection)
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise CommError(f"{path}: the upgrade from revision {found} failed at {tuple(broken)}; nothing was changed")


def _back_up(path: Path, revision: str) -> None:
    part = path.with_name(f"{path.name}.backup.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, path.stat().st_mode & 0o777))  # nobody else may read the copy
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    number = 1
    target = path.with_name(f"{path.name}.backup-{revision}")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.backup-{revision}-{number}")
    part.rename(target)
