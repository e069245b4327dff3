"""A listing goes on where it broke off, and comes to an end."""

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

import pytest

from lading.errors import StoreDeniedError, StoreError, StoreUnavailableError
from lading.store import listing as listing_module
from lading.store.listing import PAGE, listed
from lading.store.memory import MemoryStore
from lading.store.opening import open_store
from lading.store.store import ObjectMeta, Store, write_bytes
from lading.testing.http_faults import ALWAYS, Reply, Seen, Serving
from lading.testing.http_server import HttpServer
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


# -- servers whose listings have no end -------------------------------------------------------------------------------------


class Leafing:
    """Each list call is answered by the next of these pages: a key or none, and the token of the page after it or none."""

    def __init__(self, pages: Iterable[tuple[str | None, str | None]]) -> None:
        self.pages = iter(pages)

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        key, token = next(self.pages)
        if seen.path.startswith("/storage/v1/"):
            items = [{"name": key, "size": "1", "generation": "1"}] if key else []
            return Reply(200, body=json.dumps({"items": items} | ({"nextPageToken": token} if token else {})).encode())
        found = f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" if key else ""
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        return Reply(200, body=f"<ListBucketResult>{found}{more}</ListBucketResult>".encode())


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Of this server, where 20 pages without a key in a row are too many."""
    monkeypatch.setattr(listing_module, "MOST_EMPTY", 20)
    return open_store(f"{request.param}://bucket?endpoint={server.url}&anonymous=1")


async def test_a_listing_of_ever_more_empty_pages_is_an_error_that_names_the_server(server: HttpServer, bucket: Store) -> None:
    server.fail(Leafing((None, str(number)) for number in itertools.count()), times=ALWAYS)

    with pytest.raises(StoreError, match="20 pages of a listing in a row that hold nothing") as caught:
        _ = [meta async for meta in bucket.list("")]

    assert bucket.url in str(caught.value)
    assert len(server.seen) == 20


async def test_empty_pages_between_others_are_turned_over(server: HttpServer, bucket: Store) -> None:
    turned = [(None if number else key, f"{key}{number}") for key in "abc" for number in range(19)]
    server.fail(Leafing([*turned, ("d", None)]), times=ALWAYS)

    assert [meta.key async for meta in bucket.list("")] == ["a", "b", "c", "d"]
    assert len(server.seen) == 58


async def test_a_listing_that_goes_in_circles_is_an_error(server: HttpServer, bucket: Store) -> None:
    server.fail(Leafing(("a", "again") for _ in itertools.count()), times=ALWAYS)

    with pytest.raises(StoreError, match="the same page of a listing again and again"):
        _ = [meta async for meta in bucket.list("")]

    assert len(server.seen) == 2
