"""Names and what they mean: the catalogue's interface, and `open_catalog`. Importing this opens nothing and loads no SQL."""

from .catalog import (
    Catalog,
    Change,
    Collection,
    Committed,
    Content,
    Json,
    Labels,
    ObjectInfo,
    Page,
    Place,
    RunInfo,
    RunKey,
    State,
    Version,
    Wanted,
    WriteSession,
)
from .opening import open_catalog

__all__ = [
    "Catalog",
    "Change",
    "Collection",
    "Committed",
    "Content",
    "Json",
    "Labels",
    "ObjectInfo",
    "Page",
    "Place",
    "RunInfo",
    "RunKey",
    "State",
    "Version",
    "Wanted",
    "WriteSession",
    "open_catalog",
]
