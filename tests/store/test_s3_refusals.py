"""Refusals become errors that say what to do, or are learned from and asked better."""

import asyncio
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from lading.errors import (
    LadingError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from lading.store.http.session import close_session
from lading.store.owner import Fate
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import read_bytes, write_bytes
from lading.store.unfinished import Unfinished
from lading.testing.s3_server import Refuse, S3Server
from lading.testing.s3_server_auth import Key


@pytest.fixture
def s3(s3: S3Server) -> S3Server:
    s3.bucket.put("k", b"content", {})
    return s3


@pytest.fixture
def store(s3: S3Server) -> S3Store:
    return open_s3(f"s3://bucket?endpoint={s3.url}")


def _read(store: S3Store, key: str = "k") -> bytes:
    found = bytearray()
    store.read(key, 0, 7).read(memoryview(bytearray(64)), found.extend)
    return bytes(found)


def _by_wholes(store: S3Store) -> bytes:
    view = memoryview(bytearray(7))
    with store.wholes() as many:
        many.read("k", view)
    return bytes(view)


# What is to be done


@pytest.mark.parametrize(
    ("refuse", "kind", "word"),
    [
        (Refuse(404, "NoSuchBucket"), StoreError, "no bucket bucket.*create it"),
        (Refuse(404, "NoSuchKey"), NotFoundError, "no such object"),
        (Refuse(403, "AccessDenied"), StoreDeniedError, "allow these credentials s3:GetObject"),
        (Refuse(403), StoreDeniedError, "allow these credentials"),
        (Refuse(403, "InvalidAccessKeyId"), StoreDeniedError, "the key is unknown: check AWS_ACCESS_KEY_ID"),
        (Refuse(403, "SignatureDoesNotMatch"), StoreDeniedError, "secret that belongs to it: check"),
        (Refuse(400, "ExpiredToken"), StoreDeniedError, "fetch fresh ones"),
        (Refuse(400, "KMS.DisabledException"), StoreDeniedError, "KMS.DisabledException.*sse_kms_key_id"),
        (Refuse(403, "InvalidObjectState"), StoreError, "archived.*restore"),
        (Refuse(301, "PermanentRedirect"), StoreError, "not in the region us-east-1.*region="),
        (Refuse(412, "PreconditionFailed"), ObjectChangedError, "was replaced"),
        (Refuse(507, "InsufficientStorage"), StoreFullError, "make room"),
        (Refuse(403, "QuotaExceeded"), StoreFullError, "larger quota"),
        (Refuse(400, "EntityTooLarge"), StoreError, "5 GiB"),
        (Refuse(416, "InvalidRange"), StoreError, "InvalidRange"),
        (Refuse(400, "SomethingNew"), StoreError, "SomethingNew: As the test has asked"),
        (Refuse(418), StoreError, "418"),
    ],
)
@pytest.mark.parametrize("way", ["lane", "wholes", "loop"])
async def test_a_refusal_says_what_to_do(
    s3: S3Server, store: S3Store, refuse: Refuse, kind: type[LadingError], word: str, way: str
) -> None:
    s3.fail("get", *[refuse] * 2)
    s3.fail("head", *[refuse] * (way == "loop"))

    with pytest.raises(kind, match=f"(?s){word}") as caught:
        await (store.head("k") if way == "loop" else asyncio.to_thread(_read if way == "lane" else _by_wholes, store))

    assert not caught.value.retryable
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("refuse", "throttled", "wait"),
    [
        (Refuse(503, "SlowDown", {"Retry-After": "7"}), True, 7.0),
        (Refuse(503), True, None),
        (Refuse(429, "TooManyRequests"), True, None),
        (Refuse(400, "RequestLimitExceeded"), True, None),
        (Refuse(500, "InternalError"), False, None),
        (Refuse(502), False, None),
        (Refuse(400, "RequestTimeout"), False, None),
        (Refuse(409, "OperationAborted"), False, None),
        (Refuse(599, "SomethingNew"), False, None),
    ],
)
@pytest.mark.parametrize("way", ["lane", "wholes", "loop"])
async def test_what_may_pass_is_retryable_and_says_whether_to_slow_down(
    s3: S3Server, store: S3Store, refuse: Refuse, throttled: bool, wait: float | None, way: str
) -> None:
    s3.fail("head" if way == "loop" else "get", refuse)
    if way == "loop" and refuse.status < 500 and refuse.code:
        s3.fail("get", refuse)  # the answer to a HEAD has no reason: it is asked for

    with pytest.raises(StoreUnavailableError) as caught:
        await (store.head("k") if way == "loop" else asyncio.to_thread(_read if way == "lane" else _by_wholes, store))

    assert (caught.value.throttled, caught.value.retry_after) == (throttled, wait)


