"""Listings that a failure in their midst only delays: they go on behind the last key that was seen."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from .store import ObjectMeta, Store

T = TypeVar("T")
PAGE = 1000


class Persist(Protocol):
    """Makes a call to the store, and makes it again where its error says that this may help."""

    async def __call__(self, call: Callable[[], Awaitable[T]], /) -> T: ...


async def listed(store: Store, prefix: str, persist: Persist) -> AsyncGenerator[list[ObjectMeta]]:
    """Pages of all objects whose key starts with `prefix`, by key. Raise what `persist` did not heal."""
    listing = _Listing(store, prefix)
    while page := await persist(listing.following):
        yield page


class _Listing:
    def __init__(self, store: Store, prefix: str) -> None:
        self.store, self.prefix = store, prefix
        self.last = ""
        self.listing: AsyncIterator[ObjectMeta] | None = None

    async def following(self) -> list[ObjectMeta]:
        """The next page; an empty one is the end."""
        page: list[ObjectMeta] = []
        self.listing = self.listing or self.store.list(self.prefix)
        try:
            async for meta in self.listing:
                if meta.key > self.last:
                    page.append(meta)
                if len(page) == PAGE:
                    break
        except BaseException:
            self.listing = None  # what has raised is over
            raise
        if page:
            self.last = page[-1].key
        return page
