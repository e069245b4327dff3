"""The jobs of stores behind HTTP: a range that is read, an object or a part that is written, by one request each."""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from ...errors import AlreadyExistsError, StoreError, StoreUnavailableError
from ..checksum import Checksum, Piece, can_compute, checksum
from ..halt import current_halt
from .answers import MOST_REASON, Answer, Wanted, check_answer, refusal, strong
from .body import Body, FileRange, Pieces
from .connection import exchange
from .incoming import Incoming
from .patience import PATIENT, Patience
from .redirects import MOST_REDIRECTS, redirected, redirects, too_many
from .request import Headers, Request, Signer


class Dialect(Signer, Protocol):
    """How one kind of store speaks HTTP. A small picklable value; its calls are made in lanes and may block."""

    def checksum_headers(self, checksum: Checksum) -> Headers:
        """What tells the store to refuse a body with another checksum. Added before signing."""
        ...

    def error(self, answer: Answer, key: str, url: str) -> StoreError:
        """The error for an answer that is no success."""
        ...

    def accepted(self, request: Request, answer: Answer) -> None:
        """Called with what the store said of a body that it took (an etag, a checksum). Raise `StoreError` if it took another."""
        ...


class PlainDialect(Struct, frozen=True):
    """No signature, no checksums, errors by status."""

    def sign(self, request: Request) -> Request:
        return request

    def checksum_headers(self, checksum: Checksum) -> Headers:
        return ()

    def error(self, answer: Answer, key: str, url: str) -> StoreError:
        return refusal(answer, key, url)

    def accepted(self, request: Request, answer: Answer) -> None:
        pass


PLAIN = PlainDialect()


class HttpRead(Struct, frozen=True):
    """GET of [start, stop). `request` is unsigned and names no range. A server without ranges sends the whole object, which will
    do if [start, stop) is all of it."""

    request: Request
    key: str
    url: str
    start: int
    stop: int
    etag: str | None = None
    dialect: Dialect = PLAIN
    follow: bool = False  # redirects
    patience: Patience = PATIENT

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        if not self.size:
            return
        wanted = ("Range", f"bytes={self.start}-{self.stop - 1}")
        pinned = (("If-Match", self.etag),) if self.etag is not None and strong(self.etag) else ()
        request = self.request.with_headers(wanted, *pinned)
        for _ in range(MOST_REDIRECTS + 1):
            with exchange(self.dialect.sign(request), patience=self.patience) as incoming:
                if not (self.follow and redirects(incoming.status)):
                    self.deliver(incoming, buffer, each)
                    return
                incoming.read(MOST_REASON)
            request = redirected(request, incoming.status, incoming.headers)
        raise too_many(request)

    def deliver(self, incoming: Incoming, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        """Pass on what came in answer to it, if it is what was asked for. Raise as `read` does."""
        if incoming.status not in (200, 206):
            raise self.dialect.error(_refused(incoming), self.key, self.url)
        wanted = Wanted(self.key, self.url, self.start, self.stop, self.etag)
        check_answer(wanted, Answer(incoming.status, incoming.headers), incoming.length)
        halt, left = current_halt(), self.size
        while left:
            count = incoming.readinto(buffer[:left])
            if not count:
                raise StoreUnavailableError(f"{self.key or self.url} in {self.url} broke off {left} bytes before its end")
            left -= count
            halt.check()
            each(buffer[:count])
        if not incoming.over and incoming.readinto(buffer[:1]):
            raise StoreError(f"{self.key or self.url} in {self.url} is longer than the {self.size} bytes that were expected")


class HttpPut(Struct, frozen=True):
    """PUT of a whole object or of a part, with the request's own method. `request` is unsigned; `exclusive` says that 409 and 412
    mean that the key is taken."""

    request: Request
    key: str
    url: str
    size: int
    dialect: Dialect = PLAIN
    checks: str | None = None
    exclusive: bool = True
    patience: Patience = PATIENT

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        if checksum is not None and checksum.name != self.checks:
            checksum = None
        self._send(FileRange(self.key or self.url, source, start, start + self.size), checksum)
        return True

    def write(self, pieces: Iterable[Piece]) -> None:
        """A body that comes in one piece is sent with its checksum if the store `checks` one; of others it would be known too
        late."""
        body = Pieces(self.key or self.url, pieces, self.size)
        whole = body.whole()
        if whole is not None and self.checks is not None and can_compute(self.checks):
            self._send(body, checksum(self.checks, whole))
        else:
            self._send(body, None)

    def _send(self, body: Body, checksum: Checksum | None) -> None:
        request = self.request
        if checksum is not None:
            request = request.with_headers(*self.dialect.checksum_headers(checksum))
        request = self.dialect.sign(request)
        with exchange(request, body, patience=self.patience) as incoming:
            self.settle(incoming)

    def settle(self, incoming: Incoming) -> None:
        """Take note of what came in answer to it. Raise as `write` does."""
        if not 200 <= incoming.status < 300:
            answer = _refused(incoming)
            if answer.status in (409, 412) and self.exclusive:
                raise AlreadyExistsError(self.key or self.url, self.url)
            raise self.dialect.error(answer, self.key, self.url)
        said = b"" if incoming.over else incoming.read(MOST_REASON)
        self.dialect.accepted(self.request, Answer(incoming.status, incoming.headers, said))


def _refused(incoming: Incoming) -> Answer:
    """What the server says of why, as far as it comes: the status is what counts."""
    try:
        body = incoming.read(MOST_REASON)
    except StoreUnavailableError:
        body = b""
    return Answer(incoming.status, incoming.headers, body)