CALLS: list[tuple[str, Callable[[S3Store], Awaitable[object]], str]] = [
    ("list", lambda store: _all(store), "s3:ListBucket"),
    ("put", lambda store: write_bytes(store, "k", b"1"), "s3:PutObject"),
    ("put", lambda store: asyncio.to_thread(store.put("k", 1, replace=True).write, (b"1",)), "s3:PutObject"),
    ("begin", lambda store: store.begin("k", 1, replace=True), "s3:PutObject"),
    ("delete", lambda store: store.delete(["k"]), "s3:DeleteObject"),
    ("bulk", lambda store: store.delete(["k", "l"]), "s3:DeleteObject"),
    ("uploads", lambda store: _unfinished(store), "s3:ListBucketMultipartUploads"),
    ("abort", lambda store: store.give_up(Unfinished("k", "upload", Fate.GONE, None)), "s3:AbortMultipartUpload"),
]


@pytest.mark.parametrize(("kind", "call", "right"), CALLS)
async def test_a_denial_says_which_permission_is_missing(
    s3: S3Server, store: S3Store, kind: str, call: Callable[[S3Store], Awaitable[object]], right: str
) -> None:
    s3.fail(kind, Refuse(403, "AccessDenied"))

    with pytest.raises(StoreDeniedError) as caught:
        await call(store)

    assert f"allow these credentials {right} on bucket" in (caught.value.hint or "")


async def _unfinished(store: S3Store) -> list[str]:
    return [one.key async for one in store.unfinished()]


async def test_a_missing_bucket_is_no_missing_object(s3: S3Server) -> None:
    store = open_s3(f"s3://another?endpoint={s3.url}")

    for call in (store.head("k"), store.begin("k", 1), write_bytes(store, "k", b"1"), _all(store)):
        with pytest.raises(StoreError, match=r"(?s)no bucket another at http://127.*create it") as caught:
            await call
        assert not isinstance(caught.value, NotFoundError)


async def _all(store: S3Store) -> list[str]:
    return [meta.key async for meta in store.list("")]


async def test_a_bucket_that_is_not_open_says_so(s3: S3Server) -> None:
    store = open_s3(f"s3://bucket?endpoint={s3.url}&anonymous=1")

    with pytest.raises(StoreDeniedError, match=r"leave \?anonymous=1 out"):
        await store.head("k")


async def test_an_endpoint_that_is_not_there_is_named(aws: Path) -> None:
    del aws
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = open_s3(f"s3://bucket?endpoint=http://127.0.0.1:{taken.getsockname()[1]}")

        for work in (store.head("k"), asyncio.to_thread(_read, store)):
            with pytest.raises(StoreUnavailableError, match=r"(?s)127\.0\.0\.1.*cannot be reached.*check the address") as caught:
                await work
            assert "bucket" in str(caught.value)


