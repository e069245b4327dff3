"""Reading over HTTP, with everything that can go wrong on the way: the right bytes, or a named error."""

import pickle
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest

from lading.errors import (
    LadingError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.testing.http_faults import (
    ALWAYS,
    Bye,
    Chunked,
    Cut,
    Drip,
    Fault,
    Flip,
    Header,
    Interim,
    Lost,
    NoRanges,
    Raw,
    Replaced,
    Reply,
    Seen,
    Serving,
    Short,
    Stall,
    Status,
)
from lading.testing.http_server import HttpServer, etag_of

from .conftest import DATA, patience_for, putting, read, reading


@pytest.mark.parametrize(("start", "stop"), [(0, len(DATA)), (0, 1), (5, 70_000), (len(DATA) - 1, len(DATA)), (7, 7)])
@pytest.mark.parametrize("buffer", [1000, 1 << 20])
def test_a_range_is_read(server: HttpServer, start: int, stop: int, buffer: int) -> None:
    server.objects["/a"] = DATA

    found = read(reading(server, start, stop, etag=etag_of(DATA)), buffer=buffer)

    assert found == DATA[start:stop]


def test_pieces_are_as_large_as_the_buffer(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    sizes = list[int]()

    reading(server).read(memoryview(bytearray(1 << 16)), lambda piece: sizes.append(len(piece)))

    assert sizes == [1 << 16] * 4 + [len(DATA) % (1 << 16)]


@pytest.mark.parametrize("fault", [Chunked(1000), Interim(), Drip(100_000, 0.01), Bye(), Header("Connection", "close")])
def test_ways_to_answer_that_are_right(server: HttpServer, fault: Fault) -> None:
    server.objects["/a"] = DATA
    server.fail(fault, times=2)

    assert [read(reading(server, 10, 200_000)) for _ in range(3)] == [DATA[10:200_000]] * 3
    assert server.unused == []


WRONG: list[tuple[Fault, type[LadingError], str]] = [
    (Cut(60_000), StoreUnavailableError, "broke off"),
    (Cut(60_000, reset=True), StoreUnavailableError, "broke off"),
    (Cut(0), StoreUnavailableError, "broke off"),
    (Short(), StoreUnavailableError, "99999 bytes in place of 100000"),
    (Header("Content-Range", None), StoreUnavailableError, "did not say which range"),
    (Header("Content-Range", "bytes 0-99999/300000"), StoreUnavailableError, r"sent the range \[0, 100000\)"),
    (Header("Content-Range", "bytes 100-100099/100050"), StoreError, "ends before"),
    (NoRanges(), StoreError, "whole object in place of"),
    (Replaced(DATA[::-1]), ObjectChangedError, "was replaced"),
    (Header("ETag", '"another"'), ObjectChangedError, "was replaced"),
    (Stall(-1), StoreUnavailableError, "no answer within"),
    (Stall(50_000), StoreUnavailableError, "stalled"),
    (Drip(1000, 0.03), StoreUnavailableError, "stalled"),
    (Status(503), StoreUnavailableError, "503"),
    (Status(500, body=b"oops\n\x1b[31m"), StoreUnavailableError, r"500: oops \[31m"),
    (Status(429, (("Retry-After", "7"),)), StoreUnavailableError, "429"),
    (Status(403), StoreDeniedError, "403"),
    (Status(404), NotFoundError, "no such object"),
    (Status(301, (("Location", "/b"),)), StoreError, "redirect"),
    (Status(204), StoreError, "204"),
    (Raw(b"\x15\x03\x01garbage\r\n\r\n"), StoreUnavailableError, "not HTTP"),
    (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), StoreUnavailableError, "ambiguous"),
    (Raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), StoreUnavailableError, "longer than"),
    (Raw(b"HTTP/1.1 200"), StoreUnavailableError, "broke off"),
    (Raw(b""), StoreUnavailableError, "closed before the answer"),
]


