"""`gs://`: an object, one generation of an object, or everything below a prefix."""

import re
from collections.abc import AsyncGenerator

from msgspec import Struct, structs

from ...errors import InvalidValueError, NotFoundError
from ...manifest.entry import Entry
from ...store.gcs.answers import Listed as ListedPage
from ...store.gcs.answers import Stored, listed, stored
from ...store.gcs.calls import GcsCalls
from ...store.gcs.jobs import GcsRead
from ...store.gcs.place import is_component
from ...store.gcs.store import GcsStore
from ...store.http.request import Request
from ...store.listing import Onward
from .handler import Context, Listed, Opened, Pages, changed, check_size

_FIELDS = "name,size,generation,etag"
_GENERATION = re.compile(r"#([0-9]+)\Z").search


class Name(Struct, frozen=True):
    """What a URI names. A key is written as it is: nothing in it is encoded."""

    bucket: str
    key: str
    generation: str = ""

    @property
    def uri(self) -> str:
        return f"gs://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        return self.key if not self.key or self.key.endswith("/") else f"{self.key}/"


class Gcs:
    """Endpoint and credentials are those of the environment: a reference cannot choose them."""

    def __init__(self, context: Context) -> None:
        import gcloud.aio.storage  # noqa: F401  # pyright: ignore[reportUnusedImport]  # asked for first: there must be a name for what is missing

        self._context = context
        self._buckets: dict[str, tuple[GcsStore, GcsCalls]] = {}

    def name(self, uri: str) -> str:
        return parse_name(uri).key

    def unchecked(self, uri: str) -> Entry:
        name = parse_name(uri)
        return Entry(uri, ref=name.uri, extra={"versionID": name.generation} if name.generation else {})

    async def one(self, uri: str) -> Listed | None:
        name = parse_name(uri)
        if not name.key or name.key.endswith("/"):
            return None
        try:
            found = await self._get(name)
        except NotFoundError:
            if name.generation:
                raise
            return None
        return Listed(name.key.rpartition("/")[2], _entry(name, found))

    async def below(self, uri: str) -> Pages:
        name = parse_name(uri)
        async for page in self._pages(name):
            keys = ((one, one.name) for one in page.items)
            files = [(one, key) for one, key in keys if not key.endswith("/") and not is_component(key)]
            yield [Listed(key[len(name.folder) :], _entry(Name(name.bucket, key), one)) for one, key in files]

    async def _pages(self, name: Name) -> AsyncGenerator[ListedPage]:
        _, calls = self._bucket(name)
        asked, onward = {"prefix": name.folder, "fields": f"items({_FIELDS}),nextPageToken"}, Onward(calls.place.url)
        while True:
            page = listed(await self._ask(calls, Request.of("GET", calls.place.api(query=asked)), ""), calls.place)
            yield page
            if not page.nextPageToken:
                return
            onward.check(page.items, asked.get("pageToken"), page.nextPageToken)
            asked["pageToken"] = page.nextPageToken

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        name = parse_name(uri)
        name = structs.replace(name, generation=str(entry.extra.get("versionID") or name.generation))
        size, generation = entry.size, name.generation
        if look or size is None or not generation:
            found = await self._now(name, entry)
            if not name.generation and entry.digest not in (entry.ref, uri, found.etag):
                raise changed(name.uri, entry.digest, found.etag)
            check_size(name.uri, entry, found.size)
            size, generation = found.size, str(found.generation)
        store, calls = self._bucket(name)
        place, key = calls.place, name.key
        return Opened(store, size, lambda start, stop: GcsRead(place, key, start, stop, generation, earlier=True), generation)

    async def _now(self, name: Name, entry: Entry) -> Stored:
        """Raise `DigestMismatchError` where another generation has taken the place of the one that was referred to."""
        try:
            return await self._get(name)
        except NotFoundError:
            if not name.generation:
                raise
            there = await self._get(structs.replace(name, generation=""))
            raise changed(name.uri, f"generation {name.generation}", f"generation {there.generation}") from None

    async def check_public(self, uri: str) -> None:
        """A bucket is named, and not where it lies."""

    async def _get(self, name: Name) -> Stored:
        _, calls = self._bucket(name)
        query = {"fields": _FIELDS} | ({"generation": name.generation} if name.generation else {})
        return stored(await self._ask(calls, Request.of("GET", calls.place.api(name.key, query=query)), name.key), calls.place)

    async def _ask(self, calls: GcsCalls, request: Request, key: str) -> bytes:
        asked = request.with_headers(*calls.payer.items())
        return (await self._context.persist(lambda: calls.ask(asked, b"", key))).body

    def _bucket(self, name: Name) -> tuple[GcsStore, GcsCalls]:
        if name.bucket not in self._buckets:
            store = GcsStore(f"gs://{name.bucket}")
            self._buckets[name.bucket] = store, GcsCalls(store.place)
        return self._buckets[name.bucket]


def parse_name(uri: str) -> Name:
    """Raise ValueError for what names no bucket."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    generation = _GENERATION(key)
    if not bucket or "?" in bucket:  # options of a store follow it, which are not a reference's to choose
        raise InvalidValueError(f"{uri} names no bucket", hint="gs://bucket/key")
    return Name(bucket, key[: generation.start()] if generation else key, generation[1] if generation else "")


def _entry(name: Name, found: Stored) -> Entry:
    return Entry(found.etag or name.uri, found.size, name.uri, extra={"versionID": str(found.generation)})
