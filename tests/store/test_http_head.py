"""The reader of heads, against that of the standard library."""

import http.client
import io
import socket
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.store.http.head import MalformedError, chunk_size, read_head


class Canned:
    """As much of a socket as http.client wants."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, mode: str) -> io.BytesIO:
        assert mode == "rb"
        return io.BytesIO(self.data)


def by_the_library(data: bytes, method: str) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(cast(socket.socket, Canned(data)), method=method)
    response.begin()
    return response


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=12)
# Not the line ends that only the email package knows (the library splits headers at \x85 and its like).
VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), max_size=20)
LENGTHS = st.lists(st.integers(0, 10**12), max_size=1).map(lambda found: [("Content-Length", str(length)) for length in found])
CHUNKED = st.sampled_from(["chunked", "Chunked"]).map(lambda value: [("Transfer-Encoding", value)])
CLOSING = st.sampled_from([[], [("Connection", "close")], [("connection", "Keep-Alive")], [("CONNECTION", "Close")]])
FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection"}


@given(
    version=st.sampled_from("01"),
    status=st.sampled_from([200, 201, 204, 206, 301, 304, 403, 404, 412, 416, 500, 503]),
    reason=st.sampled_from([" OK", " Not so good", " ", ""]),
    others=st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() not in FRAMING), VALUES), max_size=8),
    framing=st.one_of(LENGTHS, CHUNKED),
    closing=CLOSING,
    spaces=st.sampled_from(["", " ", "  ", "\t"]),
    method=st.sampled_from(["GET", "HEAD", "PUT"]),
)
def test_what_is_right_is_read_as_the_library_reads_it(
    version: str,
    status: int,
    reason: str,
    others: list[tuple[str, str]],
    framing: list[tuple[str, str]],
    closing: list[tuple[str, str]],
    spaces: str,
    method: str,
) -> None:
    lines = [
        f"HTTP/1.{version} {status}{reason}",
        *(f"{name}:{spaces}{value}" for name, value in others + framing + closing),
        "",
        "",
    ]
    data = "\r\n".join(lines).encode("latin-1")
    expected = by_the_library(data, method)
    chunked = bool(expected.chunked) and method != "HEAD" and status not in (204, 304)
    if chunked and version == "0":  # HTTP/1.0 has no chunks; the library takes them all the same
        with pytest.raises(MalformedError):
            read_head(data, method)
        return

    head = read_head(data, method)

    assert head.status == expected.status
    for name in {name for name, _ in others}:
        assert head.headers[name.lower()] == ", ".join(expected.headers.get_all(name, []))
    assert head.chunked == chunked
    assert head.length == (expected.length if not chunked else None)
    if head.length is not None:
        assert head.keep == (not expected.will_close)


@given(st.binary(max_size=60))
def test_anything_else_is_refused_by_name(data: bytes) -> None:
    for text in (data + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n"):
        try:
            head = read_head(text, "GET")
        except MalformedError:
            continue
        assert 100 <= head.status < 600
        assert all(name == name.lower() and name.isascii() for name in head.headers)


@pytest.mark.parametrize(
    "lines",
    [
        [b"HTTP/2 200 OK"],
        [b"HTTP/1.1 20 OK"],
        [b"HTTP/1.1 2000 OK"],
        [b"HTTP/1.1  200 OK"],
        [b"ICY 200 OK"],
        [b"HTTP/1.1 200 OK", b" folded: 1"],
        [b"HTTP/1.1 200 OK", b"A: 1", b"\tfolded"],
        [b"HTTP/1.1 200 OK", b"A : 1"],
        [b"HTTP/1.1 200 OK", b": 1"],
        [b"HTTP/1.1 200 OK", b"A"],
        [b"HTTP/1.1 200 OK", b"A: \x00"],
        [b"HTTP/1.1 200 OK", b"A: 1\nB: 2"],
        [b"HTTP/1.1 200 OK", b"Content-Length: -1"],
        [b"HTTP/1.1 200 OK", b"Content-Length: +1"],
        [b"HTTP/1.1 200 OK", b"Content-Length: 1_0"],
        [b"HTTP/1.1 200 OK", b"Content-Length: 1", b"Content-Length: 2"],
        [b"HTTP/1.1 200 OK", b"Content-Length: " + b"9" * 30],
        [b"HTTP/1.1 200 OK", b"Content-Length: 1", b"Transfer-Encoding: chunked"],
        [b"HTTP/1.1 200 OK", b"Transfer-Encoding: gzip, chunked"],
        [b"HTTP/1.1 200 OK", *([b"A: 1"] * 200)],
    ],
    ids=range(20),
)
def test_what_is_odd_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(MalformedError):
        read_head(b"\r\n".join((*lines, b"", b"")), "GET")


def test_a_length_that_is_said_twice_is_one_length() -> None:
    head = read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n", "GET")

    assert head.length == 7


def test_without_a_length_the_body_ends_with_the_connection() -> None:
    head = read_head(b"HTTP/1.1 200 OK\r\n\r\n", "GET")

    assert (head.length, head.chunked, head.keep) == (None, False, False)


@given(st.integers(0, 16**15 - 1), st.sampled_from(["", ";a=b", " ;x"]))
def test_a_chunk_says_its_size(size: int, extension: str) -> None:
    assert chunk_size(f"{size:x}{extension}\r\n".encode()) == size
    assert chunk_size(f"{size:X}{extension}\r\n".encode()) == size


@pytest.mark.parametrize("line", [b"\r\n", b"-1\r\n", b"0x1\r\n", b"1", b"g\r\n", b"1\n", b"1 2\r\n", b"1" * 16 + b"\r\n"])
def test_a_chunk_without_size_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        chunk_size(line)
