"""`s3://`: an object, one version of an object, or everything below a prefix."""

import re
from collections.abc import Awaitable, Callable

from msgspec import Struct, structs

from ...errors import InvalidValueError, NotFoundError, StoreError
from ...manifest.entry import Entry
from ...store.http.answers import Answer, object_size
from ...store.s3.address import Place, parse_place
from ...store.s3.asking import Ask, ask, pages
from ...store.s3.documents import ListPage, VersionsPage, parse_list, parse_versioning, parse_versions
from ...store.s3.jobs import S3Read
from ...store.s3.meta import meta_of
from ...store.s3.store import S3Store
from .handler import Context, Listed, Opened, Pages, changed, check_size

_VERSION = re.compile(r"\?versionId=([^&?]+)\Z").search


_After = tuple[str, str]  # a key and a version
_Getting = Callable[[_After], Awaitable[VersionsPage]]


class Name(Struct, frozen=True):
    """What a URI names. A key is written as it is: nothing in it is encoded."""

    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        return self.key if not self.key or self.key.endswith("/") else f"{self.key}/"


class S3:
    """Endpoint and credentials are those of the environment: a reference cannot choose them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._places: dict[str, Place] = {}

    def name(self, uri: str) -> str:
        return parse_name(uri).key

    def unchecked(self, uri: str) -> Entry:
        name = parse_name(uri)
        extra = {"versionID": name.version} if name.version else {}
        return Entry(uri, ref=name.uri, extra=extra)

    async def one(self, uri: str) -> Listed | None:
        name = parse_name(uri)
        if not name.key or name.key.endswith("/"):
            return None
        try:
            answer = await self._head(name)
        except NotFoundError:
            if name.version:
                raise
            return None
        if "x-directory" in answer.headers.get("content-type", ""):
            return None
        version = name.version or answer.headers.get("x-amz-version-id", "")
        entry = _entry(name, answer.headers.get("etag", ""), object_size(answer), version)
        return Listed(name.key.rpartition("/")[2], entry)

    async def below(self, uri: str) -> Pages:
        name = parse_name(uri)
        async for page in self._current(name) if await self._versioned(name) else self._plain(name):
            yield page

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        name, etag = parse_name(uri), str(entry.extra.get("etag") or "") or None
        name = structs.replace(name, version=str(entry.extra.get("versionID") or "") or name.version)
        size = entry.size
        if look or size is None or etag is None:
            name, etag, size = await self._looked(name, entry, etag)
        place, key = structs.replace(self._place(name), version=name.version), name.key
        quoted = f'"{etag}"'
        return Opened(S3Store(place), size, lambda start, stop: S3Read(place, key, start, stop, quoted), etag)

    async def _looked(self, name: Name, entry: Entry, etag: str | None) -> tuple[Name, str, int]:
        """What is there now, or the earlier version that was referred to."""
        try:
            answer = await self._head(name)
        except NotFoundError:
            earlier = None if name.version else await self._earlier(name, etag)
            if earlier is None:
                raise
            answer = await self._head(name := earlier)
        if etag and (actual := answer.headers.get("etag", "").strip('"')) != etag:
            earlier = None if name.version else await self._earlier(name, etag)
            if earlier is None:
                raise changed(name.uri, etag, actual)
            answer = await self._head(name := earlier)
        meta = meta_of(name.key, name.uri, answer)
        check_size(name.uri, entry, meta.size)
        return name, meta.etag.strip('"'), meta.size

    async def check_public(self, uri: str) -> None:
        """A bucket is named, and not where it lies."""

    async def _head(self, name: Name) -> Answer:
        query = (("versionId", name.version),) if name.version else ()
        return await self._context.persist(lambda: ask(self._place(name), Ask("HEAD", name.key, query)))

    def _place(self, name: Name) -> Place:
        if name.bucket not in self._places:
            self._places[name.bucket] = parse_place(f"s3://{name.bucket}")
        return self._places[name.bucket]

    async def _plain(self, name: Name) -> Pages:
        async def get(token: str) -> ListPage:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", name.folder)]
            query += [("continuation-token", token)] if token else []
            return parse_list(await self._list(name, query))

        async for page in pages(self._place(name).url, "", get):
            yield [self._listed(name, one.key, one.etag, one.size) for one in page if _is_file(one.key)]

    async def _current(self, name: Name) -> Pages:
        """With the version of each, which only a listing of all versions tells."""
        async for page in pages(self._place(name).url, ("", ""), self._versions(name, name.folder)):
            yield [
                self._listed(name, one.key, one.etag, one.size, one.version) for one in page if one.latest and _is_file(one.key)
            ]

    async def _earlier(self, name: Name, etag: str | None) -> Name | None:
        """The version of the object that has this etag, if the bucket still has it."""
        try:
            async for page in pages(self._place(name).url, ("", ""), self._versions(name, name.key)):
                for one in page:
                    if one.key == name.key and etag and one.etag.strip('"') == etag and one.version != "null":
                        return structs.replace(name, version=one.version)
                    if one.key != name.key:
                        return None
        except StoreError:  # who may read need not be allowed to list
            pass
        return None

    def _versions(self, name: Name, prefix: str) -> _Getting:
        async def get(after: _After) -> VersionsPage:
            query = [("versions", ""), ("encoding-type", "url"), ("prefix", prefix)]
            query += [("key-marker", after[0])] if after[0] else []
            query += [("version-id-marker", after[1])] if after[1] else []
            return parse_versions(await self._list(name, query))

        return get

    async def _list(self, name: Name, query: list[tuple[str, str]]) -> bytes:
        return (await self._context.persist(lambda: ask(self._place(name), Ask("GET", query=query)))).body

    async def _versioned(self, name: Name) -> bool:
        """Whether its objects have versions, and we may list them. One that cannot say so has none."""
        try:
            if not parse_versioning(await self._list(name, [("versioning", "")])):
                return False
            await self._list(name, [("versions", ""), ("max-keys", "1"), ("prefix", name.folder)])
        except NotFoundError:
            raise
        except StoreError as error:
            if error.retryable:
                raise
            return False
        return True

    def _listed(self, name: Name, key: str, etag: str, size: int, version: str = "") -> Listed:
        found = Name(name.bucket, key)
        return Listed(key[len(name.folder) :], _entry(found, etag, size, version))


def parse_name(uri: str) -> Name:
    """Raise ValueError for what names no bucket."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    version = _VERSION(key)
    if not bucket or "?" in bucket:  # options of a store follow it, which are not a reference's to choose
        raise InvalidValueError(f"{uri} names no bucket", hint="s3://bucket/key")
    return Name(bucket, key[: version.start()] if version else key, version[1] if version else None)


def _entry(name: Name, etag: str, size: int | None, version: str) -> Entry:
    etag = etag.strip('"')
    extra = {"etag": etag, "versionID": version} if version and version != "null" else {"etag": etag}
    return Entry(etag or name.uri, size, name.uri, extra=extra if etag else {})


def _is_file(key: str) -> bool:
    return not key.endswith("/")  # else it marks a folder
