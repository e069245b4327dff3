"""A database in one SQLite file, shared by the threads and processes of one machine."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import Struct, field
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from .forks import in_sqlite
from .sqlite_errors import busy, translated

P = ParamSpec("P")
R = TypeVar("R")
_KEPT_CONNECTIONS = 4


class _Engines(Struct, frozen=True):
    """One process's connections: SQLite's do not survive a fork."""

    reader: Engine
    writer: Engine
    turn: threading.Lock = field(default_factory=threading.Lock)  # SQLite's own wait polls; threads of one process need not
    pid: int = field(default_factory=os.getpid)


_inherited: list[_Engines] = []  # kept, so that a child never closes what its parent uses


class SqliteDatabase:
    """The `Database` of `sql.py` over an existing file."""

    def __init__(self, path: Path, busy_timeout: float, *, foreign_keys: bool = True) -> None:
        self.path, self._busy_timeout, self._foreign_keys = path, busy_timeout, foreign_keys
        self._engines = self._new_engines()

    def __repr__(self) -> str:
        return f"<SqliteDatabase {self.path}>"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    async def read(self, body: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(self.read_now, lambda connection: body(connection, *args, **kwargs))

    async def write(self, body: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(self.write_now, lambda connection: body(connection, *args, **kwargs))

    async def close(self) -> None:
        await asyncio.to_thread(self.close_now)

    def read_now(self, body: Callable[[Connection], R]) -> R:
        with in_sqlite(), translated(self.path), self._own_engines().reader.begin() as connection:
            return body(connection)

    def write_now(self, body: Callable[[Connection], R]) -> R:
        engines = self._own_engines()
        if not engines.turn.acquire(timeout=self._busy_timeout):
            raise busy(self.path)
        try:
            with in_sqlite(), translated(self.path), engines.writer.begin() as connection:
                return body(connection)
        finally:
            engines.turn.release()

    def close_now(self) -> None:
        with in_sqlite():
            self._own_engines().reader.dispose()

    def use_wal(self) -> None:
        """From now on readers and one writer do not wait for each other. The file remembers it."""
        with in_sqlite(), translated(self.path), closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")

    def _own_engines(self) -> _Engines:
        if self._engines.pid != os.getpid():
            _inherited.append(self._engines)
            self._engines = self._new_engines()
        return self._engines

    def _new_engines(self) -> _Engines:
        with in_sqlite():  # SQLAlchemy has locks, too
            engine = create_engine(
                "sqlite://", creator=self._connect, poolclass=QueuePool, pool_size=_KEPT_CONNECTIONS, max_overflow=-1
            )
            event.listen(engine, "begin", _begin)
        return _Engines(engine, engine.execution_options(lading_writes=True))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path.as_uri() + "?mode=rw",  # never an empty catalogue in place of one that went away
            uri=True,
            timeout=self._busy_timeout,
            isolation_level=None,  # transactions begin with `_begin`, not where Python guesses
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        try:
            connection.execute(f"PRAGMA foreign_keys={'ON' if self._foreign_keys else 'OFF'}")
            connection.execute("PRAGMA synchronous=FULL")  # a committed version survives a power cut; in WAL that is one sync
        except sqlite3.Error:  # not a database, for one
            connection.close()
            raise
        return connection


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once: one that read first and then finds another writer ahead could only give up.
    writes = connection.get_execution_options().get("lading_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
