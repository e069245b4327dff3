"""What SQLite and PostgreSQL say differently; everything else in this folder is the same SQL for both."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Select, Table, Text, and_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

AnySelect = Select[*tuple[Any, ...]]


class clock(FunctionElement[float]):  # noqa: N801 -- it reads as the SQL function that it is
    """Seconds since 1970 by the database's clock, so that leases do not depend on the clocks of clients."""

    type: TypeEngine[float] = Double()
    inherit_cache = True


@compiles(clock, "sqlite")
def _sqlite_clock(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # unixepoch('subsec') needs SQLite 3.42


@compiles(clock, "postgresql")
def _postgresql_clock(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class ascii_text(FunctionElement[str]):  # noqa: N801
    """Bytes read as ASCII."""

    type = Text()
    inherit_cache = True


@compiles(ascii_text, "sqlite")
def _sqlite_text(element: ascii_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"


@compiles(ascii_text, "postgresql")
def _postgresql_text(element: ascii_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"convert_from({compiler.process(element.clauses, **options)}, 'SQL_ASCII')"


def insert_missing(connection: Connection, table: Table, source: AnySelect | None = None) -> Insert:
    """An INSERT (of what `source` selects, in the table's order) that leaves rows with the same key as they are."""
    insert = _insert(connection, table, source)
    result: Insert = insert.on_conflict_do_nothing()
    return result


def insert_or_set(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    *,
    only: ColumnElement[bool] | None = None,
    source: AnySelect | None = None,
) -> Insert:
    """An INSERT that sets `columns` of a row with the same primary key where they differ; `only` narrows down which rows."""
    insert = _insert(connection, table, source)
    differs = or_(*(table.c[column].is_distinct_from(insert.excluded[column]) for column in columns))
    result: Insert = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column: insert.excluded[column] for column in columns},
        where=differs if only is None else and_(only, differs),  # equal rows stay clean: nothing to write or to sync
    )
    return result


def _insert(connection: Connection, table: Table, source: AnySelect | None) -> Any:
    # Loaded when needed: PostgreSQL's dialect costs 40 ms that SQLite's users need not pay.
    insert: Any
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        insert = sqlite.insert(table)
    else:
        from sqlalchemy.dialects import postgresql

        insert = postgresql.insert(table)
    return insert if source is None else insert.from_select([column.name for column in table.columns], source)
