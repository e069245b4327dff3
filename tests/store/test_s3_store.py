"""The S3 store over a server that compares signatures and checksums."""

import asyncio
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    NotFoundError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.checksum import checksum, fast_checksum
from lading.store.http.answers import Answer
from lading.store.http.body import Bytes
from lading.store.http.connection import close_idle, exchange
from lading.store.http.request import Request
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import Store, read_bytes, write_bytes
from lading.testing.s3_server import Damage, Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.s3_server_bucket import Rules
from lading.testing.store_contract import StoreContract


@pytest.fixture
def store(s3: S3Server) -> S3Store:
    return _store(s3)


def _store(s3: S3Server, options: str = "", prefix: str = "some/prefix") -> S3Store:
    return open_s3(f"s3://bucket/{prefix}?endpoint={s3.url}{options}")


def _read(store: Store, key: str, stop: int, *, etag: str | None = None) -> bytes:
    found = bytearray()
    store.read(key, 0, stop, etag=etag).read(memoryview(bytearray(64)), found.extend)
    return bytes(found)


class TestOwnServer(StoreContract):
    """Signed, every checksum compared, parts with the checksum that was promised."""

    async def leftovers(self, store: Store) -> list[str]:
        assert isinstance(store, S3Store)
        return [found.key async for found in store.uploads()]


class TestServerWithoutChecksums(TestOwnServer):
    """And without bulk deletes and metadata."""

    @pytest.fixture
    def s3(self, aws: Path) -> Iterator[S3Server]:
        del aws
        with S3Server(keys={"AKIA": Key("secret")}, rules=Rules(checksums=False, bulk_delete=False, metadata=False)) as server:
            yield server
            close_idle()


class TestVersionedBucket(TestOwnServer):
    """And one that wants equal parts."""

    @pytest.fixture
    def s3(self, aws: Path) -> Iterator[S3Server]:
        del aws
        with S3Server(keys={"AKIA": Key("secret")}, rules=Rules(versioned=True, equal_parts=True)) as server:
            yield server
            close_idle()


@given(key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(lambda key: key.strip("/")))
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)
def test_any_key_is_signed_sent_listed_and_deleted_as_it_is(s3: S3Server, key: str) -> None:
    store = _store(s3)

    async def round_trip() -> tuple[bytes, list[str]]:
        await write_bytes(store, key, b"content")
        found = await read_bytes(store, key), [meta.key async for meta in store.list("")]
        await store.delete([key, "another"])
        return found

    assert asyncio.run(round_trip()) == (b"content", [key])
    assert s3.bucket.objects == {}


async def test_a_body_that_is_damaged_on_its_way_is_refused(s3: S3Server, store: S3Store) -> None:
    s3.fail("put", Damage(3))

    with pytest.raises(DigestMismatchError, match="BadDigest"):
        await write_bytes(store, "k", b"content")

    assert s3.bucket.objects == {}


async def test_a_file_is_sent_with_the_checksum_that_was_computed_before(s3: S3Server, store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"..content")
    name = fast_checksum()
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pytest.raises(DigestMismatchError):
            store.put("k", 7).take(descriptor, 2, checksum(name, b"another"))
        taken = store.put("k", 7).take(descriptor, 2, checksum(name, b"content"))
    finally:
        os.close(descriptor)

    assert taken
    assert s3.bucket.objects["some/prefix/k"].sum == checksum(name, b"content")


async def test_the_head_says_what_the_store_knows(store: S3Store, s3: S3Server) -> None:
    await write_bytes(store, "k", b"content")

    meta = await store.head("k")

    assert (meta.size, meta.etag, meta.checksum) == (
        7,
        '"9a0364b9e99bb480dd25e1f0284c8555"',
        checksum("crc32", b"content"),
    )
    assert meta.modified == pytest.approx(s3.bucket.objects["some/prefix/k"].modified.timestamp(), abs=1)
    assert [(found.key, found.modified is not None) async for found in store.list("")] == [("k", True)]


@pytest.mark.parametrize(("encryption", "known"), [("AES256", True), ("aws:kms", False)])
async def test_an_etag_is_an_md5_unless_the_store_encrypts_by_a_key(s3: S3Server, encryption: str, known: bool) -> None:
    s3.bucket.rules.checksums = False
    store = _store(s3, f"&sse={encryption}")
    await write_bytes(store, "k", b"content")

    found = (await store.head("k")).checksum

    assert found == (checksum("md5", b"content") if known else None)


async def test_listings_have_pages_and_hide_probes(s3: S3Server, store: S3Store) -> None:
    s3.bucket.rules.page = 2
    for key in ("a", "b c+", "d", "é", ".lading-probe-1"):
        await write_bytes(store, key, b"1")
    await write_bytes(_store(s3, prefix="some/prefix-of-another"), "x", b"1")

    assert [meta.key async for meta in store.list("")] == ["a", "b c+", "d", "é"]
    assert s3.count("list") == 3


async def test_many_keys_are_deleted_by_few_requests(s3: S3Server, store: S3Store) -> None:
    for number in range(2050):
        s3.bucket.put(f"some/prefix/{number}", b"", {})
    s3.bucket.put("some/prefix/\x01", b"", {})

    await store.delete([*(str(number) for number in range(2050)), "\x01", "missing"])

    assert s3.bucket.objects == {}
    assert (s3.count("bulk"), s3.count("delete")) == (3, 1)


