"""What Alembic runs: over the connection that `schema.upgrade` hands in, inside its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,  # SQLite cannot alter most things in place
)
context.run_migrations()
