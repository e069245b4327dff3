"""The jobs of an S3 store: a range that is read, an object or a part that is written, signed as they are sent."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from weakref import WeakValueDictionary

from msgspec import Struct

from ...errors import AlreadyExistsError, NotFoundError
from ..checksum import Checksum, Piece, checksum, fast_checksum
from ..http.jobs import HttpPut, HttpRead
from ..http.request import Headers
from ..jobs import ReadJob
from .address import Pairs, Place
from .asking import Ask, Speech, ask_blocking, attempts
from .copying import copied_part, copied_whole
from .documents import StoredPart
from .probing import known_checks
from .refusals import WRITING, Attempt, Subject, attempt_at


class S3Read(Struct, frozen=True):
    """A range of an object."""

    place: Place
    key: str
    start: int
    stop: int
    etag: str | None = None

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        query = (("versionId", self.place.version),) if self.place.version else ()

        def once(attempt: Attempt) -> None:
            request = self.place.request("GET", self.key, query)
            speech = Speech(Subject(self.place, self.key), attempt)
            HttpRead(request, self.key, self.place.url, self.start, self.stop, self.etag, speech).read(buffer, each)

        attempts(self.place, once)


class S3Put(Struct, frozen=True):
    """A whole object by one request, created only where there is none, or to `replace` what there is."""

    place: Place
    key: str
    size: int
    replace: bool = False

    @property
    def checks(self) -> str | None:
        return known_checks(self.place)

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        checks = checksum.name if checksum else None
        return attempts(self.place, lambda attempt: self.attempted(attempt, checks).take(source, start, checksum))

    def write(self, pieces: Iterable[Piece]) -> None:
        """A body that comes in one piece is sent with its checksum, whether or not the store is known to look at it."""
        _repeatable(self.place, lambda attempt: self.attempted(attempt, preferred_checks(self.place)).write(pieces), pieces)

    def copy(self, source: ReadJob) -> bool:
        """Only what may be replaced: of two conditions S3 does not say which one did not hold."""
        return isinstance(source, S3Read) and self.replace and copied_whole(self.place, self.key, source)

    def attempted(self, attempt: Attempt, checks: str | None) -> HttpPut:
        """The request that is made of it in one attempt."""
        facts, headers = self.place.facts, self.place.create
        if not self.replace:
            if facts.conditional:
                headers = (*headers, ("If-None-Match", "*"))
            else:
                _refuse_taken(self.place, self.key)
        relies = ("checksums",) if self.replace else ("conditional", "checksums")
        subject = Subject(self.place, self.key, not self.replace, relies, WRITING)
        return _put(subject, attempt, self.size, headers=headers, checks=checks if facts.checksums else None)


def preferred_checks(place: Place) -> str:
    """The checksum that goes along with a whole object. Of a server that was not asked yet, the oldest is the likeliest to be
    known."""
    return place.facts.checks or ("crc32" if place.endpoint else fast_checksum())


class S3Part(Struct, frozen=True):
    """A part of an upload. `checks` is what the upload was begun with: then no part may come without it."""

    place: Place
    key: str
    upload: str
    number: int
    size: int
    checks: str | None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        if self.checks and (checksum is None or checksum.name != self.checks):
            return False
        attempts(self.place, lambda attempt: self._job(attempt, checksum).take(source, start, checksum))
        return True

    def write(self, pieces: Iterable[Piece]) -> None:
        """Where the store wants the checksum first, all pieces are held before the first is sent."""
        known: Checksum | None = None
        if self.checks:
            whole = bytearray()
            for piece in pieces:  # each lasts only until the next is asked for
                whole += piece
            pieces, known = (whole,), checksum(self.checks, whole)
        _repeatable(self.place, lambda attempt: self._job(attempt, known).write(pieces), pieces)

    def copy(self, source: ReadJob) -> bool:
        found = None
        if isinstance(source, S3Read):
            found = copied_part(self.place, self.key, self.upload, self.number, source)
        if found is None or (self.checks and found.checksum is None):
            return False
        _took((self.place.url, self.key, self.upload), self.number, found.checksum, found.etag)
        return True

    def _job(self, attempt: Attempt, known: Checksum | None) -> HttpPut:
        query = (("partNumber", str(self.number)), ("uploadId", self.upload))
        subject = Subject(self.place, self.key, needs=WRITING)
        took = partial(_took, (self.place.url, self.key, self.upload), self.number, known)
        return _put(subject, attempt, self.size, query=query, checks=self.checks, took=took)


def _put(
    subject: Subject,
    attempt: Attempt,
    size: int,
    *,
    query: Pairs = (),
    headers: Headers = (),
    checks: str | None,
    took: Callable[[str], None] | None = None,
) -> HttpPut:
    place = subject.place
    request = place.request("PUT", subject.key, query, headers)
    return HttpPut(request, subject.key, place.url, size, Speech(subject, attempt, took), checks, exclusive=False)


def _repeatable(place: Place, once: Callable[[Attempt], None], pieces: Iterable[Piece]) -> None:
    """Pieces that cannot be had twice are left to whoever makes them; a `Corrected` is worth another try."""
    if isinstance(pieces, Sequence):
        attempts(place, once)
    else:
        once(attempt_at(place))


def _refuse_taken(place: Place, key: str) -> None:
    """For servers that cannot see to it. Raise `AlreadyExistsError`."""
    try:
        ask_blocking(place, Ask("HEAD", key))
    except NotFoundError:
        return
    raise AlreadyExistsError(key, place.url)


# Where lanes tell the upload of their process what the store took; one that they cannot tell asks the store.


class Taken:
    """What is known of an upload's parts."""

    def __init__(self) -> None:
        self.parts: dict[int, StoredPart] = {}


_Name = tuple[str, str, str]  # of the store, the key and the upload: an id alone need not be of one object only
_uploads: "WeakValueDictionary[_Name, Taken]" = WeakValueDictionary()


def taken_of(place: Place, key: str, upload: str) -> Taken:
    """Kept as long as somebody holds it."""
    return _uploads.setdefault((place.url, key, upload), Taken())


def _took(name: _Name, number: int, known: Checksum | None, etag: str) -> None:
    if etag and (taken := _uploads.get(name)):
        taken.parts[number] = StoredPart(number, etag, checksum=known)
