"""Many small objects of S3 in one lane: as by jobs, on one connection, and left to the jobs where something is not plain."""

import contextlib
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidValueError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.checksum import checksum
from lading.store.http.connection import close_idle
from lading.store.memory import MemoryStore
from lading.store.s3.store import S3Store, open_s3
from lading.store.wholes import Wholes, wholes
from lading.testing.http_faults import ALWAYS, Bye, Chunked, Cut, Fault, Flip, Header, Lost, NoRanges, Raw, Short, Stall, Unasked
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import Damage, Drop, LoseAnswer, Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.s3_server_bucket import Rules

from .sockets import AT_ONCE, deaf, given_up

DATA = bytes(range(256)) * 40


@pytest.fixture
def store(s3: S3Server) -> S3Store:
    return open_s3(f"s3://bucket/pre fix?endpoint={s3.url}")


@pytest.fixture
def plain(aws: Path, server: HttpServer) -> S3Store:
    """Over a server that knows HTTP and all its faults, and nothing of S3."""
    del aws
    server.objects["/bucket/k"] = DATA
    return open_s3(f"s3://bucket?endpoint={server.url}")


@contextlib.contextmanager
def opened(store: S3Store) -> Generator[Wholes]:
    with wholes(store) as found:
        assert found is not None
        yield found


def read(many: Wholes, key: str, size: int = len(DATA)) -> bytes:
    view = memoryview(bytearray(size))
    many.read(key, view)
    return bytes(view)


def test_many_are_written_and_read_on_one_connection(plain: S3Store, server: HttpServer) -> None:
    with opened(plain) as many:
        for number in range(5):
            many.write(f"new/{number}", DATA[number:])
        found = [read(many, f"new/{number}", len(DATA) - number) for number in range(5)]
    with opened(plain) as many:
        read(many, "k")

    assert found == [DATA[number:] for number in range(5)]
    assert server.connections == 1


def test_what_a_job_says_with_a_request_is_said(s3: S3Server, store: S3Store) -> None:
    with opened(store) as many:
        many.write("a", b"one")
        store.put("b", 3).write((b"one",))
        read(many, "a", 3)
        store.read("a", 0, 3).read(memoryview(bytearray(3)), lambda piece: None)
    ours, theirs = s3.calls[0], s3.calls[1]
    ours_read, theirs_read = s3.calls[2], s3.calls[3]

    said = [{name for name in call.headers if name != "content-type"} for call in (ours, theirs, ours_read, theirs_read)]
    assert said[0] == said[1]
    assert said[2] == said[3]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
def test_any_key_is_signed_as_it_is_sent(s3: S3Server, store: S3Store, key: str) -> None:
    s3.bucket.objects.clear()

    with opened(store) as many:
        many.write(key, b"value")
        found = read(many, key, 5)

    assert found == b"value"
    assert list(s3.bucket.objects) == [f"pre fix/{key}"]


def test_an_empty_object_is_made_and_needs_no_request_to_be_read(s3: S3Server, store: S3Store) -> None:
    with opened(store) as many:
        many.write("empty", b"")
        found = read(many, "empty", 0)

    assert found == b""
    assert (s3.count("put"), s3.count("get")) == (1, 0)


def test_what_is_there_is_not_overwritten(s3: S3Server, store: S3Store) -> None:
    with opened(store) as many:
        many.write("k", b"first")
        with pytest.raises(AlreadyExistsError):
            many.write("k", b"other")
        many.write("next", b"goes on")

        assert read(many, "k", 5) == b"first"
    assert s3.count("put") == 3


def test_other_bytes_than_were_meant_are_refused(s3: S3Server, store: S3Store) -> None:
    s3.fail("put", Damage(1))

    with opened(store) as many, pytest.raises(DigestMismatchError):
        many.write("k", b"value")

    assert s3.bucket.objects == {}


def test_what_is_missing_is_named(store: S3Store) -> None:
    with opened(store) as many, pytest.raises(NotFoundError, match="gone"):
        read(many, "gone")


def test_a_busy_store_is_not_asked_again_here(s3: S3Server, store: S3Store) -> None:
    s3.fail("get", Refuse(503, "SlowDown", {"retry-after": "3"}))

    with opened(store) as many, pytest.raises(StoreUnavailableError) as caught:
        read(many, "k")

    assert (caught.value.throttled, caught.value.retry_after) == (True, 3.0)
    assert s3.count("get") == 1


@pytest.mark.parametrize("fault", [Drop(), LoseAnswer()])
def test_a_connection_that_ends_before_its_answer_is_replaced_once(s3: S3Server, store: S3Store, fault: Drop) -> None:
    with opened(store) as many:
        many.write("k", DATA)
        s3.fail("get", fault)

        assert read(many, "k") == DATA
    assert s3.count("get") == 2


@pytest.mark.parametrize("lesson", ["region", "clock", "conditional", "checksums"])
def test_what_a_refusal_teaches_is_learned(aws: Path, lesson: str) -> None:
    rules = Rules(conditional="refused" if lesson == "conditional" else "kept")
    with S3Server(keys={"AKIA": Key("secret")}, rules=rules) as s3:
        store = open_s3(f"s3://bucket?endpoint={s3.url}")
        s3.region, s3.skew = "eu-west-1" if lesson == "region" else s3.region, 3000.0 if lesson == "clock" else 0.0
        if lesson == "checksums":
            s3.fail("put", Refuse(501, "NotImplemented"), Refuse(501, "NotImplemented"))

        with opened(store) as many:
            many.write("a", b"one")
            many.write("b", b"two")
            found = read(many, "a", 3) + read(many, "b", 3)
        close_idle()

    assert found == b"onetwo"
    assert s3.count("get") == 2  # what was learned once is known


