"""Writing over HTTP, with everything that can go wrong on the way: the object as it was meant, or a named error and none."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import AlreadyExistsError, LadingError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.checksum import Checksum, checksum
from lading.store.http.answers import Answer
from lading.store.http.jobs import HttpPut, PlainDialect
from lading.store.http.request import Headers, Request
from lading.testing.http_faults import Fault, Lost, Raw, Stall, Status
from lading.testing.http_server import HttpServer, etag_of

from .conftest import DATA, patience_for, putting


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
def test_a_server_that_refuses_before_it_has_all_is_heard(
    server: HttpServer, large: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lading.store.http.connection._AFTER_ALL", 30.0)  # it comes at once, unless the machine stands still
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
