"""Which revision of the tables a database has: made new, brought up to date, or refused."""

import os
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select

from ..errors import CatalogNewerError, CommError
from .tables import meta, metadata

HEAD = "0002"

# As Alembic makes it: kept apart from `metadata`, which is what Alembic compares.
_revisions = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
_revisions.append_constraint(PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))


def revision(connection: Connection) -> str | None:
    """What the database has; None if it is empty. Raise `CommError` if it belongs to something else."""
    if connection.dialect.has_table(connection, _revisions.name):
        found: str | None = connection.scalar(select(_revisions.c.version_num))
        return found
    if inspect(connection).get_table_names():
        raise CommError("the database holds tables that are not lading's", hint="choose another file with LADING_CATALOG")
    return None


def create(connection: Connection) -> None:
    """Make the tables in an empty database, and the catalogue's id."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    metadata.create_all(connection, checkfirst=False)
    _revisions.create(connection, checkfirst=False)
    connection.execute(insert(_revisions), {"version_num": HEAD})
    connection.execute(insert(meta), {"key": "catalog_id", "value": os.urandom(16).hex()})


class Revisions(Struct, frozen=True):
    """The migrations that this lading knows, and the last of them."""

    folder: Path
    head: str

    def check_known(self, found: str, where: str) -> None:
        """Raise `CatalogNewerError` unless `found` is one of them."""
        from alembic.script import ScriptDirectory

        if found not in {script.revision for script in ScriptDirectory(str(self.folder)).walk_revisions()}:
            raise CatalogNewerError(
                f"{where} was written by a newer lading (revision {found}); nothing was changed", hint="upgrade lading"
            )

    def upgrade(self, connection: Connection) -> None:
        """Run the migrations that the database lacks, in the connection's transaction."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes |= {"connection": connection, "metadata": metadata}
        command.upgrade(config, "head")


OURS = Revisions(Path(__file__).parent / "migrations", HEAD)
