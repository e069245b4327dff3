"""The tables. A change here is a new file in `migrations/versions/` and a new `HEAD` in `schema.py`; a test compares them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_seconds: Double[float] = Double()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

entities = Table(
    "entities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", _seconds, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("entity_id", Text, ForeignKey("entities.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", _seconds, nullable=False),
    UniqueConstraint("entity_id", "name"),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("description", Text),
    # False until the first commit, so that a log that fails leaves no empty name; and again once deleted: the row stays,
    # because its numbers stay used.
    Column("listed", Boolean, nullable=False),
    Column("next_index", Integer, nullable=False),
    # Kept by commit and delete, so that a list of collections does not read all their versions.
    Column("version_count", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", _seconds, nullable=False),
    Column("updated_at", _seconds, nullable=False),
    Column("portfolio", Boolean, nullable=False, server_default=false()),  # it collects links; nothing is logged to it
    Column("ttl", BigInteger),  # seconds; what its versions inherit
    UniqueConstraint("project_id", "name"),
)

registries = Table(  # a project that only collects links, and says of which types
    "registries",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id"), primary_key=True),
    Column("description", Text),
    Column("visibility", Text, nullable=False),
    Column("types", JSON(none_as_null=True)),  # none: all
    Column("created_at", _seconds, nullable=False),
    Column("updated_at", _seconds, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("run_id", Text, nullable=False),  # the client's
    Column("name", Text, nullable=False),
    Column("job_type", Text),
    Column("run_group", Text),
    Column("state", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("created_at", _seconds, nullable=False),
    Column("finished_at", _seconds),
    UniqueConstraint("project_id", "run_id"),
    Index(None, "project_id", "created_at", "run_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),  # the client's
    Column("entity_id", Text, ForeignKey("entities.id"), nullable=False),
    Column("collection_id", Text, ForeignKey("collections.id"), nullable=False),  # where it was logged
    Column("version_index", Integer),  # there; none before the commit
    Column("state", Text, nullable=False),
    Column("lease_until", _seconds),  # PENDING only
    Column("same_as", Text, ForeignKey("versions.id")),  # the version that a commit found to have this content
    Column("digest", Text),
    Column("tree_digest", Text),
    Column("digest_algorithm", Text),
    Column("document", Text),
    Column("size", BigInteger),
    Column("file_count", BigInteger),
    Column("description", Text),
    Column("metadata", JSON),
    Column("logged_by", Text, ForeignKey("runs.id")),
    Column("receipted", Boolean, nullable=False),
    Column("created_at", _seconds, nullable=False),
    Column("updated_at", _seconds, nullable=False),
    Column("ttl", BigInteger),  # seconds; -2: it never expires; none: as its collection says
)
# SQLite takes a partial index only where a query repeats its condition word for word: hence conditions with a name, and no
# bound parameters in them.
pending = versions.c.state == literal_column("'PENDING'")
unreceipted = and_(versions.c.state == literal_column("'COMMITTED'"), versions.c.receipted == false())
Index("ix_versions_pending", versions.c.lease_until, sqlite_where=pending)
Index("ix_versions_unreceipted", versions.c.collection_id, sqlite_where=unreceipted)

places = Table(  # a version has one place per collection that shows it: where it was logged, and its links
    "places",
    metadata,
    Column("collection_id", Text, ForeignKey("collections.id"), primary_key=True),
    Column("version_index", Integer, primary_key=True, autoincrement=False),
    Column("version_id", Text, ForeignKey("versions.id"), nullable=False, index=True),
    Column("deleted", Boolean, nullable=False),
    Column("linked_at", _seconds),  # links only
)

aliases = Table(
    "aliases",
    metadata,
    Column("collection_id", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version_index", Integer, nullable=False),
    ForeignKeyConstraint(["collection_id", "version_index"], ["places.collection_id", "places.version_index"]),
    Index(None, "collection_id", "version_index"),
)

version_tags = Table(
    "version_tags",
    metadata,
    Column("version_id", Text, ForeignKey("versions.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)

collection_tags = Table(
    "collection_tags",
    metadata,
    Column("collection_id", Text, ForeignKey("collections.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)

edges = Table(  # lineage; "logged" also where a run logged content that was there already
    "edges",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # used, logged
    Column("version_id", Text, ForeignKey("versions.id"), primary_key=True),
    Column("made_at", _seconds, nullable=False),
    Index(None, "run_id", "kind", "made_at", "version_id"),
    Index(None, "version_id", "kind"),
)

gatherings = Table(  # the version that several writers make under one name: the last that was begun
    "gatherings",
    metadata,
    Column("collection_id", Text, ForeignKey("collections.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version_id", Text, ForeignKey("versions.id"), nullable=False),
)

parts = Table(  # what each writer gave to a version; gone if it was given up
    "parts",
    metadata,
    Column("version_id", Text, ForeignKey("versions.id"), primary_key=True),
    Column("id", Text, primary_key=True),  # the client's
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("digest_algorithm", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("made_at", _seconds, nullable=False),
)

# The two big ones: no foreign keys and no row ids, which would each cost another tree to look into for every file.
objects = Table(
    "objects",
    metadata,
    Column("entity_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # stored, condemned (by a gc, may be revived), deleting, lost (found bad or gone)
    sqlite_with_rowid=False,
)
leaving = objects.c.state != literal_column("'stored'")
Index("ix_objects_leaving", objects.c.entity_id, objects.c.state, sqlite_where=leaving)

pins = Table(  # what a PENDING version needs; gone with its lease
    "pins",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)
