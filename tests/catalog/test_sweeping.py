"""What upkeep asks of the catalogue in a file, and that no question about objects reads all pins or all versions."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.dialects import sqlite

from lading.catalog import Catalog
from lading.catalog.sweeping import of_a_session
from lading.catalog.tables import objects
from lading.testing.catalog_upkept import UpkeptContract


class TestSqlite(UpkeptContract):
    pass


async def test_pins_are_looked_up_by_their_whole_key_for_each_open_session(catalog: Catalog, file: Path) -> None:
    del catalog
    statement = objects.select().where(of_a_session).compile(dialect=sqlite.dialect())

    with closing(sqlite3.connect(file)) as connection:
        plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", (1,))]

    assert any("ix_versions_pending" in step for step in plan), plan
    assert any("pins" in step and "version_id=? AND kind=? AND algorithm=? AND digest=?" in step for step in plan), plan
