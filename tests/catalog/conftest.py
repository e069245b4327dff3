"""A fresh catalogue in a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lading.catalog import Catalog, open_catalog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "catalog.db"


@pytest.fixture
async def catalog(file: Path) -> AsyncIterator[Catalog]:
    opened = await open_catalog(f"sqlite:///{file}")
    yield opened
    await opened.close()
