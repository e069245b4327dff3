"""Plain HTTP servers as stores: objects that can be read under their URLs, and written where one is signed for that."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import quote

from msgspec import structs

from ...errors import StoreError
from ..jobs import ReadJob, WriteJob
from ..store import PART_SIZE, ObjectMeta, Write
from ..threads import in_thread
from .answers import MOST_REASON, Answer, date, object_size, refusal
from .connection import exchange
from .jobs import HttpPut, HttpRead
from .patience import PATIENT, Patience
from .redirects import MOST_REDIRECTS, redirected, redirects, too_many
from .request import Headers, Request, shown_url
from .session import call

_NO_HEAD = (400, 401, 403, 405, 501)  # a URL that is signed for GET alone refuses HEAD, each server in its own way


class HttpMeta(ObjectMeta, frozen=True):
    """`ranges`: any range can be read by itself, pinned to this version; else an object comes whole or not at all. `etag` may be
    empty: then there are no ranges, which could be of two versions."""

    ranges: bool = False


class HttpStore:
    """The objects below `url`, or with the key "" the one object that is `url`. A query, which may be a signature, goes along
    with every request, and is never shown. It can only be read; `put` works where the server takes a PUT."""

    near, durable = False, True

    def __init__(self, url: str, *, headers: Headers = (), patience: Patience = PATIENT) -> None:
        self._base = Request.of("GET", url, headers)
        self._patience = patience
        self.url = shown_url(self._base.url)

    def __repr__(self) -> str:
        return f"HttpStore({self.url})"

    async def head(self, key: str) -> HttpMeta:
        """Raise `NotFoundError`, `StoreDeniedError`, `StoreUnavailableError`; `StoreError` if the server tells no size."""
        request = self._request(key)
        answer = await _followed(structs.replace(request, method="HEAD"), self._call)
        told = answer.headers.get("accept-ranges")
        if answer.status in _NO_HEAD or (answer.ok and ("content-length" not in answer.headers or told is None)):
            answer = await _followed(request.with_headers(("Range", "bytes=0-0")), self._probe)
            told = "bytes" if answer.status in (206, 416) else "none"
        size = object_size(answer)
        if size is None:
            raise (
                refusal(answer, key, self.url)
                if not answer.ok
                else StoreError(f"{key or self.url}: {self.url} does not say its size")
            )
        modified = date(answer.headers.get("last-modified", ""))
        etag = answer.headers.get("etag", "")
        return HttpMeta(key, size, etag, modified, ranges=told == "bytes" and etag != "")

    async def _call(self, request: Request) -> Answer:
        return await call(request, limit=MOST_REASON, patience=self._patience)

    async def _probe(self, request: Request) -> Answer:
        """The answer without its body, which may be a whole object where a byte was asked for."""

        def ask() -> Answer:
            with exchange(request, patience=self._patience) as incoming:
                return Answer(incoming.status, incoming.headers, b"" if incoming.status == 200 else incoming.read(MOST_REASON))

        return await in_thread(ask)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        """From a server without ranges only all of an object can be read."""
        return HttpRead(self._request(key), key, self.url, start, stop, etag or None, follow=True, patience=self._patience)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        """One PUT. That no object is overwritten is demanded by `If-None-Match`, and is for the server to see to."""
        request = structs.replace(self._request(key), method="PUT")
        if not replace:
            request = request.with_headers(("If-None-Match", "*"))
        return HttpPut(request, key, self.url, size, exclusive=not replace, patience=self._patience)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        raise StoreError(f"{self.url} takes no objects in parts", hint="use an s3:// or gs:// URL to write large objects")

    def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        raise StoreError(f"{self.url} cannot be listed: HTTP has no way to ask", hint="name each file by its whole URL")

    async def delete(self, keys: Sequence[str]) -> None:
        raise StoreError(f"nothing is deleted in {self.url}", hint="use an s3:// or gs:// URL")

    async def flush(self, keys: Sequence[str]) -> None:
        pass

    async def close(self) -> None:
        pass

    def _request(self, key: str) -> Request:
        if not key:
            return self._base
        path, mark, query = self._base.target.partition("?")
        return structs.replace(self._base, target=f"{path.rstrip('/')}/{quote(key, safe=_KEY)}{mark}{query}")


_KEY = "/:@!$&'()*+,;=~-._"


async def _followed(request: Request, ask: Callable[[Request], Awaitable[Answer]]) -> Answer:
    for _ in range(MOST_REDIRECTS + 1):
        answer = await ask(request)
        if not redirects(answer.status):
            return answer
        request = redirected(request, answer.status, answer.headers)
    raise too_many(request)