async def test_a_server_that_deletes_one_by_one_is_asked_so_from_then_on(s3: S3Server, store: S3Store) -> None:
    s3.bucket.rules.bulk_delete = False
    for key in "abcd":
        await write_bytes(store, key, b"1")

    await store.delete(["a", "b"])
    asked = s3.count("bulk")
    await store.delete(["c", "d"])

    assert s3.bucket.objects == {}
    assert s3.count("bulk") == asked


async def test_what_could_not_be_deleted_is_an_error(s3: S3Server, store: S3Store) -> None:
    s3.fail("bulk", Refuse(403, "AccessDenied"))

    with pytest.raises(StoreDeniedError):
        await store.delete(["a", "b"])


async def test_a_server_without_conditional_writes_is_asked_first(s3: S3Server, store: S3Store) -> None:
    s3.bucket.rules.conditional = "refused"
    await write_bytes(store, "k", b"first")

    with pytest.raises(AlreadyExistsError):
        await write_bytes(store, "k", b"other")

    assert await read_bytes(store, "k") == b"first"
    assert [call.kind for call in s3.calls[:3]] == ["put", "head", "put"]


async def test_a_version_is_read_although_it_was_replaced(s3: S3Server) -> None:
    s3.bucket.rules.versioned = True
    store = _store(s3)
    await write_bytes(store, "k", b"first")
    await asyncio.to_thread(store.put("k", 6, replace=True).write, (b"second",))

    old = _store(s3, "&version_id=v1")

    assert (await old.head("k")).size == 5
    assert await read_bytes(old, "k") == b"first"
    assert await read_bytes(store, "k") == b"second"


async def test_options_are_sent_with_each_call_that_wants_them(s3: S3Server) -> None:
    store = _store(s3, "&requester_pays=1&sse=aws:kms&sse_kms_key_id=id&storage_class=STANDARD_IA")

    await write_bytes(store, "k", b"1")
    await (await store.begin("large", 1)).abort()
    await read_bytes(store, "k")

    assert {call.headers.get("x-amz-request-payer") for call in s3.calls} == {"requester"}
    with_key = {call.kind for call in s3.calls if call.headers.get("x-amz-server-side-encryption-aws-kms-key-id") == "id"}
    with_class = {call.kind for call in s3.calls if call.headers.get("x-amz-storage-class") == "STANDARD_IA"}
    assert with_key == with_class == {"put", "begin"}


async def test_nobody_signs_nothing(aws: Path) -> None:
    del aws
    with S3Server() as s3:
        store = _store(s3, "&anonymous=1")
        await write_bytes(store, "k", b"1")

        assert await read_bytes(store, "k") == b"1"
        assert [call for call in s3.calls if "authorization" in call.headers or "x-amz-date" in call.headers] == []
        close_idle()


async def _fetch(method: str, url: str, body: bytes = b"", *headers: tuple[str, str]) -> Answer:
    def ask() -> Answer:
        with exchange(Request.of(method, url, headers), Bytes(body)) as incoming:
            return Answer(incoming.status, incoming.headers, incoming.read(1000))

    return await asyncio.to_thread(ask)


async def test_a_presigned_url_lets_anybody_read_and_write(s3: S3Server, store: S3Store) -> None:
    name = "a b+é"
    condition = ("If-None-Match", "*")
    put = await store.presign(name, method="PUT", expires=60, headers=dict([condition]))
    get = await store.presign(name)

    unsigned = await _fetch("PUT", put, b"content")
    written = await _fetch("PUT", put, b"content", condition)
    read = await _fetch("GET", get)
    other = await _fetch("GET", get.replace("a%20b", "b%20b"))

    assert [unsigned.status, written.status, (read.status, read.body), other.status] == [403, 200, (200, b"content"), 403]
    assert "secret" not in get
    assert len(s3.calls) == 4


async def test_an_expired_presigned_url_is_refused(s3: S3Server, store: S3Store) -> None:
    url = await store.presign("k", expires=60)
    s3.skew = 61

    assert (await _fetch("GET", url)).status == 403


async def test_a_pinned_range_that_was_replaced_is_refused(store: S3Store) -> None:
    await write_bytes(store, "k", b"first")
    etag = (await store.head("k")).etag
    await asyncio.to_thread(store.put("k", 5, replace=True).write, (b"other",))

    with pytest.raises(StoreError, match="was replaced"):
        _read(store, "k", 5, etag=etag)


async def test_jobs_work_wherever_they_are_carried(store: S3Store) -> None:
    put = pickle.loads(pickle.dumps(store.put("k", 7)))
    read = pickle.loads(pickle.dumps(store.read("k", 0, 7)))
    found = bytearray()

    await asyncio.to_thread(put.write, (b"con", b"tent"))
    await asyncio.to_thread(read.read, memoryview(bytearray(4)), found.extend)

    assert found == b"content"


async def test_a_head_that_is_refused_asks_for_the_reason(s3: S3Server, store: S3Store) -> None:
    with pytest.raises(NotFoundError):
        await store.head("none")
    with pytest.raises(NotFoundError):
        await store.head("none")

    assert [call.kind for call in s3.calls] == ["head", "get", "head"]  # by now the bucket is known to be there


async def test_a_conflict_of_two_writers_is_tried_again(s3: S3Server, store: S3Store) -> None:
    s3.fail("put", Refuse(409, "ConditionalRequestConflict"))

    with pytest.raises(StoreUnavailableError):
        await write_bytes(store, "k", b"1")

    assert s3.bucket.objects == {}
