"""A store in Google Cloud Storage, as our server plays it: the contract, what is pinned and checked, and what goes wrong."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidValueError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.checksum import Checksum, checksum
from lading.store.gcs.answers import error_of, listed, stored
from lading.store.gcs.place import Place
from lading.store.gcs.store import GcsStore
from lading.store.http.answers import Answer
from lading.store.store import ObjectMeta, Store, read_bytes, write_bytes
from lading.testing.gcs_server import Damage, Drop, Flip, GcsServer, LoseAnswer, Meanwhile, Refuse, Truncate
from lading.testing.store_contract import StoreContract


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(page=3) as server:
        yield server
        assert server.unused == []


def opened(server: GcsServer, path: str = "bucket/some/prefix", more: str = "") -> GcsStore:
    return GcsStore(f"gs://{path}?endpoint={server.url}&anonymous=1{more}")


@pytest.fixture
def store(server: GcsServer) -> GcsStore:
    return opened(server)


class TestGcs(StoreContract):
    @pytest.fixture
    def store(self, store: GcsStore, server: GcsServer) -> GcsStore:
        self.server = server
        return store

    async def leftovers(self, store: Store) -> list[str]:
        return [name for name in self.server.bucket.objects if ".lading-components" in name]


def read(store: GcsStore, key: str, start: int, stop: int, etag: str | None = None) -> bytes:
    found = bytearray()
    store.read(key, start, stop, etag=etag).read(memoryview(bytearray(1 << 16)), found.extend)
    return bytes(found)


async def test_objects_lie_below_the_prefix_and_only_they_are_listed(server: GcsServer, store: GcsStore) -> None:
    for name in ("some/prefix/é & +%?#/1", "some/prefixed", "other", "some/prefix/folder/"):
        server.bucket.insert(name, b"12")

    found = [meta async for meta in store.list("")]

    assert [(meta.key, meta.size) for meta in found] == [("é & +%?#/1", 2)]
    assert await store.head("é & +%?#/1") == found[0]
    assert await read_bytes(store, "é & +%?#/1") == b"12"


async def test_an_etag_is_a_generation_and_the_checksum_is_told(server: GcsServer, store: GcsStore) -> None:
    made = server.bucket.insert("some/prefix/k", b"data")

    assert await store.head("k") == ObjectMeta(
        "k", 4, str(made.generation), made.generation // 1000 / 1000, checksum("crc32c", b"data")
    )


async def test_a_listing_goes_through_all_pages(server: GcsServer, store: GcsStore) -> None:
    for number in range(10):
        server.bucket.insert(f"some/prefix/{number}", b"")

    assert [meta.key async for meta in store.list("")] == [str(number) for number in range(10)]
    assert server.count("list") == 4


async def test_an_object_that_is_replaced_while_it_is_read_is_refused(server: GcsServer, store: GcsStore) -> None:
    server.bucket.insert("some/prefix/k", b"first")
    etag = (await store.head("k")).etag
    server.fail("media", Meanwhile(lambda: server.bucket.insert("some/prefix/k", b"other")))

    with pytest.raises(ObjectChangedError):
        await asyncio.to_thread(read, store, "k", 0, 5, etag)

    assert await asyncio.to_thread(read, store, "k", 0, 5) == b"other"


async def test_reading_past_the_end_of_a_shorter_object_says_so(server: GcsServer, store: GcsStore) -> None:
    server.bucket.insert("some/prefix/k", b"12345")

    with pytest.raises(StoreError, match="has 5 bytes"):
        await asyncio.to_thread(read, store, "k", 2, 9)
    with pytest.raises(StoreError, match="shorter than expected"):
        await asyncio.to_thread(read, store, "k", 7, 9)


async def test_a_body_that_breaks_off_is_no_end(server: GcsServer, store: GcsStore) -> None:
    server.bucket.insert("some/prefix/k", bytes(1000))
    server.fail("media", Truncate(400))

    with pytest.raises(StoreUnavailableError, match="broke off"):
        await asyncio.to_thread(read, store, "k", 0, 1000)


async def test_bytes_of_a_file_with_their_checksum_are_taken_or_refused(
    server: GcsServer, store: GcsStore, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"..data")
    right, wrong = checksum("crc32c", b"data"), checksum("crc32c", b"dato")

    def take(known: Checksum | None) -> bool:
        descriptor = os.open(tmp_path / "f", os.O_RDONLY)
        try:
            return store.put("k", 4).take(descriptor, 2, known)
        finally:
            os.close(descriptor)

    assert store.put("k", 4).checks == "crc32c"
    with pytest.raises(DigestMismatchError, match="k in gs"):
        await asyncio.to_thread(take, wrong)
    assert server.bucket.objects == {}
    assert await asyncio.to_thread(take, right)
    assert await read_bytes(store, "k") == b"data"


@pytest.mark.parametrize("pieces", [(b"data",), (b"da", b"ta")])
async def test_bytes_that_were_damaged_on_their_way_leave_nothing(
    server: GcsServer, store: GcsStore, pieces: tuple[bytes, ...]
) -> None:
    server.fail("insert", Damage(1))

    with pytest.raises(DigestMismatchError):
        await asyncio.to_thread(store.put("k", 4).write, pieces)

    assert server.bucket.objects == {}


async def test_a_put_whose_answer_was_lost_exists_when_it_is_tried_again(server: GcsServer, store: GcsStore) -> None:
    server.fail("insert", LoseAnswer())

    with pytest.raises(StoreUnavailableError):
        await write_bytes(store, "k", b"data")
    with pytest.raises(AlreadyExistsError):
        await write_bytes(store, "k", b"data")

    assert await read_bytes(store, "k") == b"data"


async def test_a_retry_of_what_was_dropped_succeeds(server: GcsServer, store: GcsStore) -> None:
    server.fail("insert", Drop())

    with pytest.raises(StoreUnavailableError):
        await write_bytes(store, "k", b"data")
    await write_bytes(store, "k", b"data")

    assert await read_bytes(store, "k") == b"data"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_wants_to_be_left_alone_says_for_how_long(server: GcsServer, store: GcsStore, status: int) -> None:
    server.fail("get", Refuse(status, retry_after=7))
    server.fail("media", Refuse(status, retry_after=8))

    with pytest.raises(StoreUnavailableError) as control:
        await store.head("k")
    with pytest.raises(StoreUnavailableError) as bulk:
        await asyncio.to_thread(read, store, "k", 0, 1)

    assert (control.value.throttled, control.value.retry_after) == (True, 7)
    assert (bulk.value.throttled, bulk.value.retry_after) == (True, 8)


async def test_an_answer_that_is_not_the_servers_is_not_believed(server: GcsServer, store: GcsStore) -> None:
    server.bucket.insert("some/prefix/k", b"12345")
    server.fail("get", Flip(0))

    with pytest.raises(StoreUnavailableError, match="is not what Google Cloud Storage sends"):
        await store.head("k")


@pytest.mark.parametrize(
    "answer", [b'{"x":' + b"[" * 100_000, b'{"name":"\xff","items":[{"name":"\xff"}]}', b'{"size":' + b"9" * 5000], ids=range(3)
)
def test_no_bytes_raise_anything_but_our_error(answer: bytes) -> None:
    place = Place.of("gs://bucket", {})

    with pytest.raises(StoreUnavailableError, match="is not what Google Cloud Storage sends"):
        stored(answer, place)
    with pytest.raises(StoreUnavailableError, match="is not what Google Cloud Storage sends"):
        listed(answer, place)
    assert isinstance(error_of(Answer(400, {}, answer), "k", place), StoreError)


@pytest.mark.parametrize("size", [-1, 1 << 63, 10**30])
def test_a_size_that_cannot_be_is_not_believed(size: int) -> None:
    with pytest.raises(StoreUnavailableError, match="is not what Google Cloud Storage sends"):
        stored({"name": "k", "size": str(size), "generation": "1"}, Place.of("gs://bucket", {}))


async def test_a_missing_bucket_is_named_with_what_to_do(server: GcsServer) -> None:
    store = opened(server, "missing/prefix")

    with pytest.raises(StoreError, match="there is no bucket missing") as error:
        await store.head("k")
    with pytest.raises(StoreError, match="there is no bucket missing"):
        await write_bytes(store, "k", b"1")
    with pytest.raises(StoreError, match="there is no bucket missing"):
        await store.delete(["k"])
    with pytest.raises(StoreError, match="there is no bucket missing"):
        await asyncio.to_thread(read, store, "k", 0, 1)

    assert not isinstance(error.value, NotFoundError)
    assert "gcloud storage buckets create gs://missing" in str(error.value)


async def test_a_bucket_of_others_is_denied() -> None:
    with GcsServer(denied=frozenset({"bucket"})) as server:
        store = opened(server)

        for attempt in (store.head("k"), store.delete(["k"]), write_bytes(store, "k", b"1"), store.begin("k", 1)):
            with pytest.raises(StoreDeniedError, match="no permission") as error:
                await attempt

            assert "roles/storage.object" in str(error.value)


async def test_an_endpoint_where_nobody_listens_is_named() -> None:
    with GcsServer() as server:
        store = opened(server)

    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        await store.head("k")
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        await write_bytes(store, "k", b"1")


async def test_deleting_many_is_many_calls_and_missing_ones_are_no_error(server: GcsServer, store: GcsStore) -> None:
    for number in range(40):
        server.bucket.insert(f"some/prefix/{number}", b"")

    await store.delete([str(number) for number in range(41)])

    assert server.bucket.objects == {}
    assert server.count("delete") == 41


async def test_who_pays_is_said_with_every_call(server: GcsServer) -> None:
    store = opened(server, more="&user_project=mine")
    await write_bytes(store, "k", b"1")
    await read_bytes(store, "k")
    write = await store.begin("l", 1)
    write.part(0, 1).write((b"1",))
    await write.complete()

    assert [meta.key async for meta in store.list("")] == ["k", "l"]
    assert {kind for kind, _ in server.calls} == {"insert", "get", "media", "list", "compose", "delete"}
    assert server.payers == {"mine"}


def test_jobs_survive_pickling_and_hold_no_secret(store: GcsStore) -> None:
    for job in (store.read("k", 0, 4, etag="1"), store.put("k", 4)):
        assert pickle.loads(pickle.dumps(job)) == job


def test_a_url_that_cannot_be() -> None:
    with pytest.raises(InvalidValueError):
        GcsStore("gs://")


async def test_one_that_cannot_be_deleted_does_not_keep_the_others(server: GcsServer, store: GcsStore) -> None:
    for number in range(20):
        server.bucket.insert(f"some/prefix/{number}", b"")
    server.fail("delete", Refuse(500))

    with pytest.raises(StoreUnavailableError):
        await store.delete([str(number) for number in range(20)])

    assert len(server.bucket.objects) == 1


def test_without_its_packages_it_says_which() -> None:
    code = "import sys; sys.modules['gcloud'] = None; from lading.store.gcs.store import GcsStore; GcsStore('gs://bucket')"

    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=30)

    assert "ModuleNotFoundError" in run.stderr
    assert "gcloud" in run.stderr.splitlines()[-1]
