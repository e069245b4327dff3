"""Portfolios and registries, expiry, and versions that several writers make."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_seconds: sa.Double[float] = sa.Double()


def upgrade() -> None:
    # SQLite writes a column that is added in place behind the constraints: rebuilt, an upgraded table reads like a new one.
    rebuild: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("collections", recreate=rebuild) as collections:
        collections.add_column(sa.Column("portfolio", sa.Boolean(), server_default=sa.false(), nullable=False))
        collections.add_column(sa.Column("ttl", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("versions", recreate=rebuild) as versions:
        versions.add_column(sa.Column("ttl", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("places", recreate=rebuild) as places:
        places.add_column(sa.Column("linked_at", _seconds, nullable=True))
    op.create_table(
        "registries",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=True),
        sa.Column("created_at", _seconds, nullable=False),
        sa.Column("updated_at", _seconds, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_registries"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_registries_project_id"),
    )
    op.create_table(
        "gatherings",
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "name", name="pk_gatherings"),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_gatherings_collection_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_gatherings_version_id"),
    )
    op.create_table(
        "parts",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("digest_algorithm", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("made_at", _seconds, nullable=False),
        sa.PrimaryKeyConstraint("version_id", "id", name="pk_parts"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_parts_version_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_parts_run_id"),
    )
