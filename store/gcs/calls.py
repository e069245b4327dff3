"""Control calls to Google Cloud Storage: what is about whole objects and moves no bulk bytes."""

import asyncio
import contextlib
import functools
import importlib.util
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote, urlencode, urlsplit

from msgspec import Struct

from ...errors import AlreadyExistsError, NotFoundError, ObjectChangedError, StoreDeniedError, StoreError
from ..http.answers import Answer
from ..http.request import Headers, Request
from ..http.session import call
from ..listing import Onward
from ..threads import in_thread
from .answers import Stored, error_of, listed, misunderstood, stored
from .credentials import Bearer
from .place import Place

if TYPE_CHECKING:
    from gcloud.aio.auth import Token
    from gcloud.aio.storage import Storage

T = TypeVar("T")
MOST_SOURCES = 32  # of one compose
_SIDE_BY_SIDE = 16
_MOST_ERRORS = 16  # of deletions, before the rest is given up
_FIELDS = "name,size,generation,crc32c,componentCount,timeCreated"  # all that we read of what can be long


class Source(Struct, frozen=True):
    """One object that is composed into another, exactly in this generation."""

    name: str
    generation: int


class GcsCalls:
    """The calls. They name objects of the bucket, not keys of the store. Errors are ours; an expired token is renewed once."""

    def __init__(self, place: Place) -> None:
        if importlib.util.find_spec("gcloud.aio.storage") is None:
            raise ModuleNotFoundError("no gcloud-aio-storage", name="gcloud-aio-storage")
        self.place = place
        self.bearer = Bearer(place.credentials, place.anonymous)
        self._held: Storage | None = None

    async def _storage(self) -> "Storage":
        if self._held is None:
            self._held = await in_thread(self._made)  # loading it takes a quarter of a second, too long for a loop
        return self._held

    def _made(self) -> "Storage":
        from gcloud.aio.storage import Storage

        # Without a token it would make one of its own, and a session for it; with an `api_root` it never asks for the token.
        made = Storage(token=cast("Token", self.bearer), api_root=self.place.endpoint)
        made.session = cast("Any", _Through(self))
        return made

    async def get(self, name: str) -> Stored:
        """Raise `NotFoundError`."""
        storage = await self._storage()
        with self._understood():
            return stored(await storage.download_metadata(self.place.bucket, name, headers=self.payer), self.place)

    @contextlib.contextmanager
    def _understood(self) -> Generator[None]:
        """Of an answer that is no JSON the library raises whatever its decoder does."""
        try:
            yield
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise misunderstood(self.place, error) from error

    async def find(self, name: str) -> Stored | None:
        """None if there is no such object."""
        try:
            return await self.get(name)
        except NotFoundError:
            return None

    async def list(self, prefix: str, *, pattern: str = "") -> AsyncIterator[Stored]:
        """All objects whose names start so, by name; with a `pattern` the server may spare us those that do not match it."""
        storage = await self._storage()
        asked = {"prefix": prefix, "fields": f"items({_FIELDS}),nextPageToken"}
        if pattern:
            asked["matchGlob"] = pattern
        onward = Onward(self.place.url)
        while True:
            # The library gives one page; the token of the next is ours to pass on.
            with self._understood():
                page = listed(await storage.list_objects(self.place.bucket, params=dict(asked), headers=self.payer), self.place)
            for one in page.items:
                yield one
            if not page.nextPageToken:
                return
            onward.check(page.items, asked.get("pageToken"), page.nextPageToken)
            asked["pageToken"] = page.nextPageToken

    async def delete(self, names: Iterable[str]) -> None:
        """Missing ones are no error. A few that cannot be deleted do not keep the others; then an error is raised at the end."""
        storage, errors = await self._storage(), list[StoreError]()

        async def delete(name: str) -> None:
            try:
                await storage.delete(self.place.bucket, name, headers=self.payer)
            except NotFoundError:
                pass
            except StoreDeniedError:
                raise  # of all of them alike
            except StoreError as error:
                errors.append(error)
                if len(errors) > _MOST_ERRORS:
                    raise

        await side_by_side([functools.partial(delete, name) for name in names])
        if errors:
            raise errors[0]

    async def take_back(self, made: Stored) -> None:
        """Delete this generation of an object; one that was replaced is another's."""
        storage, pinned = await self._storage(), {"ifGenerationMatch": str(made.generation)}
        with contextlib.suppress(NotFoundError, ObjectChangedError):
            await storage.delete(self.place.bucket, made.name, params=pinned, headers=self.payer)

    async def compose(self, name: str, sources: Sequence[Source], *, new: bool = False) -> Stored:
        """At most 32 in a row become one object; with `new` only if there is none. Raise `ObjectChangedError` if there is one, or
        a source is not what it was; `NotFoundError` for a source that is gone."""
        # Not by the library's `compose`: it names sources, and cannot say which generation of them is meant.
        body = {
            "sourceObjects": [
                {"name": one.name, "objectPreconditions": {"ifGenerationMatch": str(one.generation)}} for one in sources
            ],
            "destination": {"contentType": "application/octet-stream"},
        }
        url = self.place.api(name, action="/compose", query={"ifGenerationMatch": "0"} if new else None)
        headers = (("Content-Type", "application/json"),)
        return await self._post(url, json.dumps(body).encode(), headers, name)

    async def insert(self, name: str, data: bytes, *, generation: int | None = None) -> Stored:
        """A small object; with a `generation` in the place of exactly that one (0: of none). Raise `AlreadyExistsError`."""
        # Not by the library's `upload`, which gives it 30 s, and guesses a type by the name.
        query = {} if generation is None else {"ifGenerationMatch": str(generation)}
        headers = (("Content-Type", "application/octet-stream"),)
        try:
            return await self._post(self.place.upload(name, query), data, headers, name)
        except ObjectChangedError as error:
            raise AlreadyExistsError(self.place.key(name), self.place.url) from error

    async def _post(self, url: str, body: bytes, headers: Headers, name: str) -> Stored:
        answer = await self.ask(Request.of("POST", url, (*headers, *self.payer.items())), body, name)
        return stored(answer.body, self.place, self.place.key(name))

    async def download(self, name: str) -> bytes:
        """A small object whole. Raise `NotFoundError`."""
        storage = await self._storage()
        return await storage.download(self.place.bucket, name, headers=self.payer)

    @property
    def payer(self) -> dict[str, str]:
        """The header that says who pays, where the bucket lets requesters pay."""
        return {"x-goog-user-project": self.place.user_project} if self.place.user_project else {}

    async def ask(self, request: Request, body: bytes, name: str) -> Answer:
        """The answer to a request that is not signed yet, if it is a success. Raise `StoreError`s."""
        request = await self.bearer.signed(request)
        answer = await call(request, body)
        if answer.status == 401 and self.bearer.renew(request):
            answer = await call(await self.bearer.signed(request), body)
        if not answer.ok:
            raise error_of(answer, self.place.key(name) if name else "", self.place)
        return answer


class _Through:
    """What gcloud-aio-storage takes for its session: its requests go the way of all others, with our proxies, certificates,
    deadlines and errors."""

    def __init__(self, calls: GcsCalls) -> None:
        self.calls = calls

    async def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str], **others: object) -> "_Response":
        return await self._ask("GET", url, headers, params)

    async def delete(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str], **others: object) -> "_Response":
        return await self._ask("DELETE", url, headers, params)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> "_Response":
        request = Request.of(method, f"{url}?{urlencode(params)}" if params else url, tuple(headers.items()))
        name = unquote(urlsplit(url).path.partition("/o/")[2])
        return _Response(await self.calls.ask(request, b"", name))


class _Response:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def read(self) -> bytes:
        return self.answer.body

    async def text(self) -> str:
        return self.answer.body.decode()

    async def json(self, *, content_type: object = None) -> Any:
        return json.loads(self.answer.body)


async def side_by_side(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of all, in their order, a few running at a time. The first error ends the others."""
    found: dict[int, T] = {}
    rest = iter(enumerate(works))

    async def some() -> None:
        for number, work in rest:
            found[number] = await work()

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(_SIDE_BY_SIDE, len(works))):
                tasks.create_task(some())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [found[number] for number in range(len(works))]
