"""A listing goes on where it broke off."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from lading.errors import StoreDeniedError, StoreUnavailableError
from lading.store.listing import PAGE, listed
from lading.store.memory import MemoryStore
from lading.store.store import ObjectMeta, Store, write_bytes
from lading.testing.wrappers import StoreAround

T = TypeVar("T")
KEYS = [f"a/{number:04}" for number in range(PAGE + 500)]


class Breaking(StoreAround):
    """Listings break off after so many objects, one after the other."""

    def __init__(self, inner: Store, *after: int, error: Exception) -> None:
        super().__init__(inner)
        self.after, self.error = list(after), error

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        left = self.after.pop(0) if self.after else None
        async for meta in super().list(prefix):
            if left == 0:
                raise self.error
            left = None if left is None else left - 1
            yield meta


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await call()
        except StoreUnavailableError:
            continue


async def filled() -> MemoryStore:
    store = MemoryStore()
    for key in [*KEYS, "b"]:
        await write_bytes(store, key, b"")
    return store


async def pages(store: Store) -> list[list[ObjectMeta]]:
    return [page async for page in listed(store, "a/", patiently)]


async def test_pages_have_every_object_once_and_in_order() -> None:
    found = await pages(await filled())

    assert [len(page) for page in found] == [PAGE, 500]
    assert [meta.key for page in found for meta in page] == KEYS


async def test_what_breaks_off_goes_on_behind_what_was_seen() -> None:
    store = Breaking(await filled(), 0, 10, PAGE + 10, error=StoreUnavailableError("503"))

    found = await pages(store)

    assert [meta.key for page in found for meta in page] == KEYS
    assert store.after == []


async def test_what_no_patience_heals_is_raised() -> None:
    store = Breaking(await filled(), 10, error=StoreDeniedError("403"))

    with pytest.raises(StoreDeniedError):
        await pages(store)
