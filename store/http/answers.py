"""What answers mean: errors for refusals, and whether the bytes that come are those that were asked for. Pure."""

import email.utils
import re
import time
from collections.abc import Mapping

from msgspec import Struct

from ...errors import NotFoundError, ObjectChangedError, StoreDeniedError, StoreError, StoreFullError, StoreUnavailableError

MOST_REASON = 64 << 10  # bytes of a refusal's body that are read
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_REASON = re.compile(r"<Error>\s*<Code>([^<]+)</Code>\s*<Message>([^<]*)").search
_THROTTLED = (429, 503, 509)


class Answer(Struct, frozen=True):
    """A whole answer. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def refusal(answer: Answer, key: str, url: str) -> StoreError:
    """The error for an answer that is no success, by its status alone. `key` and `url` name the object and its store."""
    status, what = answer.status, f"{_named(key, url)} answered {answer.status}"
    if status in (401, 403, 407):
        hint = "check the credentials, and whether a signed URL has expired" if status != 407 else "name a user in HTTPS_PROXY"
        return StoreDeniedError(what + said(answer), hint=hint)
    if status in (404, 410):
        return NotFoundError(key or url, url)
    if status == 412:
        return ObjectChangedError(key or url, url)
    if status == 416:
        return StoreError(f"{key or url} in {url} is shorter than expected", hint="it may have been replaced; run it again")
    if status == 413 or b"<Code>EntityTooLarge</Code>" in answer.body:
        hint = "a web address takes all by one request; what s3:// and gs:// name takes it in parts"
        return StoreError(what + said(answer), hint=hint)
    if status == 507:
        return StoreFullError(what + said(answer), hint="the store has no room for this")
    if status in (501, 505):
        return StoreError(what + said(answer), hint="the server cannot do this")
    if status in (408, 425, 429) or status >= 500:
        wait = retry_after(answer.headers, time.time())
        return StoreUnavailableError(what + said(answer), throttled=status in _THROTTLED, retry_after=wait)
    if 300 <= status < 400:
        return StoreError(f"{what}, a redirect that leads nowhere we may go")
    return StoreError(what + said(answer))


def _named(key: str, url: str) -> str:
    return f"{key}: {url}" if key and key != url else url


def said(answer: Answer) -> str:
    """What the server said in words, for a message: one short printable line, or nothing."""
    kind = answer.headers.get("content-type", "")
    text = answer.body[:1000].decode("utf-8", "replace")
    if found := _REASON(text):  # S3 and Google's store behind a signed URL
        text = f"{found[1]}: {found[2]}"
    elif "html" in kind or text.lstrip()[:1] == "<":
        return ""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return f": {line[:200]}" if line else ""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """For how many seconds from `now` the server wants to be left alone, if it says so as it should."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    until = date(value)
    return None if until is None else max(0.0, until - now)


def date(value: str) -> float | None:
    """The time that a header states, in seconds since 1970."""
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def object_size(answer: Answer) -> int | None:
    """The size of the whole object by the answer to a HEAD or to a GET of its first byte, if it says so."""
    if answer.status in (206, 416):
        total = answer.headers.get("content-range", "").rpartition("/")[2]
    else:
        total = answer.headers.get("content-length", "") if answer.ok else ""
    return int(total) if re.fullmatch(r"[0-9]{1,18}", total) else None


def strong(etag: str | None) -> bool:
    """Whether the etag can be demanded by `If-Match`: a weak one never matches there."""
    return etag is not None and len(etag) > 2 and etag[0] == etag[-1] == '"'


class Wanted(Struct, frozen=True):
    """Bytes [start, stop) of an object, pinned by `etag` if there is one; `key` and `url` name it in errors."""

    key: str
    url: str
    start: int
    stop: int
    etag: str | None = None

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def shown(self) -> str:
        return _named(self.key, self.url)


def check_answer(wanted: Wanted, answer: Answer, length: int | None) -> None:
    """See that what comes is exactly what was asked for, before a byte of it is used; `length` is that of the body, if it was
    said. A whole object in place of a range is refused, unless the range may be the whole. Raise `ObjectChangedError`,
    `StoreError`, `StoreUnavailableError`."""
    if wanted.etag is not None and answer.headers.get("etag", wanted.etag) != wanted.etag:
        raise ObjectChangedError(wanted.key or wanted.url, wanted.url)
    if answer.status == 206:
        _check_range(wanted, answer.headers.get("content-range", ""))
        if length not in (None, wanted.size):
            raise StoreUnavailableError(f"{wanted.shown} sends {length} bytes in place of {wanted.size}", hint=_ODD)
    elif answer.status != 200:
        raise StoreError(f"{wanted.shown} answered {answer.status} to a plain read")
    elif wanted.start or length not in (None, wanted.stop):
        raise StoreError(
            f"{wanted.shown} sent the whole object in place of [{wanted.start}, {wanted.stop})",
            hint="this server has no ranges: an object can be read only as a whole, and by its right size",
        )


def _check_range(wanted: Wanted, value: str) -> None:
    match = _RANGE.fullmatch(value)
    if match is None:
        raise StoreUnavailableError(f"{wanted.shown} did not say which range it sent", hint=_ODD)
    start, stop, total = int(match[1]), int(match[2]) + 1, match[3]
    if total != "*" and int(total) < wanted.stop:
        raise StoreError(
            f"{wanted.shown} has {total} bytes and ends before {wanted.stop}", hint="it may have been replaced; run it again"
        )
    if (start, stop) != (wanted.start, wanted.stop):
        raise StoreUnavailableError(
            f"{wanted.shown} sent the range [{start}, {stop}) in place of [{wanted.start}, {wanted.stop})", hint=_ODD
        )


_ODD = "a proxy or cache between here and the store may be at fault"
