"""A URL opens a catalogue, or says why not."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lading.catalog import open_catalog
from lading.errors import SettingsError, UsageError
from lading.testing.catalog_contract import log

_IMPORTS = """
import sys
import lading.catalog
assert "sqlalchemy" not in sys.modules
import asyncio
async def main():
    catalog = await lading.catalog.open_catalog("sqlite:///" + sys.argv[1])
    await catalog.latest("e", "p", "c")
    await catalog.close()
asyncio.run(main())
heavy = ("alembic", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql", "difflib")
print([name for name in heavy if name in sys.modules])
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_the_folder_is_made_for_its_owner_only(file: Path) -> None:
    await (await open_catalog(f"sqlite:///{file}")).close()

    assert (mode(file.parent), mode(file)) == (0o700, 0o600)


async def test_what_was_logged_is_there_when_opened_again(file: Path) -> None:
    first = await open_catalog(f"sqlite:///{file}")
    await log(first, "one")
    made = await first.id()
    await first.close()

    again = await open_catalog(f"sqlite:///{file}")

    assert await again.id() == made
    assert (await again.version_by_id("c one")).tree_digest == "one"
    assert again.url == f"sqlite:///{file}"
    assert repr(again) == f"<SqlCatalog sqlite:///{file}>"
    await again.close()


async def test_a_relative_url_is_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    await (await open_catalog("sqlite:///here.db")).close()

    assert (tmp_path / "here.db").exists()


async def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    await (await open_catalog(f"sqlite:///{tmp_path}/a b#%41ü.db")).close()

    assert (tmp_path / "a b#%41ü.db").exists()


@pytest.mark.parametrize("url", ["postgresql://host/db", "postgresql+asyncpg://host/db", "postgres://host/db"])
async def test_postgresql_is_not_there_yet(url: str) -> None:
    with pytest.raises(UsageError, match="PostgreSQL"):
        await open_catalog(url)


@pytest.mark.parametrize(
    "url", ["", "catalog.db", "sqlite://", "sqlite:///", "sqlite://host/x", "mysql://x/y", "sqlite:////x?mode=ro"]
)
async def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is not the URL of a catalogue"):
        await open_catalog(url)


async def test_calls_may_come_from_several_loops(file: Path) -> None:
    catalog = await open_catalog(f"sqlite:///{file}")

    await asyncio.to_thread(lambda: asyncio.run(log(catalog, "one")).version)

    assert (await log(catalog, "two")).version.place.index == 1
    await catalog.close()


def test_only_what_is_needed_is_imported(file: Path) -> None:
    for _ in range(2):  # made, then opened
        done = subprocess.run([sys.executable, "-c", _IMPORTS, str(file)], capture_output=True, text=True, check=True)

        assert done.stdout.strip() == "[]"
