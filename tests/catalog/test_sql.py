"""The SQL catalogue keeps every promise, on SQLite."""

from lading.testing.catalog_contract import CatalogContract


class TestSqlite(CatalogContract):
    pass
