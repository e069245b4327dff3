"""The head of an answer: a small and strict reader of HTTP/1.1 status lines and headers. Pure.

The standard library's reader goes through the email package and costs several times what the rest of a small request does.
"""

import re

from msgspec import Struct

MOST = 64 << 10  # bytes of a head
_MOST_HEADERS = 128
_TEXT = r"[^\x00-\x08\x0a-\x1f\x7f]*"
_STATUS = re.compile(rf"HTTP/1\.([01]) ([1-5][0-9]{{2}})(?: {_TEXT})?").fullmatch
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_USUAL = frozenset(  # names that need no look
    (
        *("accept-ranges", "cache-control", "connection", "content-length", "content-range", "content-type", "date", "etag"),
        *("last-modified", "server", "x-amz-id-2", "x-amz-request-id", "x-amz-server-side-encryption", "x-amz-version-id"),
    )
)
_OF_TEXT = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_LENGTH = re.compile(r"[0-9]{1,18}").fullmatch
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")


class MalformedError(ValueError):
    """What came is not HTTP. It never leaves this package."""


class Head(Struct, frozen=True):
    """Status and headers, their names in lower case, those of the same name joined by a comma, and how the body is framed."""

    status: int
    headers: dict[str, str]
    length: int | None  # bytes of the body; None: it is in chunks, or goes on until the connection is closed
    chunked: bool
    keep: bool  # whether the connection may be used again once the body is read


def read_head(data: bytes, method: str) -> Head:
    """The head that ends with the empty line at the end of `data`, in answer to a request of `method`. Raise `MalformedError`."""
    text = data[:-4].decode("latin-1")
    first, *lines = text.split("\r\n")
    match = _STATUS(first)
    if match is None:
        raise MalformedError(f"it began with {text[:40]!r}")
    if len(lines) > _MOST_HEADERS:
        raise MalformedError(f"it has {len(lines)} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or (name not in _USUAL and not _NAME(name)):
            raise MalformedError("a header is malformed")
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if data.translate(None, _OF_TEXT) != b"\r\n" * (len(lines) + 2):  # what is no text ends lines, and does nothing else
        raise MalformedError("a header is malformed")
    return _framed(int(match[2]), headers, method, http11=match[1] == "1")


def _framed(status: int, headers: dict[str, str], method: str, *, http11: bool) -> Head:
    coding, length = headers.get("transfer-encoding"), _length(headers)
    options = headers.get("connection", "").lower()
    keep = "close" not in options if http11 else "keep-alive" in options
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Head(status, headers, 0, False, keep)
    if coding is not None:
        if coding.lower() != "chunked" or length is not None or not http11:
            raise MalformedError("the length of its body is ambiguous")  # who guesses here can be made to mix up two answers
        return Head(status, headers, None, True, keep)
    return Head(status, headers, length, False, keep and length is not None)


def _length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length")
    if value is None:
        return None
    if not _LENGTH(value):
        first, *others = value.split(", ")
        if not _LENGTH(first) or any(other != first for other in others):
            raise MalformedError("its Content-Length is no number")
        value = first
    return int(value)


def chunk_size(line: bytes) -> int:
    """The size that the line before a chunk states; 0 ends the body. Raise `MalformedError`."""
    match = _CHUNK.fullmatch(line)
    if match is None:
        raise MalformedError("a chunk has no size")
    return int(match[1], 16)
