"""Listings: a failure in their midst only delays them, they go on behind the last key; those that lead nowhere are given up."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sized
from typing import Protocol, TypeVar

from ..errors import StoreError
from .store import ObjectMeta, Store

T = TypeVar("T")
PAGE = 1000
MOST_EMPTY = 10_000  # pages in a row: marks of what was deleted, or names that do not match, fill many that hold nothing


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


class Onward:
    """Sees to it that a listing of the server at `url` gets on: an answer that never ends would keep whoever asked for ever."""

    def __init__(self, url: str) -> None:
        self.url, self._empty = url, 0

    def check(self, page: Sized, asked: object, following: object) -> None:
        """After this page, which was `asked` for, there are `following` ones. Raise `StoreError` if that leads nowhere."""
        self._empty = 0 if len(page) else self._empty + 1
        if following == asked:
            raise StoreError(f"{self.url} gives the same page of a listing again and again")
        if self._empty == MOST_EMPTY:
            raise StoreError(
                f"{self.url} gave {MOST_EMPTY:,} pages of a listing in a row that hold nothing, and says that there are more",
                hint="if these are marks of deleted objects, a lifecycle rule removes them; else the server is broken",
            )