@pytest.mark.parametrize("few", [2, 0], ids=["thread", "aiohttp"])
async def test_a_region_that_aws_does_not_have_is_doubted(aws: Path, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    await close_session()
    monkeypatch.setattr("lading.store.http.session.FEW", few)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    store = open_s3("s3://bucket?region=eu-wset-1")

    with pytest.raises(StoreUnavailableError, match="not known") as by_name:
        await store.head("k")
    with pytest.raises(StoreUnavailableError, match="not known") as by_bytes:
        await asyncio.to_thread(_read, store)

    assert "is eu-wset-1 the region (AWS_REGION, ?region=)? check" in (by_name.value.hint or "")
    assert by_bytes.value.hint == by_name.value.hint


async def test_missing_credentials_say_what_to_do(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del aws
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    store = open_s3("s3://bucket?endpoint=http://127.0.0.1:1")

    for work in (store.head("k"), asyncio.to_thread(_read, store)):
        with pytest.raises(StoreDeniedError, match=r"(?s)no AWS credentials.*set AWS_ACCESS_KEY_ID"):
            await work


# What is learned

Way = Callable[[S3Store], bytes | None]


def _in_lane(store: S3Store) -> bytes:
    return _read(store)


def _on_loop(store: S3Store) -> bytes:
    return asyncio.run(read_bytes(store, "k"))


def _by_put(store: S3Store) -> bytes:
    store.put("new", 3).write((b"new",))
    return _read(store)


def _by_whole_put(store: S3Store) -> bytes:
    with store.wholes() as many:
        many.write("new", b"new")
    return _read(store)


@pytest.fixture(params=[_in_lane, _by_wholes, _on_loop, _by_put, _by_whole_put])
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def test_the_right_region_is_learned_once(s3: S3Server, store: S3Store, way: Way) -> None:
    s3.region = "eu-central-1"

    first, calls = way(store), len(s3.calls)
    second = _read(store)

    assert first == second == b"content"
    assert store.place.scope.region == "eu-central-1"
    assert len(s3.calls) == calls + 1


def test_a_region_in_a_header_is_enough(s3: S3Server, store: S3Store) -> None:
    s3.region = "eu-west-3"
    s3.fail("get", Refuse(301, "", {"x-amz-bucket-region": "eu-west-3"}))

    assert _read(store) == b"content"


@pytest.mark.parametrize("skew", [-5000, 5000])
def test_the_servers_clock_is_learned_once(s3: S3Server, store: S3Store, way: Way, skew: int) -> None:
    s3.skew = skew

    first, calls = way(store), len(s3.calls)
    second = _read(store)

    assert first == second == b"content"
    assert store.place.facts.skew == pytest.approx(skew, abs=5)
    assert len(s3.calls) == calls + 1


def test_what_one_lane_learned_helps_those_that_asked_before(s3: S3Server, store: S3Store) -> None:
    s3.region, start = "eu-west-1", threading.Barrier(8)

    def read(_: int) -> bytes:
        start.wait()
        return _read(store)

    with ThreadPoolExecutor(8) as lanes:
        found = list(lanes.map(read, range(8)))

    assert found == [b"content"] * 8


def test_a_region_a_clock_and_a_missing_feature_are_learned_together(s3: S3Server, store: S3Store) -> None:
    s3.region, s3.skew, s3.bucket.rules.conditional = "eu-west-1", 5000, "refused"

    store.put("new", 3).write((b"new",))

    assert s3.bucket.objects["new"].data == b"new"


def test_a_body_that_can_be_had_once_is_left_to_its_maker_and_works_the_second_time(s3: S3Server, store: S3Store) -> None:
    s3.region = "eu-west-1"

    with pytest.raises(StoreUnavailableError, match="is in the region eu-west-1"):
        store.put("new", 4).write(iter((b"ab", b"cd")))
    store.put("new", 4).write(iter((b"ab", b"cd")))

    assert s3.bucket.objects["new"].data == b"abcd"


def test_no_odd_region_becomes_a_host(s3: S3Server, store: S3Store) -> None:
    s3.fail("get", Refuse(301, "PermanentRedirect", {"x-amz-bucket-region": "x.example.org/"}))

    with pytest.raises(StoreError, match="not in the region"):
        _read(store)

    assert store.place.facts.region is None


def test_a_server_that_contradicts_itself_is_an_error_in_the_end(s3: S3Server, store: S3Store) -> None:
    regions = [Refuse(400, "AuthorizationHeaderMalformed", {"x-amz-bucket-region": f"r{number}"}) for number in range(9)]
    s3.fail("get", *regions)

    with pytest.raises(StoreError, match="not in the region"):
        _read(store)

    assert 0 < len(s3.unused) < 9


def test_expired_credentials_are_renewed_once_for_all(s3: S3Server, aws: Path, way: Way) -> None:
    count = aws / "count"
    script = (
        f"open({str(count)!r}, 'a').write('x'); import json, os; n = os.path.getsize({str(count)!r});"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'A{n}', 'SecretAccessKey': 'S', 'SessionToken': 'T',"
        "'Expiration': '2999-01-01T00:00:00Z'}))"
    )
    (aws / "script.py").write_text(script)
    (aws / "config").write_text(f"[profile made]\ncredential_process = {sys.executable} {aws / 'script.py'}\n")
    assert s3.keys is not None
    s3.keys |= {"A1": Key("S", "T", expired=True), "A2": Key("S", "T")}
    store = open_s3(f"s3://bucket?endpoint={s3.url}&profile=made")

    assert way(store) == b"content"
    assert _read(store) == b"content"
    assert count.read_text() == "xx"


def test_credentials_that_stay_expired_are_an_error(s3: S3Server, store: S3Store) -> None:
    assert s3.keys is not None
    s3.keys["AKIA"].expired = True

    with pytest.raises(StoreDeniedError, match="have expired"):
        _read(store)

    assert len(s3.calls) == 1
