"""Answers as they come in: a head that was read, and a body that is still on its way."""

from collections.abc import Callable

from ...errors import StoreUnavailableError
from .head import Head, MalformedError, chunk_size
from .link import Broken, Link
from .request import Request

_MOST_TRAILERS = 64


class Incoming:
    """An answer whose body is still to be read, once. The names of its headers are in lower case."""

    __slots__ = ("_begun", "_chunked", "_keep", "_left", "_link", "_over", "_request", "headers", "length", "status")

    def __init__(self, request: Request, link: Link, head: Head) -> None:
        self.status, self.headers = head.status, head.headers
        self.length = head.length  # bytes of the body; None where only its end will tell
        self._request, self._link, self._chunked = request, link, head.chunked
        self._left = 0 if head.chunked else head.length  # of the body or of its chunk; None: until the connection is closed
        self._begun = False
        self._keep = head.keep
        self._over = head.length == 0

    @property
    def keep(self) -> bool:
        """Whether the connection is good for another exchange."""
        return self._keep and self._over

    @property
    def over(self) -> bool:
        """Whether all of the body was read."""
        return self._over

    def deliver(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        """Pass the body on in slices of `buffer`, filled as far as they can be. Its content encoding is left alone. Raise
        `StoreUnavailableError` if it ends early or stalls."""
        while count := self.readinto(buffer):
            each(buffer[:count])

    def read(self, limit: int) -> bytes:
        """The body, or its first `limit` bytes. Raise as `deliver` does."""
        found = bytearray()
        buffer = memoryview(bytearray(min(limit, 64 << 10)))
        while len(found) < limit and (count := self.readinto(buffer[: limit - len(found)])):
            found += buffer[:count]
        return bytes(found)

    def readinto(self, view: memoryview) -> int:
        """Fill `view` with what comes next; fewer bytes only at the end of the body, after it 0. Raise as `deliver` does."""
        try:
            return self._readinto(view)
        except (Broken, MalformedError) as error:
            raise StoreUnavailableError(f"{self._request.shown}: the answer broke off: {error}") from error

    def _readinto(self, view: memoryview) -> int:
        done = 0
        while done < len(view) and not self._over:
            if self._chunked and not self._left:
                self._next_chunk()
                continue
            want = len(view) - done if self._left is None else min(len(view) - done, self._left)
            count = self._link.fill(view[done : done + want])
            done += count
            if self._left is None:
                self._over = count < want
                continue
            self._left -= count
            if count < want:
                raise Broken(f"the connection was closed {self._left} bytes before its end")
            self._over = not self._left and not self._chunked
        return done

    def _next_chunk(self) -> None:
        if self._begun and self._link.line() != b"\r\n":
            raise MalformedError("a chunk is longer than it said")
        self._begun = True
        self._left = chunk_size(self._link.line())
        if not self._left:
            for _ in range(_MOST_TRAILERS):
                if self._link.line() == b"\r\n":
                    self._over = True
                    return
            raise MalformedError("it has too many trailers")
