"""What upkeep works on: a catalogue, the store that it owns, and patience with both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..catalog import Catalog
from ..errors import StoreForeignError
from ..store.ownership import owns
from ..store.store import Store, read_bytes

T = TypeVar("T")


class Persist(Protocol):
    """Makes a call to the store, and makes it again where its error says that this may help."""

    async def __call__(self, call: Callable[[], Awaitable[T]], /) -> T: ...


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
