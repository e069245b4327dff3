"""What upkeep works on: a catalogue, the store that it owns, and patience with both."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from ..catalog import Catalog
from ..errors import StoreForeignError
from ..store.listing import Persist, listed
from ..store.ownership import owns
from ..store.store import ObjectMeta, Store, read_bytes


@dataclass(frozen=True, slots=True)
class Keeper:
    """`tell` hears what is being done, a line for people now and then."""

    catalog: Catalog
    store: Store
    persist: Persist
    tell: Callable[[str], Any] = lambda line: None

    async def check_owner(self) -> None:
        """Raise `StoreForeignError` unless the catalogue owns the store."""
        if not await self.persist(lambda: owns(self.store, self.catalog)):
            raise StoreForeignError(
                f"{self.store.url} is not the store of the catalogue {self.catalog.url}; nothing was changed",
                hint="run it with the catalogue that owns the store (LADING_CATALOG, LADING_STORE)",
            )

    async def read(self, key: str) -> bytes:
        """A small object whole. Raise `NotFoundError`, `StoreError`."""
        return await self.persist(lambda: read_bytes(self.store, key))

    async def list(self, prefix: str) -> AsyncGenerator[ObjectMeta]:
        """All objects whose key starts with `prefix`, by key. Raise `StoreError`."""
        async for page in listed(self.store, prefix, self.persist):
            for meta in page:
                yield meta
