"""What S3's refusals mean: an error that says what to do, or something learned that makes the next attempt succeed."""

import email.utils
import time

from msgspec import Struct

from ...errors import (
    AlreadyExistsError,
    DigestMismatchError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from ..http.answers import Answer, refusal, retry_after, said
from .address import Place, is_region
from .credentials import Anonymous
from .documents import Refusal, parse_refusal
from .signing import Credentials

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"}
_ELSEWHERE = {
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "IncorrectEndpoint",
    "PermanentRedirect",
    "TemporaryRedirect",
}
_BUSY = {
    "OperationAborted",
    "ConditionalRequestConflict",
    "InternalError",
    "RequestTimeout",
    "RequestTimeoutException",
    "IncompleteBody",
}
_THROTTLED = {
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
_OTHER_BYTES = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}
_FULL = {
    "InsufficientStorage",
    "InsufficientStorageSpace",
    "QuotaExceeded",
    "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
}
_BAD_KEYS = {"InvalidAccessKeyId": "unknown", "SignatureDoesNotMatch": "not signed with the secret that belongs to it"}
_DENIED = {"AccessDenied", "AccountProblem", "AllAccessDisabled"}
_SKEWED = 300.0  # seconds; S3 tolerates 900

FEATURES = {
    "conditional": "the server has no conditional writes",
    "checksums": "the server has no checksums",
    "bulk_delete": "the server deletes one object at a time",
}
_HEADERS = {"if-none-match": "conditional"}
READING = "s3:GetObject and s3:ListBucket (without which what is missing is denied, too)"
WRITING = "s3:PutObject"


class Corrected(StoreUnavailableError):  # noqa: N818  # good news
    """The store refused, and we know why: asked again, it will not. Whoever can ask again does so at once; where nobody can, it
    is an error like others that a retry heals. `behind` is what the store said."""

    def __init__(self, message: str, behind: StoreError) -> None:
        super().__init__(message)
        self.behind = behind


class Attempt(Struct, frozen=True):
    """As whom, and after how many lessons, something is asked."""

    who: Credentials | None
    lessons: int


def attempt_at(place: Place) -> Attempt:
    """With the credentials of the moment. It may block for them. Raise `StoreDeniedError`."""
    lessons = place.facts.lessons  # first: what is learned while credentials are fetched counts as new
    return Attempt(place.source.credentials(), lessons)


class Subject(Struct, frozen=True):
    """What was asked: about which object, and whether it was to be made."""

    place: Place
    key: str = ""
    creates: bool = False
    relies: tuple[str, ...] = ()  # on which features of the server, as `FEATURES` names them
    needs: str = READING  # which permissions, as AWS's policies name them

    @property
    def shown(self) -> str:
        return f"{self.key} in {self.place.url}" if self.key else self.place.url


def error_of(subject: Subject, answer: Answer, attempt: Attempt) -> StoreError:
    """The error for an answer that is no success; a `Corrected` if something was learned from it, or by others since the attempt
    was made. It may block for fresh credentials. Raise `DigestMismatchError` if the bytes were not those of their checksum."""
    refused = parse_refusal(answer.body) or Refusal("")
    if refused.code in _OTHER_BYTES:
        expected, actual = "the checksum that was sent with the bytes", f"another one ({refused.code})"
        hint = "the bytes are damaged on their way: a proxy, or this machine, may be at fault"
        raise DigestMismatchError(subject.shown, expected=expected, actual=actual, hint=hint)
    error = _error(subject, answer, refused)
    facts = subject.place.facts
    learned = _learn(subject, answer, refused)
    if learned:
        facts.lessons += 1
    elif refused.code in _EXPIRED and subject.place.source.renew(attempt.who):
        learned = "the credentials had expired, and were renewed"
    elif _is_lesson(answer, refused) and facts.lessons > attempt.lessons:
        learned = "something was learned meanwhile"
    return Corrected(f"{subject.shown}: {learned}", error) if learned else error


def refused_late(subject: Subject, refused: Refusal) -> StoreError:
    """The error for a refusal that came after S3 had said 200."""
    return _error(subject, Answer(200, {}), refused)


def _learn(subject: Subject, answer: Answer, refused: Refusal) -> str | None:
    """What is known now and was not before."""
    place, facts = subject.place, subject.place.facts
    region = answer.headers.get("x-amz-bucket-region") or (refused.region if refused.code in _ELSEWHERE else "")
    if (
        is_region(region)
        and region != place.scope.region
        and (answer.status in (301, 307, 400, 403) or refused.code in _ELSEWHERE)
    ):
        facts.region = region
        return f"the bucket is in the region {region}"
    if refused.code == "NoSuchKey":
        facts.seen = True
    if refused.code == "RequestTimeTooSkewed":
        skew = _skew(answer)
        if skew is not None and abs(skew - facts.skew) > _SKEWED:
            facts.skew = skew
            return f"this machine's clock is {abs(skew):.0f} seconds {'behind' if skew > 0 else 'ahead'}"
    if refused.code in ("NotImplemented", "MethodNotAllowed") or answer.status in (405, 501):
        header = refused.header.lower()
        blamed = _HEADERS.get(header) or ("checksums" if header.startswith("x-amz-") else None)
        doubted = [name for name in subject.relies if getattr(facts, name) and blamed in (None, name)]
        if doubted:
            setattr(facts, doubted[0], False)
            return FEATURES[doubted[0]]
    return None


def _is_lesson(answer: Answer, refused: Refusal) -> bool:
    """Whether somebody may have learned from it."""
    known = refused.code in _ELSEWHERE or refused.code in ("RequestTimeTooSkewed", "NotImplemented", "MethodNotAllowed")
    return known or answer.status in (301, 307, 405, 501) or "x-amz-bucket-region" in answer.headers


def _skew(answer: Answer) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(answer.headers.get("date", "")).timestamp() - time.time()
    except ValueError:
        return None


def _error(subject: Subject, answer: Answer, refused: Refusal) -> StoreError:
    place, code, status = subject.place, refused.code, answer.status
    told = f"{subject.shown}: {code or status}{f': {refused.message}' if refused.message else said(answer)}"
    if code == "NoSuchBucket":
        hint = "create it, or check its name, ?endpoint= (AWS_ENDPOINT_URL) and ?region="
        return StoreError(f"there is no bucket {place.bucket} at {place.endpoint or 'AWS'}", hint=hint)
    if code == "NoSuchUpload":
        return NotFoundError(subject.key, place.url, hint="the upload was completed or aborted by somebody else; run it again")
    if code in ("NoSuchKey", "NoSuchVersion") or status == 404:
        return NotFoundError(subject.key or place.url, place.url)
    if code in ("PreconditionFailed", "ConditionNotMet") or status == 412:
        kind = AlreadyExistsError if subject.creates else ObjectChangedError
        return kind(subject.key, place.url)
    if code in _FULL or status == 507:
        return StoreFullError(told, hint="make room in the bucket, or ask for a larger quota")
    if code == "EntityTooLarge" or status == 413:
        return StoreError(told, hint="S3 takes 5 GiB by one request; this endpoint may take less")
    if code in _ELSEWHERE or status in (301, 307):
        hint = f"name it by ?region={refused.region or '…'} or AWS_REGION, or the right endpoint by ?endpoint="
        return StoreError(f"{place.url} is not in the region {place.scope.region}", hint=hint)
    if code == "RequestTimeTooSkewed":
        return StoreError(told, hint="set the clock of this machine")
    if code == "InvalidObjectState":
        return StoreError(f"{subject.shown} is archived and cannot be read", hint="restore it first (s3api restore-object)")
    if denied := _denied(subject, code, status, told):
        return denied
    if code in _THROTTLED or code in _BUSY or (not code and (status in (408, 429) or status >= 500)) or status in (429, 503):
        throttled = code in _THROTTLED or status in (429, 503)
        return StoreUnavailableError(told, throttled=throttled, retry_after=retry_after(answer.headers, time.time()))
    if not code:
        return refusal(answer, subject.key, place.url)
    return StoreUnavailableError(told) if status >= 500 and status != 501 else StoreError(told)


def _denied(subject: Subject, code: str, status: int, told: str) -> StoreDeniedError | None:
    place = subject.place
    if code in _BAD_KEYS:
        hint = f"the key is {_BAD_KEYS[code]}: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the profile and the endpoint"
        return StoreDeniedError(told, hint=hint)
    if code in _EXPIRED:
        return StoreDeniedError(told, hint="the credentials have expired: fetch fresh ones and run it again")
    if code.startswith("KMS."):
        return StoreDeniedError(told, hint="check the key of ?sse_kms_key_id=, and whether these credentials may use it")
    if status == 400 and "Server Side Encryption" in told:
        return StoreDeniedError(told, hint="name the key with which it was encrypted by ?sse_customer_key_file=")
    if status not in (401, 403) and code not in _DENIED:
        return None
    if isinstance(place.source, Anonymous):
        return StoreDeniedError(told, hint="the bucket is not open to everybody: leave ?anonymous=1 out and give credentials")
    return StoreDeniedError(told, hint=f"allow these credentials {subject.needs} on {place.bucket}, or use others by ?profile=")
