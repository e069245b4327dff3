"""The door: a catalogue from its URL."""

import asyncio
from pathlib import Path

from ..errors import SettingsError, UsageError
from .catalog import Catalog


async def open_catalog(url: str, *, busy_timeout: float = 30) -> Catalog:
    """Open `sqlite:///relative/path` or `sqlite:////absolute/path`, made with its folder (mode 0700) where missing, brought up to
    date after a backup where older. `busy_timeout` is how many seconds a call waits for other processes.

    Raise `CatalogPlaceError` for a file on a network, `CatalogNewerError`, `CatalogBusyError`, `LocalFileError`."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        raise UsageError("this build of lading cannot use PostgreSQL yet", hint="set LADING_CATALOG to a sqlite:///… URL")
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2 or "?" in rest:
        plain = scheme in ("sqlite", url) and "@" not in url  # of anything else a password may be part
        shown = url if plain else f"{scheme}://…" if scheme != url else "…"
        raise SettingsError(f"'{shown}' is not the URL of a catalogue", hint="write sqlite:////absolute/path/catalog.db")
    return await asyncio.to_thread(_open_sqlite, Path(rest[1:]), busy_timeout)


def _open_sqlite(path: Path, busy_timeout: float) -> Catalog:
    from .sql import SqlCatalog  # SQLAlchemy takes 0.15 s to load: here it costs a thread, and only those who open
    from .sqlite_file import open_file

    return SqlCatalog(open_file(path.absolute(), busy_timeout))
