"""What can go wrong with one HTTP request: faults as values, for the server of `http_server`."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

ALWAYS = 1 << 62


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came. The names of its headers are in lower case; `body` may be less than was announced."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int  # counted from 0

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(slots=True)
class Reply:
    """What will be sent; faults change it. Without a `content-length` in `headers` the body's own length is announced."""

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    chunk: int = 0  # > 0: the body goes in chunks of that many bytes
    before: bytes = b""  # sent ahead of the head
    raw: bytes | None = None  # sent in place of all this
    cut: int | None = None  # so many bytes of the body are sent, then the connection ends
    reset: bool = False  # … by a reset
    piece: int = ALWAYS  # the body goes in pieces of that many bytes
    pause: float = 0.0  # seconds after each
    stall: bool = False  # where it would be cut, it stands still
    after: bytes = b""  # comes a moment later, unasked
    close: bool = False  # the connection is closed afterwards, and that is not announced


class Serving(Protocol):
    """The server, as far as faults need it."""

    objects: dict[str, bytes]
    random: random.Random

    def right(self, seen: Seen) -> Reply:
        """The reply of a server without faults."""
        ...


class Fault(Protocol):
    """Something that goes wrong with one request."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        """The reply to send; `reply()` is the right one."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """Another status, as for 503, 429, 403, or a redirect by a header `Location`. `early`: before the request's body was read,
    and the connection is closed."""

    code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    early: bool = False

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        return Reply(self.code, {name.lower(): value for name, value in self.headers}, self.body, close=self.early)


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends after so many bytes of the body, by a reset if `reset`; the right length was announced."""

    after: int
    reset: bool = False

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.cut, right.reset = self.after, self.reset
        return right


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing more comes after so many bytes of the body; -1: not even the head."""

    after: int

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.cut, right.stall = max(self.after, 0), True
        if self.after < 0:
            right.raw = b""
        return right


@dataclass(frozen=True, slots=True)
class Drip:
    """The body comes in pieces of so many bytes, with a pause after each."""

    piece: int
    pause: float

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.piece, right.pause = self.piece, self.pause
        return right


@dataclass(frozen=True, slots=True)
class Short:
    """The body lacks its last `by` bytes, and the length says so, too: nothing but the size is wrong."""

    by: int = 1

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.body = right.body[: -self.by]
        return right


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of the body is wrong, at a place that the server's seed decides."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right, at = reply(), 0
        body = bytearray(right.body)
        if body:
            at = server.random.randrange(len(body) * 8)
            body[at // 8] ^= 1 << at % 8
        right.body = bytes(body)
        return right


@dataclass(frozen=True, slots=True)
class Spoil:
    """One bit of what was sent arrives wrong, at a place that the server's seed decides."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        body = bytearray(seen.body)
        if body:
            at = server.random.randrange(len(body) * 8)
            body[at // 8] ^= 1 << at % 8
        return server.right(replace(seen, body=bytes(body)))


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the answer is another, or missing if `value` is None: a wrong Content-Range, another ETag."""

    name: str
    value: str | None

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.headers.pop(self.name.lower(), None)
        if self.value is not None:
            right.headers[self.name.lower()] = self.value
        return right


@dataclass(frozen=True, slots=True)
class NoRanges:
    """The server does not know ranges: the whole object, with 200."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        headers = {name: value for name, value in seen.headers.items() if name != "range"}
        right = server.right(Seen(seen.method, seen.target, headers, seen.body, seen.connection))
        right.headers.pop("accept-ranges", None)
        return right


@dataclass(frozen=True, slots=True)
class Chunked:
    """The body comes in chunks of so many bytes, and its length is not announced."""

    size: int

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.chunk = self.size
        return right


@dataclass(frozen=True, slots=True)
class Replaced:
    """Before this request is answered, the object becomes another."""

    data: bytes

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        server.objects[seen.path] = self.data
        return reply()


@dataclass(frozen=True, slots=True)
class Whole:
    """The server does not care for ranges: all of this, with 200."""

    data: bytes

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.status, right.body = 200, self.data
        right.headers.pop("content-range", None)
        return right


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """This happens just before the request is answered."""

    act: Callable[[], object]

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        self.act()
        return reply()


@dataclass(frozen=True, slots=True)
class Lost:
    """The request is carried out, and its answer is lost: the connection ends before a byte of it."""

    reset: bool = False

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.raw, right.cut, right.reset = b"", 0, self.reset
        return right


@dataclass(frozen=True, slots=True)
class Deaf:
    """The request is neither carried out nor answered."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        return Reply(200, raw=b"", stall=True)


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes in place of an answer; then the connection ends."""

    data: bytes

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        return Reply(200, raw=self.data, close=True)


@dataclass(frozen=True, slots=True)
class Interim:
    """`100 Continue` and `103 Early Hints` come before the answer."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        return right


@dataclass(frozen=True, slots=True)
class Bye:
    """The answer is right, and the connection is closed after it though it was said to be kept."""

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.close = True
        return right


@dataclass(frozen=True, slots=True)
class Unasked:
    """The answer is right, and a moment later these bytes follow, as a server may say that it was idle for too long."""

    data: bytes

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        right = reply()
        right.after = self.data
        return right
