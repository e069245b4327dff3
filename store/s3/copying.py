"""Copies that S3 makes by itself, of an object or of a part; whatever it says, what came of it is looked at."""

from typing import TYPE_CHECKING

from ...errors import NotFoundError, ObjectChangedError, StoreError
from ..http.answers import object_size
from ..http.request import Headers
from .address import Pairs, Place
from .asking import Ask, ask_blocking
from .credentials import Anonymous
from .documents import StoredPart, parse_copied, parse_parts
from .refusals import WRITING, Subject, refused_late
from .signing import encode_path

if TYPE_CHECKING:
    from .jobs import S3Read


MOST_WHOLE = 256 << 20  # bytes: S3 does more, but not soon; above, parts are copied side by side


def copied_whole(place: Place, key: str, source: "S3Read") -> bool:
    """Whether `key` is what the source is, all of which it reads; what lay there is replaced. False: it is to be carried."""
    etag = _copied(place, key, (), place.create, source) if source.size <= MOST_WHOLE else None
    if etag is None:
        return False
    if etag == source.etag and "-" not in etag:
        return True  # both are MD5s, and of one thing
    return _as_long(place, object_size(ask_blocking(place, Ask("HEAD", key))), source)


def copied_part(place: Place, key: str, upload: str, number: int, source: "S3Read") -> StoredPart | None:
    """The part, if it is made of what the source reads. None: it is to be carried."""
    query = (("partNumber", str(number)), ("uploadId", upload))
    span = ("x-amz-copy-source-range", f"bytes={source.start}-{source.stop - 1}")
    if _copied(place, key, query, (span,), source) is None:
        return None
    # There are servers that say yes to this and store nothing.
    asked = (("max-parts", "1"), ("part-number-marker", str(number - 1)), ("uploadId", upload))
    parts = parse_parts(ask_blocking(place, Ask("GET", key, asked)).body).items
    found = next((part for part in parts if part.number == number), None)
    return found if _as_long(place, found.size if found else None, source) else None


def _copied(place: Place, key: str, query: Pairs, headers: Headers, source: "S3Read") -> str | None:
    """The etag of the copy; None if there is none, for whatever reason but that the store is busy."""
    if not source.size or not source.etag or not _may(place, source.place):
        return None
    where = encode_path(f"/{source.place.bucket}/{source.place.prefix}{source.key}")
    version = f"?versionId={source.place.version}" if source.place.version else ""
    origin = (("x-amz-copy-source", where + version), ("x-amz-copy-source-if-match", source.etag))
    payer = tuple(pair for pair in source.place.always if pair not in place.always)
    try:
        answer = ask_blocking(place, Ask("PUT", key, query, (*origin, *payer, *headers)))
        found = parse_copied(answer.body)
        if not isinstance(found, str):
            raise refused_late(Subject(place, key, needs=WRITING), found)
    except (NotFoundError, ObjectChangedError):
        return None
    except StoreError as error:
        if error.retryable:
            raise
        place.facts.copies = False
        return None
    return found


def _may(place: Place, source: Place) -> bool:
    """Whether one server may be asked by one name, for both."""
    same = (place.endpoint, place.source) == (source.endpoint, source.source)
    return same and place.facts.copies and not (place.customer or source.customer or isinstance(place.source, Anonymous))


def _as_long(place: Place, size: int | None, source: "S3Read") -> bool:
    if size != source.size:
        place.facts.copies = False
    return size == source.size
