"""S3 and what speaks like it as a store."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import structs

from ...errors import AlreadyExistsError, InvalidValueError, NotFoundError, StoreError
from ..http.answers import MOST_REASON, Answer
from ..jobs import ReadJob, WriteJob
from ..journal import Begun, Journal
from ..owner import Fate
from ..store import PART_SIZE, ObjectMeta, Write
from ..threads import in_thread
from ..unfinished import Unfinished
from .address import Pairs, Place, parse_place
from .asking import Ask, ask, pages
from .beginning import resumed, started
from .credentials import Chain
from .documents import ListPage, OpenUpload, UploadsPage, delete_request, fits_xml, parse_deleted, parse_list, parse_uploads
from .jobs import S3Put, S3Read
from .meta import ENABLED, meta_listed, meta_of
from .probing import PROBE
from .refusals import Subject, refused_late
from .upload import Cut, abort_upload
from .wholes import S3Wholes

MOST_PARTS = 10_000
_PAGE = 1000  # keys that are deleted by one request
_AT_ONCE = 8  # such requests
_AROUND = 120.0  # seconds within which an upload that was never named may have been begun


class S3Store:
    """Objects of a bucket below a prefix. With a journal, an upload that a dead process of this machine began is gone on with."""

    near, durable = False, True

    def __init__(self, place: Place, *, journal: Journal | None = None) -> None:
        self.place, self.journal = place, journal
        self.url = place.url
        self.portable = not isinstance(place.source, Chain)  # which may ask a person, or a service that counts

    def __repr__(self) -> str:
        return f"S3Store({self.url})"

    async def head(self, key: str) -> ObjectMeta:
        return meta_of(key, self.url, await self._head(key))

    async def _head(self, key: str) -> Answer:
        """A refusal of HEAD has no body and so no reason; where one is needed, a GET of a byte is asked for it."""
        query = (("versionId", self.place.version),) if self.place.version else ()
        try:
            return await ask(self.place, Ask("HEAD", key, query, (ENABLED,)))
        except NotFoundError:
            if self.place.facts.seen:
                raise
        except StoreError as error:
            if error.retryable:
                raise
        first = ("range", "bytes=0-0")
        return await ask(self.place, Ask("GET", key, query, (first,), limit=MOST_REASON))

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return S3Read(self.place, key, start, stop, etag or None)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return S3Put(self._changeable(), key, size, replace)

    def _changeable(self) -> Place:
        """Raise `InvalidValueError` for the place of a version, which stays what it is."""
        if self.place.version:
            raise InvalidValueError(f"{self.url} names a version, which nothing can change", hint="leave versionId out")
        return self.place

    def wholes(self) -> S3Wholes:
        """Many small objects, each whole: see `store.wholes`."""
        return S3Wholes(self.place)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        """Raise `InvalidValueError` if these would be too many parts."""
        self._changeable()
        cut = Cut(size, part)
        if cut.count > MOST_PARTS:
            raise InvalidValueError(f"{key}: {size} bytes in parts of {part} are {cut.count} parts; {MOST_PARTS} at most")
        if found := await resumed(self.place, key, cut, self.journal, replace=replace):
            return found
        if not replace:
            with contextlib.suppress(NotFoundError):
                await self._head(key)
                raise AlreadyExistsError(key, self.url)
        return await started(self.place, key, cut, self.journal, replace=replace)

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        full = self.place.prefix

        async def get(token: str) -> ListPage:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", full + prefix)]
            query += [("continuation-token", token)] if token else []
            return parse_list((await ask(self.place, Ask("GET", query=query))).body)

        async for page in pages(self.url, "", get):
            for found in page:
                key = found.key.removeprefix(full)
                if found.key.startswith(full + prefix) and not key.startswith(PROBE):
                    yield meta_listed(key, found)

    async def delete(self, keys: Sequence[str]) -> None:
        """In a versioned bucket a version stays behind each, which its lifecycle rules remove."""
        self._changeable()
        bulk = [key for key in keys if fits_xml(key)]
        pages = [bulk[at : at + _PAGE] for at in range(0, len(bulk), _PAGE)]
        slots = asyncio.Semaphore(_AT_ONCE)

        async def remove(page: Sequence[str], *, together: bool) -> None:
            async with slots:
                await self._delete(page, together=together)

        single = [[key] for key in keys if not fits_xml(key)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for page in pages:
                    tasks.create_task(remove(page, together=len(keys) > 1))
                for page in single:
                    tasks.create_task(remove(page, together=False))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the others are of the same kind, or its consequence

    async def _delete(self, keys: Sequence[str], *, together: bool) -> None:
        if together and self.place.facts.bulk_delete:
            try:
                return await self._delete_together(keys)
            except StoreError:
                if self.place.facts.bulk_delete:
                    raise
        for key in keys:
            with contextlib.suppress(NotFoundError):
                await ask(self.place, Ask("DELETE", key))
        return None

    async def _delete_together(self, keys: Sequence[str]) -> None:
        body = delete_request([self.place.prefix + key for key in keys])
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = (("content-type", "application/xml"), ("content-md5", md5))  # a checksum is compulsory; all servers know this
        answer = await ask(self.place, Ask("POST", None, (("delete", ""),), headers, body, relies=("bulk_delete",)))
        for refused in parse_deleted(answer.body):
            key = refused.key.removeprefix(self.place.prefix)
            raise refused_late(Subject(self.place, key, needs="s3:DeleteObject"), refused)

    async def presign(
        self,
        key: str,
        *,
        method: str = "GET",
        expires: int = 900,
        query: Pairs = (),
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """A URL by which anybody may do this for `expires` seconds, sending exactly these headers. Raise `StoreDeniedError`
        without credentials, `InvalidValueError` for more than a week."""
        return await in_thread(lambda: self.place.presigned(method, key, expires, query, headers or {}))

    async def uploads(self, prefix: str = "") -> AsyncIterator[OpenUpload]:
        """Uploads that were neither completed nor aborted, of whomever, by key."""
        full = self.place.prefix

        async def get(after: tuple[str, str]) -> UploadsPage:
            query = [("uploads", ""), ("encoding-type", "url"), ("prefix", full + prefix)]
            query += [("key-marker", after[0]), ("upload-id-marker", after[1])] if after[0] else []
            return parse_uploads((await ask(self.place, Ask("GET", query=query))).body)

        async for page in pages(self.url, ("", ""), get):
            for found in page:
                yield structs.replace(found, key=found.key.removeprefix(full))

    async def discard(self, begun: Begun) -> None:
        """Abort what a dead process began: the upload, or if the store never named it to that process, those of the same key from
        that time. Repeatable."""
        if begun.upload:
            return await abort_upload(self.place, begun.key, begun.upload)
        async for found in self.uploads(begun.key):
            if found.key == begun.key and found.begun is not None and abs(found.begun - begun.begun) <= _AROUND:
                await abort_upload(self.place, found.key, found.upload)
        return None

    async def unfinished(self) -> AsyncIterator[Unfinished]:
        """Of writers that the journal knows their fate is known."""
        journal = self.journal
        noted = {} if journal is None else await in_thread(journal.fates)
        async for found in self.uploads():
            yield Unfinished(found.key, found.upload, noted.get(found.upload, Fate.UNKNOWN), found.begun)

    async def give_up(self, one: Unfinished) -> None:
        await abort_upload(self.place, one.key, one.name)

    async def flush(self, keys: Sequence[str]) -> None:
        """What S3 has taken is durable."""

    async def close(self) -> None:
        """Connections belong to threads and loops."""


def open_s3(url: str, *, journal: Journal | None = None) -> S3Store:
    """The store that the URL names; `parse_place` has its options. Reads variables and AWS's files. Raise as it does."""
    return S3Store(parse_place(url), journal=journal)
