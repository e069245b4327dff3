"""Alembic's: how older catalogues become new ones. A file in `versions/` is never changed once released."""
