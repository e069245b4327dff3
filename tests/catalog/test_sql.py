"""The SQL catalogue keeps every promise, on SQLite."""

from lading.testing.catalog_contract import CatalogContract
from lading.testing.catalog_gatherings import GatheringsContract
from lading.testing.catalog_links import LinksContract
from lading.testing.catalog_lists import ListsContract


class TestSqlite(CatalogContract):
    pass


class TestSqliteLinks(LinksContract):
    pass


class TestSqliteGatherings(GatheringsContract):
    pass


class TestSqliteLists(ListsContract):
    pass
