"""Long lists, fetched a page at a time."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from ..catalog import Page
from ..errors import InvalidValueError
from .portal import run

T = TypeVar("T")
Fetch = Callable[[int, str | None], Coroutine[Any, Any, Page[T]]]


class Paginator(Generic[T]):
    """Iterate (also with `next` and `async for`), index, or take its `len`, which counts the whole list without fetching it.

    `cursor` is where the pages fetched so far end: given as `start=`, it continues there. After the last page it is None: there
    is nothing to go on with, and `start=None` begins anew.
    """

    def __init__(self, fetch: Fetch[T], per_page: int = 50, start: str | None = None) -> None:
        self._fetch, self._per_page = fetch, max(1, per_page or 50)  # W&B takes None, too
        self._items: list[T] = []
        self._total: int | None = None
        self._more = True
        self._given = 0
        self.cursor = start

    async def _page(self) -> None:
        page = await self._fetch(self._per_page, self.cursor)
        self._items.extend(page.items)
        self._total, self._more = page.total, page.cursor is not None
        self.cursor = page.cursor

    def __iter__(self) -> Iterator[T]:
        at = 0
        while self._has(at):
            yield self._items[at]
            at += 1

    def __next__(self) -> T:
        """The first that `next` has not given yet."""
        if not self._has(self._given):
            raise StopIteration
        self._given += 1
        return self._items[self._given - 1]

    async def __aiter__(self) -> AsyncIterator[T]:
        at = 0
        while True:
            while at >= len(self._items) and self._more:
                await self._page()
            if at >= len(self._items):
                return
            yield self._items[at]
            at += 1

    def _has(self, at: int) -> bool:
        while at >= len(self._items) and self._more:
            run(self._page)
        return at < len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return list(self)[index]
        if index < 0:
            return list(self)[index]
        if not self._has(index):
            raise IndexError(f"index {index} of a list of {len(self)}")
        return self._items[index]

    def __len__(self) -> int:
        if self._total is None:
            run(self._page)
        return self._total or 0

    def __bool__(self) -> bool:
        return self._has(0)

    def __repr__(self) -> str:
        total = "?" if self._total is None else self._total
        return f"<{type(self).__name__} {len(self._items)} of {total} fetched>"


def slice_of(items: Sequence[T], limit: int, cursor: str | None) -> Page[T]:
    """A page of a list that is there already."""
    if not (cursor or "0").isdecimal():
        raise InvalidValueError(
            f"'{cursor}' does not continue this list", hint="pass on the cursor of the page before, unchanged"
        )
    start = int(cursor or 0)
    stop = start + limit
    return Page(tuple(items[start:stop]), str(stop) if stop < len(items) else None, len(items))
