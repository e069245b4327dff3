"""Reading and writing over HTTP, with everything that can go wrong on the way: the right bytes, or a named error."""

import errno
import os
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lading.errors import (
    AlreadyExistsError,
    LadingError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.checksum import Checksum, checksum
from lading.store.http.answers import Answer
from lading.store.http.jobs import HttpPut, HttpRead, PlainDialect
from lading.store.http.patience import PATIENT, Patience
from lading.store.http.request import Headers, Request
from lading.store.jobs import ReadJob
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

DATA = random.Random(3).randbytes(300_000)
HURRIED = Patience(answer=0.2, window=0.2)


def reading(
    server: HttpServer, start: int = 0, stop: int = len(DATA), *, etag: str | None = None, patience: Patience = PATIENT
) -> HttpRead:
    request = Request.of("GET", f"{server.url}/a?X-Amz-Signature=secret")
    return HttpRead(request, "a", server.url, start, stop, etag, patience=patience)


def putting(server: HttpServer, size: int, *, patience: Patience = PATIENT) -> HttpPut:
    request = Request.of("PUT", f"{server.url}/new").with_headers(("If-None-Match", "*"))
    return HttpPut(request, "new", server.url, size, patience=patience)


def read(job: ReadJob, *, buffer: int = 1 << 16) -> bytes:
    found = bytearray()
    job.read(memoryview(bytearray(buffer)), found.extend)
    return bytes(found)


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


def patience_for(fault: Fault) -> Patience:
    """Only where waiting is what is tested does it end soon: this machine may be busy."""
    return HURRIED if isinstance(fault, Stall | Drip) else PATIENT


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


@pytest.mark.parametrize("pieces", [[DATA], [DATA[:10], DATA[10:]], [DATA[:200_000], b"", DATA[200_000:]]])
def test_an_object_is_put(server: HttpServer, pieces: list[bytes]) -> None:
    putting(server, len(DATA)).write(pieces)

    assert server.objects["/new"] == DATA
    assert server.seen[0].headers["content-length"] == str(len(DATA))


def test_an_empty_object_is_put(server: HttpServer) -> None:
    putting(server, 0).write(())

    assert server.objects["/new"] == b""
    assert server.seen[0].headers["content-length"] == "0"


@pytest.mark.parametrize("scheme", ["plain", "tls"])
def test_a_file_is_taken(request: pytest.FixtureRequest, scheme: str, tmp_path: Path) -> None:
    server: HttpServer = request.getfixturevalue("server" if scheme == "plain" else "tls_server")
    (tmp_path / "file").write_bytes(DATA)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)

    taken = putting(server, 250_000).take(descriptor, 5, None)
    os.close(descriptor)

    assert taken
    assert server.objects["/new"] == DATA[5:250_005]


@pytest.mark.parametrize("pieces", [[b"12345"], [b"1234", b"5"], [b"123"], [b"12", b"345"], [b"12", b"3"], []])
def test_another_size_than_announced_is_refused_and_nothing_is_made(server: HttpServer, pieces: list[bytes]) -> None:
    with pytest.raises(StoreError, match="announced"):
        putting(server, 4).write(pieces)

    assert server.objects == {}


@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_source_that_fails_passes_and_nothing_is_made(server: HttpServer, good: int) -> None:
    """Also one that takes back, at the very end, what it had given."""

    def pieces() -> Iterator[bytes]:
        yield from [b"12", b"34"][:good]
        raise FileNotFoundError("source")

    with pytest.raises(FileNotFoundError, match="source"):
        putting(server, 4).write(pieces())

    assert server.objects == {}


