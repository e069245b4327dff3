"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_seconds: sa.Double[float] = sa.Double()


def upgrade() -> None:
    op.create_table(
        "entities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _seconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entities"),
        sa.UniqueConstraint("name", name="uq_entities_name"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "objects",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "kind", "algorithm", "digest", name="pk_objects"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_objects_leaving",
        "objects",
        ["entity_id", "state"],
        unique=False,
        sqlite_where=sa.text("state != 'stored'"),
        postgresql_where=sa.text("state != 'stored'"),
    )
    op.create_table(
        "pins",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "kind", "algorithm", "digest", name="pk_pins"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _seconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("entity_id", "name", name="uq_projects_entity_id_name"),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name="fk_projects_entity_id"),
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.Column("version_count", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _seconds, nullable=False),
        sa.Column("updated_at", _seconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("project_id", "name", name="uq_collections_project_id_name"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_collections_project_id"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=True),
        sa.Column("run_group", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("created_at", _seconds, nullable=False),
        sa.Column("finished_at", _seconds, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("project_id", "run_id", name="uq_runs_project_id_run_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_runs_project_id"),
    )
    op.create_index("ix_runs_project_id_created_at_run_id", "runs", ["project_id", "created_at", "run_id"], unique=False)
    op.create_table(
        "collection_tags",
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_collection_tags_collection_id"),
        sa.PrimaryKeyConstraint("collection_id", "tag", name="pk_collection_tags"),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_until", _seconds, nullable=True),
        sa.Column("same_as", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("tree_digest", sa.Text(), nullable=True),
        sa.Column("digest_algorithm", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("file_count", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("logged_by", sa.Text(), nullable=True),
        sa.Column("receipted", sa.Boolean(), nullable=False),
        sa.Column("created_at", _seconds, nullable=False),
        sa.Column("updated_at", _seconds, nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name="fk_versions_entity_id"),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_versions_collection_id"),
        sa.ForeignKeyConstraint(["same_as"], ["versions.id"], name="fk_versions_same_as"),
        sa.ForeignKeyConstraint(["logged_by"], ["runs.id"], name="fk_versions_logged_by"),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
    )
    op.create_index(
        "ix_versions_pending",
        "versions",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index(
        "ix_versions_unreceipted",
        "versions",
        ["collection_id"],
        unique=False,
        sqlite_where=sa.text("state = 'COMMITTED' AND receipted = 0"),
        postgresql_where=sa.text("state = 'COMMITTED' AND NOT receipted"),
    )
    op.create_table(
        "edges",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("made_at", _seconds, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_edges_run_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_edges_version_id"),
        sa.PrimaryKeyConstraint("run_id", "kind", "version_id", name="pk_edges"),
    )
    op.create_index("ix_edges_run_id_kind_made_at_version_id", "edges", ["run_id", "kind", "made_at", "version_id"], unique=False)
    op.create_index("ix_edges_version_id_kind", "edges", ["version_id", "kind"], unique=False)
    op.create_table(
        "places",
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("version_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_places_collection_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_places_version_id"),
        sa.PrimaryKeyConstraint("collection_id", "version_index", name="pk_places"),
    )
    op.create_index("ix_places_version_id", "places", ["version_id"], unique=False)
    op.create_table(
        "version_tags",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_version_tags_version_id"),
        sa.PrimaryKeyConstraint("version_id", "tag", name="pk_version_tags"),
    )
    op.create_table(
        "aliases",
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "version_index"], ["places.collection_id", "places.version_index"], name="fk_aliases_collection_id"
        ),
        sa.PrimaryKeyConstraint("collection_id", "alias", name="pk_aliases"),
    )
    op.create_index("ix_aliases_collection_id_version_index", "aliases", ["collection_id", "version_index"], unique=False)
