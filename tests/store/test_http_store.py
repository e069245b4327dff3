"""HTTP sources."""

import pickle
import random
from collections.abc import Callable

import pytest

from lading.errors import (
    AlreadyExistsError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.http.store import HttpStore
from lading.store.store import read_bytes, write_bytes
from lading.store.threads import in_thread
from lading.testing.http_faults import ALWAYS, Header, NoRanges, Replaced, Reply, Seen, Serving, Status
from lading.testing.http_server import HttpServer, etag_of

DATA = random.Random(5).randbytes(100_000)


@pytest.fixture
def store(server: HttpServer) -> HttpStore:
    server.objects["/data/a%20b"] = DATA
    return HttpStore(f"{server.url}/data/?sig=secret")


async def read(store: HttpStore, key: str, start: int, stop: int, etag: str | None = None) -> bytes:
    found = bytearray()
    job = store.read(key, start, stop, etag=etag)
    await in_thread(lambda: job.read(memoryview(bytearray(1000)), found.extend))
    return bytes(found)


def asked(server: HttpServer) -> list[tuple[str, str]]:
    return [(seen.method, seen.target) for seen in server.seen]


async def test_an_object_is_found_and_read(server: HttpServer, store: HttpStore) -> None:
    meta = await store.head("a b")

    assert (meta.key, meta.size, meta.etag, meta.ranges) == ("a b", len(DATA), etag_of(DATA), True)
    assert await read(store, "a b", 10, 90_000, meta.etag) == DATA[10:90_000]
    assert asked(server) == [("HEAD", "/data/a%20b?sig=secret"), ("GET", "/data/a%20b?sig=secret")]


async def test_the_url_itself_is_an_object(server: HttpServer) -> None:
    server.objects["/data/a%20b"] = DATA
    store = HttpStore(f"{server.url}/data/a%20b?sig=secret")

    assert await read_bytes(store, "") == DATA
    assert "secret" not in repr(store) + store.url + repr(store.read("", 0, 1))


async def test_an_empty_object_is_an_object(server: HttpServer, store: HttpStore) -> None:
    server.objects["/data/e"] = b""

    assert await read_bytes(store, "e") == b""
    server.fail(Status(405), method="HEAD")
    assert (await store.head("e")).size == 0


async def test_what_is_missing_is_named(store: HttpStore) -> None:
    with pytest.raises(NotFoundError, match="none"):
        await store.head("none")
    with pytest.raises(NotFoundError, match="none"):
        await read(store, "none", 0, 1)


@pytest.mark.parametrize("status", [403, 405, 501])
async def test_a_url_that_is_signed_for_get_alone_is_asked_for_a_byte(server: HttpServer, store: HttpStore, status: int) -> None:
    server.fail(Status(status), method="HEAD")

    meta = await store.head("a b")

    assert (meta.size, meta.ranges, meta.etag) == (len(DATA), True, etag_of(DATA))
    assert server.seen[1].headers["range"] == "bytes=0-0"


async def test_what_is_refused_both_ways_is_denied(server: HttpServer, store: HttpStore) -> None:
    server.fail(Status(403), times=2)

    with pytest.raises(StoreDeniedError, match="403") as caught:
        await store.head("a b")

    assert "secret" not in str(caught.value)


async def test_a_server_that_is_down_is_unavailable(server: HttpServer, store: HttpStore) -> None:
    server.fail(Status(503, (("Retry-After", "3"),)), times=2)

    with pytest.raises(StoreUnavailableError) as caught:
        await store.head("a b")

    assert (caught.value.throttled, caught.value.retry_after) == (True, 3)


async def test_a_server_without_ranges_is_read_in_one_stream(server: HttpServer, store: HttpStore) -> None:
    server.fail(NoRanges(), times=ALWAYS)

    meta = await store.head("a b")

    assert (meta.size, meta.ranges) == (len(DATA), False)
    assert await read(store, "a b", 0, len(DATA), meta.etag) == DATA
    with pytest.raises(StoreError):
        await read(store, "a b", 5, 10, meta.etag)


async def test_ranges_that_are_not_advertised_are_found(server: HttpServer, store: HttpStore) -> None:
    server.fail(Header("Accept-Ranges", None), times=2)

    assert (await store.head("a b")).ranges


async def test_a_server_that_says_none_is_believed(server: HttpServer, store: HttpStore) -> None:
    server.fail(Header("Accept-Ranges", "none"))

    assert not (await store.head("a b")).ranges
    assert len(server.seen) == 1


class _Unsized:
    """The whole object for a range, in chunks."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = NoRanges().apply(server, seen, reply)
        right.chunk = 1000
        return right


async def test_an_object_without_size_is_an_error(server: HttpServer, store: HttpStore) -> None:
    server.fail(Status(405), method="HEAD")
    server.fail(_Unsized(), method="GET")

    with pytest.raises(StoreError, match="does not say its size"):
        await store.head("a b")


async def test_an_object_that_is_replaced_is_noticed(server: HttpServer, store: HttpStore) -> None:
    meta = await store.head("a b")
    server.fail(Replaced(DATA[::-1]))

    with pytest.raises(ObjectChangedError):
        await read(store, "a b", 0, 10, meta.etag)


async def test_redirects_are_followed_without_our_name(server: HttpServer) -> None:
    with HttpServer({"/there": DATA}) as other:
        server.fail(Status(302, (("Location", f"{other.url}/there?sig=1"),)), times=ALWAYS)
        store = HttpStore(f"{server.url.replace('//', '//me:word@')}/here", headers=(("X-Amz-Token", "secret"),))

        meta = await store.head("")

        assert meta.size == len(DATA)
        assert await read(store, "", 5, 50, meta.etag) == DATA[5:50]
        assert server.seen[0].headers["authorization"] == "Basic bWU6d29yZA=="
        assert all({"authorization", "x-amz-token"}.isdisjoint(seen.headers) for seen in other.seen)
        assert asked(other) == [("HEAD", "/there?sig=1"), ("GET", "/there?sig=1")]


async def test_redirects_in_circles_end(server: HttpServer, store: HttpStore) -> None:
    server.fail(Status(302, (("Location", "/data/a%20b"),)), times=ALWAYS)

    with pytest.raises(StoreError, match="more than 10 redirects"):
        await store.head("a b")
    with pytest.raises(StoreError, match="more than 10 redirects"):
        await read(store, "a b", 0, 1)

    assert len(server.seen) == 22


async def test_a_signed_url_takes_a_put(server: HttpServer) -> None:
    await write_bytes(HttpStore(f"{server.url}/up?X-Amz-Signature=secret"), "", DATA)

    assert server.objects["/up"] == DATA
    assert server.seen[0].target == "/up?X-Amz-Signature=secret"


async def test_a_put_replaces_only_where_it_may(server: HttpServer, store: HttpStore) -> None:
    with pytest.raises(AlreadyExistsError, match="a b"):
        store.put("a b", 3).write([b"new"])
    store.put("a b", 3, replace=True).write([b"new"])

    assert server.objects["/data/a%20b"] == b"new"


async def test_an_object_has_a_time(server: HttpServer, store: HttpStore) -> None:
    server.fail(Header("Last-Modified", "Sat, 21 Nov 2026 20:00:00 GMT"))

    assert [(await store.head("a b")).modified for _ in range(2)] == [1795291200.0, None]


async def test_a_put_does_not_follow_a_redirect(server: HttpServer) -> None:
    server.fail(Status(307, (("Location", "/elsewhere"),)))

    with pytest.raises(StoreError, match="redirect"):
        await write_bytes(HttpStore(f"{server.url}/up"), "", DATA)

    assert server.objects == {}


async def test_what_http_cannot_do_is_said(store: HttpStore) -> None:
    with pytest.raises(StoreError, match="cannot be listed"):
        _ = [meta async for meta in store.list("")]
    with pytest.raises(StoreError, match="deleted"):
        await store.delete(["a b"])
    with pytest.raises(StoreError, match="parts"):
        await store.begin("new", 5)
    await store.flush(["a b"])
    await store.close()


async def test_jobs_are_small_values(store: HttpStore) -> None:
    for job in (store.read("a b", 0, 1, etag='"1"'), store.put("new", 3)):
        assert len(pickle.dumps(job)) < 2000
        assert pickle.loads(pickle.dumps(job)) == job
