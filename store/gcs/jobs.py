"""The jobs of a store in Google Cloud Storage: a pinned range that is read, an object that is made, by one request each."""

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from msgspec import Struct, structs

from ...errors import DigestMismatchError, LadingError, StoreDeniedError, StoreError, StoreUnavailableError
from ..checksum import Checksum, Piece, Summer, can_compute
from ..http.answers import MOST_REASON, Answer
from ..http.connection import exchange
from ..http.jobs import HttpPut, HttpRead
from ..http.request import Headers, Request
from ..jobs import ReadJob
from .answers import Rewritten, error_of, rewritten, stored
from .credentials import Bearer
from .place import Place, is_component

CHECKSUM = "crc32c"


class _OverError(StoreDeniedError):
    """The token is not accepted; another one may be. It never leaves this module."""


class _Speech:
    """How one request is signed and understood. `sent` tells the checksum of what was sent, if anybody computed it."""

    def __init__(self, place: Place, bearer: Bearer, sent: Callable[[], Checksum | None] = lambda: None) -> None:
        self.place, self.bearer, self.sent = place, bearer, sent
        self.request: Request | None = None

    def sign(self, request: Request) -> Request:
        payer = (("x-goog-user-project", self.place.user_project),) if self.place.user_project else ()
        self.request = self.bearer.sign(request.with_headers(*payer))
        return self.request

    def checksum_headers(self, checksum: Checksum) -> Headers:
        return (("x-goog-hash", f"crc32c={checksum.base64}"),)

    def error(self, answer: Answer, key: str, url: str) -> StoreError:
        error = error_of(answer, key, self.place, sent=self.sent())
        if isinstance(error, DigestMismatchError):
            raise error
        return _OverError(error.message, hint=error.hint) if answer.status == 401 else error

    def accepted(self, request: Request, answer: Answer) -> None:
        """The store says of what it made which checksum it has: a second look, for a body whose checksum was not known before it
        was sent, and at servers that pass over the header with it."""
        made, sent = stored(answer.body, self.place), self.sent()
        if sent is None or made.checksum in (None, sent):
            return
        pinned = {"ifGenerationMatch": str(made.generation)}
        gone = Request.of("DELETE", self.place.api(made.name, query=pinned))
        with exchange(self.sign(gone)) as incoming:  # nobody may take it for what was meant
            incoming.read(1 << 16)
        raise DigestMismatchError(
            f"{made.name} in {self.place.url}",
            expected=f"crc32c {sent.base64}",
            actual=f"crc32c {made.crc32c}",
            hint="the bytes are damaged on their way: a proxy, or this machine, may be at fault",
        )


class GcsRead(Struct, frozen=True):
    """[start, stop) of one generation of an object; without an `etag`, of any. It may be an `earlier` one than that which lies
    there now, if the bucket keeps such; else that is refused."""

    place: Place
    name: str
    start: int
    stop: int
    etag: str | None = None
    earlier: bool = False

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        pin = "generation" if self.earlier else "ifGenerationMatch"
        query = {"alt": "media"} if self.etag is None else {"alt": "media", pin: self.etag}
        # Google would undo an encoding of gzip, and then know no ranges, for whoever does not accept it.
        request = Request.of("GET", self.place.api(self.name, query=query), (("Accept-Encoding", "gzip"),))

        def read(speech: _Speech) -> None:
            job = HttpRead(request, self.place.key(self.name), self.place.url, self.start, self.stop, dialect=speech)
            job.read(buffer, each)

        _renewing(self.place, read)


class GcsPut(Struct, frozen=True):
    """A whole object of `size` bytes: a `new` one, or one that takes the place of what lies there."""

    place: Place
    name: str
    size: int
    new: bool = True

    @property
    def checks(self) -> str | None:
        return CHECKSUM if can_compute(CHECKSUM) else None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        known = checksum if checksum is not None and checksum.name == CHECKSUM else None

        def take(speech: _Speech) -> None:
            self._job(speech).take(source, start, known)

        _renewing(self.place, take, lambda: known)
        return True

    def write(self, pieces: Iterable[Piece]) -> None:
        summer = Summer(CHECKSUM) if self.checks else None

        def summed() -> Iterator[Piece]:
            for piece in pieces:
                if summer:
                    summer.update(piece)
                yield piece

        speech = _Speech(self.place, _bearer(self.place), lambda: summer.checksum() if summer else None)
        try:
            self._job(speech).write(summed())
        except _OverError as error:
            if not _renew(speech):
                raise _plain(error) from None
            # The pieces are gone; whoever has the file brings them again.
            raise StoreUnavailableError(f"{self.name} in {self.place.url}: the token was over; there is another now") from error

    def copy(self, source: ReadJob) -> bool:
        """All of an object, in the place of what lies there; Google makes a large one in several calls, and of none a part."""
        if self.new or is_component(self.place.key(self.name)):
            return False
        if not isinstance(source, GcsRead) or source.start or not source.etag or source.size != self.size:
            return False
        if structs.replace(source.place, bucket=self.place.bucket, prefix=self.place.prefix) != self.place:
            return False  # who may read there need not be who may write here
        far, token = -1, ""
        while (said := self._rewritten(source, token)) is not None and said.totalBytesRewritten > far:
            if said.done:
                return said.resource is not None and said.resource.size == self.size
            far, token = said.totalBytesRewritten, said.rewriteToken
        return False

    def _rewritten(self, source: GcsRead, token: str) -> Rewritten | None:
        """None if it cannot be, for whatever reason but that the store is busy."""
        query = {"ifSourceGenerationMatch": source.etag or "", **({"rewriteToken": token} if token else {})}
        where = f"/rewriteTo/b/{quote(self.place.bucket, safe='')}/o/{quote(self.name, safe='')}"
        request = Request.of("POST", source.place.api(source.name, action=where, query=query))
        found: list[Rewritten] = []

        def ask(speech: _Speech) -> None:
            with exchange(speech.sign(request)) as incoming:
                answer = Answer(incoming.status, incoming.headers, incoming.read(MOST_REASON))
            if not answer.ok:
                raise speech.error(answer, self.place.key(self.name), self.place.url)
            found.append(rewritten(answer.body, self.place, self.place.key(self.name)))

        try:
            _renewing(self.place, ask)
        except StoreError as error:
            if error.retryable:
                raise
            return None
        return found[0]

    def _job(self, speech: _Speech) -> HttpPut:
        query = {"ifGenerationMatch": "0"} if self.new else {}
        request = Request.of("POST", self.place.upload(self.name, query), (("Content-Type", "application/octet-stream"),))
        return HttpPut(
            request, self.place.key(self.name), self.place.url, self.size, speech, checks=self.checks, exclusive=self.new
        )


def _bearer(place: Place) -> Bearer:
    return Bearer(place.credentials, place.anonymous)


def _renewing(place: Place, work: Callable[[_Speech], None], sent: Callable[[], Checksum | None] = lambda: None) -> None:
    """Do the work; once more with another token if the first was over."""
    speech = _Speech(place, _bearer(place), sent)
    try:
        return work(speech)
    except _OverError as error:
        if not _renew(speech):
            raise _plain(error) from None
    try:
        return work(speech)
    except _OverError as error:
        raise _plain(error) from None


def _renew(speech: _Speech) -> bool:
    return speech.request is not None and speech.bearer.renew(speech.request)


def _plain(error: LadingError) -> StoreDeniedError:
    return StoreDeniedError(error.message, hint=error.hint)
