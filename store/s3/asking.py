"""Asking S3: signed requests, repeated at once where the refusal told how to ask better."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from ...errors import StoreError, StoreUnavailableError
from ..checksum import Checksum
from ..http.answers import MOST_REASON, Answer
from ..http.body import Bytes
from ..http.connection import exchange
from ..http.request import Headers, Request
from ..http.session import LIMIT, call
from ..listing import Onward
from ..threads import in_thread
from .address import Pairs, Place
from .credentials import Chain
from .documents import Page
from .refusals import READING, WRITING, Attempt, Corrected, Subject, attempt_at, error_of
from .signing import payload_of

F = TypeVar("F")
T = TypeVar("T")

ATTEMPTS = 4  # a region, a clock, credentials and a missing feature may all have to be learned


class Ask(Struct, frozen=True):
    """A small request. `creates`: it makes an object, only where there is none, if the server can see to that."""

    method: str
    key: str | None = None
    query: Pairs = ()
    headers: Headers = ()
    body: bytes = b""
    creates: bool = False
    relies: tuple[str, ...] = ()  # on which `FEATURES` of the server, besides
    limit: int = LIMIT  # bytes of the answer

    def request(self, place: Place, attempt: Attempt) -> Request:
        headers = (*self.headers, ("x-amz-content-sha256", payload_of(self.body))) if attempt.who else self.headers
        if self.creates and place.facts.conditional:
            headers = (*headers, ("If-None-Match", "*"))
        return place.signed(place.request(self.method, self.key, self.query, headers), attempt.who)

    def subject(self, place: Place) -> Subject:
        relies = ("conditional", *self.relies) if self.creates else self.relies
        return Subject(place, self.key or "", self.creates, relies, self.needs)

    @property
    def needs(self) -> str:
        """Which permissions, as AWS's policies name them."""
        names = {name for name, _ in self.query}
        if self.key is None:
            listing = "s3:ListBucketMultipartUploads" if "uploads" in names else "s3:ListBucket"
            return "s3:DeleteObject" if "delete" in names else listing
        if self.method in ("PUT", "POST"):
            return WRITING
        if "uploadId" in names:
            return "s3:AbortMultipartUpload" if self.method == "DELETE" else "s3:ListMultipartUploadParts"
        return "s3:DeleteObject" if self.method == "DELETE" else READING


async def ask(place: Place, what: Ask) -> Answer:
    """The answer, which is a success. Raise the error that it is otherwise."""
    for left in range(ATTEMPTS - 1, -1, -1):
        attempt = await in_thread(lambda: attempt_at(place)) if isinstance(place.source, Chain) else attempt_at(place)
        try:
            answer = await call(what.request(place, attempt), what.body, limit=what.limit)
        except StoreUnavailableError as unavailable:
            raise _explained(place, unavailable) from unavailable.__cause__
        if answer.ok:
            place.facts.seen = True
            return answer
        error = await in_thread(lambda: error_of(what.subject(place), answer, attempt))  # noqa: B023  # awaited within the round
        if not isinstance(error, Corrected):
            raise error
        if not left:
            raise error.behind from error
    raise AssertionError


def ask_blocking(place: Place, what: Ask) -> Answer:
    """The same, in a lane."""

    def once(attempt: Attempt) -> Answer:
        with exchange(what.request(place, attempt), Bytes(what.body)) as incoming:
            answer = Answer(incoming.status, incoming.headers, incoming.read(MOST_REASON))
        if not answer.ok:
            raise error_of(what.subject(place), answer, attempt)
        return answer

    return attempts(place, once)


def attempts(place: Place, once: Callable[[Attempt], T]) -> T:
    """Run `once`, and again as long as something is learned."""
    for left in range(ATTEMPTS - 1, -1, -1):
        try:
            return once(attempt_at(place))
        except Corrected as error:
            if not left:
                raise error.behind from error
        except StoreUnavailableError as error:
            raise _explained(place, error) from error.__cause__
    raise AssertionError


def _explained(place: Place, error: StoreUnavailableError) -> StoreUnavailableError:
    """Of AWS's servers one is not known where there is no such region."""
    cause = getattr(error.__cause__, "os_error", error.__cause__)  # aiohttp has its own around it
    if not place.endpoint and isinstance(cause, socket.gaierror):
        error.hint = f"is {place.scope.region} the region (AWS_REGION, ?region=)? {error.hint or ''}"
    return error


async def pages(url: str, first: F, get: Callable[[F], Awaitable[Page[T, F]]]) -> AsyncGenerator[tuple[T, ...]]:
    """What each page holds, one after the other. Raise `StoreError` if the server at `url` goes in circles, or nowhere."""
    asked, onward = first, Onward(url)
    while True:
        page = await get(asked)
        yield page.items
        if page.following is None:
            return
        onward.check(page.items, asked, page.following)
        asked = page.following


class Speech(Struct, frozen=True):
    """The dialect in which one attempt of a bulk job speaks."""

    subject: Subject
    attempt: Attempt
    took: Callable[[str], None] | None = None  # told the etag of what the store took

    def sign(self, request: Request) -> Request:
        return self.subject.place.signed(request, self.attempt.who)

    def checksum_headers(self, checksum: Checksum) -> Headers:
        return ((f"x-amz-checksum-{checksum.name}", checksum.base64),)

    def error(self, answer: Answer, key: str, url: str) -> StoreError:
        del key, url
        return error_of(self.subject, answer, self.attempt)

    def accepted(self, request: Request, answer: Answer) -> None:
        del request
        self.subject.place.facts.seen = True
        if self.took:
            self.took(answer.headers.get("etag", ""))