def test_the_signature_of_a_new_second_is_another(s3: S3Server, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with opened(store) as many:
        many.write("k", b"value")
        monkeypatch.setattr(time, "time", lambda: now + 5)
        read(many, "k", 5)
        read(many, "k", 5)
    dates = [call.headers["x-amz-date"] for call in s3.calls]

    assert dates[0] != dates[1] == dates[2]


def test_without_credentials_nothing_is_signed(aws: Path) -> None:
    with S3Server() as s3, opened(open_s3(f"s3://bucket?endpoint={s3.url}&anonymous=1")) as many:
        many.write("k", b"value")
        found = read(many, "k", 5)
        close_idle()

    assert found == b"value"
    assert not any("authorization" in call.headers for call in s3.calls)


def test_a_version_is_what_is_read(aws: Path) -> None:
    with S3Server(keys={"AKIA": Key("secret")}, rules=Rules(versioned=True)) as s3:
        store = open_s3(f"s3://bucket?endpoint={s3.url}")
        store.put("k", 3, replace=True).write((b"old",))
        version = next(iter(s3.bucket.versions))[1]
        store.put("k", 3, replace=True).write((b"new",))

        with opened(open_s3(f"s3://bucket?endpoint={s3.url}&version_id={version}")) as many:
            found = read(many, "k", 3)
        close_idle()

    assert found == b"old"


def test_headers_that_the_url_asks_for_are_signed_and_sent(aws: Path) -> None:
    options = "&requester_pays=1&storage_class=STANDARD_IA&sse=AES256"
    with S3Server(keys={"AKIA": Key("secret", token="session")}) as s3:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_SESSION_TOKEN", "session")
            store = open_s3(f"s3://bucket?endpoint={s3.url}{options}")
        with opened(store) as many:
            many.write("k", b"value")
            read(many, "k", 5)
        close_idle()
    put, get = s3.calls

    assert put.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert put.headers["x-amz-server-side-encryption"] == "AES256"
    assert put.headers["x-amz-request-payer"] == get.headers["x-amz-request-payer"] == "requester"
    assert put.headers["x-amz-checksum-crc32"] == checksum("crc32", b"value").base64


def test_a_header_that_would_end_too_early_is_refused(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA\r\nx-evil: 1")

    with opened(open_s3("s3://bucket?endpoint=http://127.0.0.1:9")) as many, pytest.raises(InvalidValueError):
        read(many, "k")


# whatever else a server does


@pytest.mark.parametrize("fault", [Chunked(100), NoRanges(), Header("content-range", "bytes 0-10239/*")])
def test_other_answers_of_the_right_bytes_will_do(plain: S3Store, server: HttpServer, fault: Fault) -> None:
    server.fail(fault)

    with opened(plain) as many:
        found = [read(many, "k"), read(many, "k")]

    assert found == [DATA, DATA]


@pytest.mark.parametrize(
    "fault",
    [
        Cut(5000),
        Short(1),
        Header("content-range", "bytes 1-10240/20000"),
        Header("content-range", None),
        Header("content-length", "10239"),
        Raw(b"nonsense\r\n\r\n"),
        Raw(b"HTTP/1.1 206 Partial Content\r\nContent-Length: x\r\n\r\n"),
    ],
    ids=repr,
)
def test_an_answer_that_is_not_what_was_asked_for_is_an_error(plain: S3Store, server: HttpServer, fault: Fault) -> None:
    server.fail(fault)

    with opened(plain) as many:
        with pytest.raises(StoreError):
            read(many, "k")

        assert read(many, "k") == DATA  # and nothing of it reaches the next


def test_bytes_are_passed_on_as_they_came(plain: S3Store, server: HttpServer) -> None:
    server.fail(Flip())

    with opened(plain) as many:
        assert read(many, "k") != DATA


def test_an_object_of_another_size_is_told_apart(plain: S3Store) -> None:
    with opened(plain) as many:
        assert read(many, "k", 100) == DATA[:100]
        with pytest.raises(StoreError, match="ends before"):
            read(many, "k", len(DATA) + 1)


def test_a_connection_that_was_closed_meanwhile_or_speaks_unasked_is_not_used(plain: S3Store, server: HttpServer) -> None:
    server.fail(Bye())
    server.fail(Unasked(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"))
    server.fail(Lost())

    with opened(plain) as many:
        for _ in range(4):
            assert read(many, "k") == DATA
            server.said()

    assert server.connections == 4


def test_through_a_proxy_jobs_do_it(plain: S3Store, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    there = open_s3("s3://bucket?endpoint=http://127.0.0.2:7")

    with opened(there) as many, pytest.raises(NotFoundError):
        read(many, "k")

    assert [seen.target for seen in server.seen] == ["http://127.0.0.2:7/bucket/k"]


# giving up


@pytest.mark.parametrize("after", [0, 1])
def test_a_wait_is_given_up_at_once(plain: S3Store, server: HttpServer, after: int) -> None:
    def work() -> None:
        with opened(plain) as many:
            for _ in range(after):
                read(many, "k")
            server.fail(Stall(-1), times=ALWAYS)
            read(many, "k")

    assert given_up(work, lambda: len(server.seen) == after + 1) < AT_ONCE


def test_connecting_is_given_up_at_once(aws: Path) -> None:
    with deaf() as port:
        store, begun = open_s3(f"s3://bucket?endpoint=http://127.0.0.1:{port}"), threading.Event()

        def work() -> None:
            with opened(store) as many:
                begun.set()
                read(many, "k")

        assert given_up(work, begun.is_set) < AT_ONCE


def test_a_store_without_an_offer_has_none() -> None:
    with wholes(MemoryStore()) as found:
        assert found is None