@pytest.mark.parametrize(("fault", "error", "says"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_has_a_name(server: HttpServer, fault: Fault, error: type[LadingError], says: str) -> None:
    server.objects["/a"] = DATA
    server.fail(fault)

    with pytest.raises(error, match=says) as caught:
        read(reading(server, 100, 100_100, etag=etag_of(DATA), patience=patience_for(fault)))

    assert type(caught.value) is error
    assert "secret" not in repr(caught.getrepr(showlocals=False)) + str(caught.value)
    assert server.unused == []


@pytest.mark.parametrize(("fault", "error", "says"), WRONG, ids=range(len(WRONG)))
def test_after_what_was_wrong_the_lane_reads_on(server: HttpServer, fault: Fault, error: type[LadingError], says: str) -> None:
    server.objects["/a"] = DATA
    read(reading(server, 0, 10))
    server.fail(fault)

    for _ in range(2):  # a kept connection may be replaced once without an error
        try:
            read(reading(server, 100, 100_100, etag=etag_of(DATA), patience=patience_for(fault)))
        except error:
            break
    server.objects["/a"] = DATA

    assert read(reading(server, 100, 100_100, etag=etag_of(DATA))) == DATA[100:100_100]


def test_a_flipped_bit_is_for_whoever_has_the_digest(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    server.fail(Flip())

    found = read(reading(server))

    assert sum((one ^ other).bit_count() for one, other in zip(found, DATA, strict=True)) == 1


def test_throttling_says_for_how_long(server: HttpServer) -> None:
    server.fail(Status(503, (("Retry-After", "12"),)))
    server.fail(Status(500))

    with pytest.raises(StoreUnavailableError) as slow:
        read(reading(server))
    with pytest.raises(StoreUnavailableError) as broken:
        read(reading(server))

    assert (slow.value.throttled, slow.value.retry_after) == (True, 12)
    assert (broken.value.throttled, broken.value.retry_after) == (False, None)


def test_credentials_that_expire_amid_the_work_are_named(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    server.fail(Status(403, (("Content-Type", "text/plain"),), b"Request has expired"), skip=3, times=ALWAYS)

    for start in range(3):
        read(reading(server, start, start + 10))
    with pytest.raises(StoreDeniedError, match="Request has expired"):
        read(reading(server))


def test_a_storm_ends(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    server.fail(Status(503), times=20)
    failed = 0

    while True:
        try:
            found = read(reading(server))
            break
        except StoreUnavailableError:
            failed += 1

    assert (failed, found) == (20, DATA)
    assert server.connections == 1


@pytest.mark.parametrize("length", [0, 5000], ids=["length", "chunks"])
def test_a_whole_object_will_do_for_a_range_that_is_all_of_it(server: HttpServer, length: int) -> None:
    server.objects["/a"] = DATA
    server.fail(Whole(length), times=ALWAYS)

    assert read(reading(server)) == DATA
    with pytest.raises(StoreError, match=r"in place of|longer than"):
        read(reading(server, 0, len(DATA) - 1))
    with pytest.raises(StoreError, match=r"in place of|broke off"):
        read(reading(server, 0, len(DATA) + 1))
    with pytest.raises(StoreError, match="in place of"):
        read(reading(server, 1, len(DATA)))


class Whole(NamedTuple):
    """No ranges, and bodies in chunks of that many bytes, if any."""

    chunk: int

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = NoRanges().apply(server, seen, reply)
        right.chunk = self.chunk
        return right


def test_a_weak_etag_is_compared_and_not_demanded(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    server.fail(Header("ETag", 'W/"1"'))
    server.fail(Header("ETag", 'W/"2"'))

    assert read(reading(server, etag='W/"1"')) == DATA
    with pytest.raises(ObjectChangedError):
        read(reading(server, etag='W/"1"'))
    assert "if-match" not in server.seen[0].headers


def test_content_encoding_is_never_undone(server: HttpServer) -> None:
    server.objects["/a"] = b"\x1f\x8bnot even gzip"
    server.fail(Header("Content-Encoding", "gzip"))

    assert read(reading(server, 0, 15)) == b"\x1f\x8bnot even gzip"
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_what_the_reader_raises_passes_and_closes_the_connection(server: HttpServer) -> None:
    server.objects["/a"] = DATA

    def refuse(piece: memoryview) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reading(server).read(memoryview(bytearray(1000)), refuse)

    assert read(reading(server)) == DATA
    assert server.connections == 2


def test_jobs_are_small_values_without_secrets_in_their_words(server: HttpServer) -> None:
    job = reading(server)

    assert len(pickle.dumps(job)) < 1000
    assert pickle.loads(pickle.dumps(job)) == job
    assert "secret" not in repr(job)


def test_a_refusal_whose_words_break_off_is_still_that_refusal(server: HttpServer) -> None:
    server.fail(Raw(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nno"), times=2)

    with pytest.raises(StoreDeniedError):
        read(reading(server))
    with pytest.raises(StoreDeniedError):
        putting(server, 4).write([b"1234"])


def test_in_any_weather_bytes_are_right_or_an_error_has_a_name(server: HttpServer) -> None:
    server.objects["/a"] = DATA
    for fault in (Status(503), Cut(1000), Cut(5, reset=True), Lost(), Bye(), Short(), Raw(b"\0"), NoRanges(), Drip(4000, 0.001)):
        server.fail(fault, chance=0.08, times=ALWAYS)
    found, failures = bytearray(len(DATA)), list[LadingError]()

    def lane(number: int) -> None:
        for start in range(number * 5000, len(DATA), 15_000):
            while True:
                try:
                    found[start : start + 5000] = read(reading(server, start, start + 5000, etag=etag_of(DATA)))
                    break
                except StoreError as error:
                    failures.append(error)

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == DATA
    assert len({str(error) for error in failures}) > 3
