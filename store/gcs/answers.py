"""What Google Cloud Storage says: objects as it describes them, and refusals as our errors. Pure."""

import base64
import binascii
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Struct

from ...errors import DigestMismatchError, NotFoundError, ObjectChangedError, StoreDeniedError, StoreError, StoreUnavailableError
from ..checksum import Checksum
from ..http.answers import Answer, refusal, retry_after
from ..store import ObjectMeta
from .credentials import LOG_IN
from .place import Place

_TOO_MUCH = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}  # some of them come as 403

T = TypeVar("T")


class Stored(Struct, frozen=True):
    """One generation of an object. `crc32c` is None if the server did not say it (Google does)."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
    generation: int
    crc32c: str | None = None
    componentCount: int = 1  # noqa: N815  # as in the document
    timeCreated: datetime | None = None  # noqa: N815
    etag: str = ""  # only where it was asked for

    @property
    def checksum(self) -> Checksum | None:
        try:
            return Checksum("crc32c", base64.b64decode(self.crc32c, validate=True)) if self.crc32c else None
        except binascii.Error:
            return None

    @property
    def created(self) -> float | None:
        """In seconds since 1970."""
        return self.timeCreated.timestamp() if self.timeCreated else None

    def meta(self, key: str) -> ObjectMeta:
        """What the store says of it, as the object of this key."""
        return ObjectMeta(key, self.size, str(self.generation), self.created, self.checksum)


class Listed(Struct, frozen=True):
    """A page of a listing."""

    items: Sequence[Stored] = ()
    nextPageToken: str | None = None  # noqa: N815


class Rewritten(Struct, frozen=True):
    """How far a copy has come. If it is not `done`, it goes on by its token."""

    totalBytesRewritten: int  # noqa: N815
    done: bool
    rewriteToken: str = ""  # noqa: N815
    resource: Stored | None = None


class _Detail(Struct):
    reason: str = ""


class _Error(Struct):
    message: str = ""
    errors: Sequence[_Detail] = ()


class _Refusal(Struct):
    error: _Error


def stored(document: object, place: Place, key: str = "") -> Stored:
    """The object of a JSON document, as bytes or parsed. Raise `StoreUnavailableError`, about the `key`, if it is none."""
    return _read(document, Stored, place, key)


def listed(document: object, place: Place) -> Listed:
    """The page of a JSON document, as bytes or parsed. Raise `StoreUnavailableError` if it is none."""
    return _read(document, Listed, place, "")


def rewritten(document: bytes, place: Place, key: str) -> Rewritten:
    """Raise `StoreUnavailableError` if it is no answer to a rewrite."""
    return _read(document, Rewritten, place, key)


def _read(document: object, kind: type[T], place: Place, key: str) -> T:
    try:  # not strict: whole numbers of 64 bits are texts in Google's documents
        if isinstance(document, bytes):
            return msgspec.json.decode(document, type=kind, strict=False)
        return msgspec.convert(document, kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise misunderstood(place, error, key) from error


def misunderstood(place: Place, error: Exception, key: str = "") -> StoreUnavailableError:
    """The error for an answer that is none: of a proxy, as a rule."""
    what = f"{key} in {place.url}" if key else place.url
    return StoreUnavailableError(f"{what}: the answer is not what Google Cloud Storage sends: {error}")


def error_of(answer: Answer, key: str, place: Place, *, sent: Checksum | None = None) -> StoreError | DigestMismatchError:
    """The error for an answer that is no success, about the object `key` or, if that is empty, the bucket. `sent` is the checksum
    that went along with a body."""
    message, reasons = _said(answer)
    what = f"{key} in {place.url}" if key else place.url
    if answer.status == 404 and "specified bucket" in message:
        return StoreError(
            f"{place.url}: there is no bucket {place.bucket}",
            hint=f"check its name, or make it: gcloud storage buckets create gs://{place.bucket}",
        )
    if answer.status == 404:
        return NotFoundError(key, place.url)
    if answer.status == 412:
        return ObjectChangedError(key, place.url)
    if answer.status == 401:
        return StoreDeniedError(f"{what}: Google does not know who asks: {message}", hint=LOG_IN)
    if reasons & _TOO_MUCH:
        wait = retry_after(answer.headers, time.time())
        return StoreUnavailableError(f"{what}: {answer.status} {message}", throttled=True, retry_after=wait)
    if "user project" in message.lower() or "userProjectMissing" in reasons:
        return StoreDeniedError(
            f"{what}: whoever asks pays for this bucket: {message}", hint=f"name a project: gs://{place.bucket}?user_project=ID"
        )
    if answer.status == 403:
        return StoreDeniedError(
            f"{what}: no permission: {message}",
            hint="to write, roles/storage.objectUser on the bucket is needed; to read, roles/storage.objectViewer",
        )
    if answer.status == 400 and sent is not None and "crc32c" in message.lower():
        hint = f"the bytes are damaged on their way: {message}"
        return DigestMismatchError(what, expected=f"crc32c {sent.base64}", actual="another, by the store", hint=hint)
    return refusal(Answer(answer.status, answer.headers, message.encode()), key or place.bucket, place.url)


def _said(answer: Answer) -> tuple[str, set[str]]:
    """The message, and the words that programs go by. Where bytes were asked for, a refusal is plain text."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = answer.body[:300].decode("utf-8", "replace")
        return " ".join(text.split()) if "<" not in text else str(answer.status), set()
    return error.message, {detail.reason for detail in error.errors}