def test_a_file_that_is_too_short_is_refused(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123")

    with (tmp_path / "file").open("rb") as file, pytest.raises(StoreError, match="ends before 4"):
        putting(server, 4).take(file.fileno(), 0, None)

    assert server.seen == []


def test_a_key_that_is_taken_is_named(server: HttpServer) -> None:
    server.objects["/new"] = b"first"

    with pytest.raises(AlreadyExistsError, match="new"):
        putting(server, 4).write([b"1234"])

    assert server.objects["/new"] == b"first"


@pytest.mark.parametrize("large", [b"x" * (8 << 20)], ids=["8 MiB"])
def test_a_server_that_refuses_before_it_has_all_is_heard(server: HttpServer, large: bytes, tmp_path: Path) -> None:
    server.fail(Status(403, (("Content-Type", "text/plain"),), b"no room for you", early=True), times=3)
    (tmp_path / "file").write_bytes(large)

    with pytest.raises(StoreDeniedError, match="no room for you"):
        putting(server, len(large)).write([large])
    with pytest.raises(StoreDeniedError, match="no room for you"):
        putting(server, len(large)).write(large[at : at + 1000000] for at in range(0, len(large), 1000000))
    with (tmp_path / "file").open("rb") as file, pytest.raises(StoreDeniedError, match="no room for you"):
        putting(server, len(large)).take(file.fileno(), 0, None)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Status(503), StoreUnavailableError, "503"),
        (Lost(), StoreUnavailableError, "closed before the answer"),
        (Lost(reset=True), StoreUnavailableError, "the connection"),
        (Stall(-1), StoreUnavailableError, "no answer within"),
        (Status(507), StoreError, "no room"),
        (Raw(b"SSH-2.0\r\n\r\n"), StoreUnavailableError, "not HTTP"),
    ],
    ids=repr,
)
def test_a_put_that_goes_wrong_has_a_name(server: HttpServer, fault: Fault, error: type[LadingError], says: str) -> None:
    server.fail(fault)

    with pytest.raises(error, match=says):
        putting(server, 4, patience=patience_for(fault)).write([b"1234"])

    assert server.unused == []


class Careful(PlainDialect, frozen=True):
    """Says what it does in headers."""

    def sign(self, request: Request) -> Request:
        return request.with_headers(("Signed", ",".join(name for name, _ in request.headers)))

    def checksum_headers(self, checksum: Checksum) -> Headers:
        return (("Sum", checksum.base64),)

    def accepted(self, request: Request, answer: Answer) -> None:
        if answer.headers["etag"] == etag_of(b"damaged"):
            raise StoreError("other bytes")


def test_a_body_in_one_piece_goes_with_its_checksum(server: HttpServer) -> None:
    job = HttpPut(Request.of("PUT", f"{server.url}/new"), "new", server.url, 4, Careful(), "crc32")

    job.write([b"1234"])
    job.write([b"12", b"34"])

    assert server.seen[0].headers["sum"] == checksum("crc32", b"1234").base64
    assert server.seen[0].headers["signed"] == "Sum"
    assert "sum" not in server.seen[1].headers


def test_a_file_goes_with_the_checksum_that_is_known(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    job = HttpPut(Request.of("PUT", f"{server.url}/new"), "new", server.url, 4, Careful(), "crc32")

    with (tmp_path / "file").open("rb") as file:
        job.take(file.fileno(), 0, checksum("crc32", b"1234"))
        job.take(file.fileno(), 0, checksum("md5", b"1234"))

    assert server.seen[0].headers["sum"] == checksum("crc32", b"1234").base64
    assert "sum" not in server.seen[1].headers


def test_what_the_store_says_of_a_body_is_heard(server: HttpServer) -> None:
    with pytest.raises(StoreError, match="other bytes"):
        HttpPut(Request.of("PUT", f"{server.url}/new"), "new", server.url, 7, Careful()).write([b"damaged"])


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


def test_a_file_that_cannot_be_shared_with_the_socket_is_read(server: HttpServer) -> None:
    # Which files those are depends on the kernel, so that the call itself is made to fail.
    descriptor = os.memfd_create("pages")
    os.write(descriptor, DATA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sendfile", _unable)
        putting(server, len(DATA)).take(descriptor, 0, None)
    os.close(descriptor)

    assert server.objects["/new"] == DATA


def _unable(*_: object) -> int:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


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
