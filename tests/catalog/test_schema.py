"""The tables made at once are those that the migrations make one by one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from lading.catalog import INHERIT, Labels, open_catalog, schema, tables
from lading.catalog.schema import HEAD, OURS, Revisions
from lading.catalog.sqlite_file import open_file
from lading.errors import CatalogNewerError, CommError
from lading.testing.catalog_contract import log

_SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "@HEAD@"


def upgrade():
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("note", sa.Text(), nullable=True))
        runs.alter_column("name", new_column_name="title")
"""

_ROWS = (
    "INSERT INTO meta VALUES ('catalog_id', 'made')",
    "INSERT INTO entities VALUES ('i', 'e', 1)",
    "INSERT INTO projects VALUES ('i', 'i', 'p', 1)",
    "INSERT INTO collections VALUES ('i', 'i', 'c', 'dataset', NULL, 1, 1, 1, 5, 1, 1)",
    """INSERT INTO versions VALUES
       ('v', 'i', 'i', 0, 'COMMITTED', NULL, NULL, 'd', 't', 'BLAKE3', 'doc', 5, 1, NULL, '{}', NULL, 1, 1, 1)""",
    "INSERT INTO places VALUES ('i', 0, 'v', 0)",
    "INSERT INTO aliases VALUES ('i', 'latest', 0)",
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").begin() as connection:
        yield connection


@pytest.fixture
def second(tmp_path: Path) -> Revisions:
    """Migrations of a later lading."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for source in (OURS.folder / "env.py", *(OURS.folder / "versions").glob("r*.py")):
        (folder / source.relative_to(OURS.folder)).write_text(source.read_text())
    (folder / "versions" / "r9999_second.py").write_text(_SECOND.replace("@HEAD@", HEAD))
    return Revisions(folder, "9999")


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ddl(connection: Connection) -> dict[str, str]:
    """What made each table and index; a table that a migration rebuilt is quoted, and lists its constraints in another order."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    made: dict[str, str] = {}
    for name, sql in rows:
        columns, *constraints = " ".join(sql.replace('"', "").removesuffix("\n)").split()).split(", CONSTRAINT ")
        made[name] = ", CONSTRAINT ".join([columns, *sorted(constraints)])
    return made


def test_all_migrations_from_nothing_make_the_same_tables(connection: Connection) -> None:
    OURS.upgrade(connection)
    with create_engine("sqlite://").begin() as fresh:
        schema.create(fresh)
        expected = ddl(fresh)

    assert ddl(connection) == expected
    assert schema.revision(connection) == HEAD
    assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_the_last_migration_is_the_head() -> None:
    assert ScriptDirectory(str(OURS.folder)).get_heads() == [HEAD]


async def test_an_older_catalogue_is_backed_up_and_upgraded(file: Path, second: Revisions) -> None:
    old = await open_catalog(f"sqlite:///{file}")
    await log(old, "one", Labels(("best",)))
    await old.close()

    open_file(file, 1, second).close_now()

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
        assert connection.execute("SELECT note, title FROM runs").fetchall() == []
        assert connection.execute("SELECT alias FROM aliases ORDER BY alias").fetchall() == [("best",), ("latest",)]
    backup = await open_catalog(f"sqlite:///{file}.backup-{HEAD}")
    assert (await backup.version("e", "p", "c", "best")).tree_digest == "one"
    await backup.close()
    assert sorted(path.name for path in file.parent.iterdir()) == ["catalog.db", f"catalog.db.backup-{HEAD}"]


async def test_a_catalogue_of_the_first_revision_keeps_its_rows(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "versions/r0001_first.py"):
        (folder / name).write_text((OURS.folder / name).read_text())
    file.parent.mkdir()
    with create_engine(f"sqlite:///{file}").begin() as connection:
        Revisions(folder, "0001").upgrade(connection)
        for statement in _ROWS:
            connection.exec_driver_sql(statement)

    catalog = await open_catalog(f"sqlite:///{file}")

    version = await catalog.version("e", "p", "c", "latest")
    assert (version.id, version.place.index, version.ttl, version.linked_at) == ("v", 0, INHERIT, None)
    assert not (await catalog.collection("e", "p", "c")).portfolio
    assert (await catalog.link("v", "e", "p", "links")).is_link
    assert await catalog.id() == "made"
    await catalog.close()


async def test_a_backup_is_for_nobody_who_may_not_read_the_catalogue(file: Path, second: Revisions) -> None:
    """Its folder may be one for all."""
    await (await open_catalog(f"sqlite:///{file}")).close()

    open_file(file, 1, second).close_now()

    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}


async def test_a_backup_is_never_overwritten(file: Path, second: Revisions) -> None:
    await (await open_catalog(f"sqlite:///{file}")).close()
    kept = file.with_name(f"catalog.db.backup-{HEAD}")
    second_backup = file.with_name(f"catalog.db.backup-{HEAD}-2")
    write(kept, b"kept")

    open_file(file, 1, second).close_now()

    assert contents(file.parent)[kept.name] == b"kept"
    assert second_backup.name in contents(file.parent)


async def test_an_upgrade_that_fails_changes_nothing(file: Path, second: Revisions) -> None:
    await (await open_catalog(f"sqlite:///{file}")).close()
    script = second.folder / "versions" / "r9999_second.py"
    script.write_text(script.read_text() + "    raise RuntimeError('no')\n")

    with pytest.raises(RuntimeError):
        open_file(file, 1, second)

    again = await open_catalog(f"sqlite:///{file}")
    await log(again, "one")
    await again.close()


async def test_a_newer_catalogue_is_refused_and_left_alone(file: Path) -> None:
    await (await open_catalog(f"sqlite:///{file}")).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    before = contents(file.parent)

    with pytest.raises(CatalogNewerError, match="written by a newer lading"):
        await open_catalog(f"sqlite:///{file}")

    assert contents(file.parent) == before


async def test_a_database_of_something_else_is_refused_and_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = contents(file.parent)

    with pytest.raises(CommError, match="not lading's"):
        await open_catalog(f"sqlite:///{file}")

    assert contents(file.parent) == before
