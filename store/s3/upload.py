"""A large object in the making: a multipart upload, its parts, and its end, which is looked up when its answer is lost."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping

from msgspec import Struct

from ...errors import AlreadyExistsError, InvalidValueError, NotFoundError, StoreError, StoreUnavailableError
from ..checksum import Checksum
from ..jobs import ReadJob, WriteJob
from ..journal import Journal, Noted
from ..threads import in_thread
from .address import Pairs, Place
from .asking import Ask, ask, pages
from .documents import PartsPage, StoredPart, complete_request, parse_completed, parse_parts
from .jobs import S3Part, taken_of
from .meta import md5_of
from .refusals import WRITING, Subject, refused_late

MARKER = "x-amz-meta-lading-upload"  # tells whether the object under the key is of this upload


class Cut(Struct, frozen=True):
    """How an object of `size` bytes is cut into parts of `part`, numbered from 1."""

    size: int
    part: int

    @property
    def count(self) -> int:
        """An empty object has one part, which is empty."""
        return max(1, -(-self.size // self.part))

    def number(self, start: int, stop: int) -> int:
        """Raise `InvalidValueError` if [start, stop) is no part."""
        number = start // self.part + 1
        if (start, stop) != self.range(number) or number > self.count:
            raise InvalidValueError(f"[{start}, {stop}) is no part of {self.size} bytes in parts of {self.part}")
        return number

    def range(self, number: int) -> tuple[int, int]:
        return (number - 1) * self.part, min(number * self.part, self.size)

    def holds(self, number: int, size: int) -> bool:
        """Whether there is such a part, of that size."""
        start, stop = self.range(number)
        return 1 <= number <= self.count and stop - start == size


class S3Write:
    """A multipart upload of this process. `stored` are parts that an earlier one left."""

    def __init__(
        self,
        place: Place,
        key: str,
        cut: Cut,
        upload: str,
        marker: str,
        *,
        checks: str | None,
        replace: bool = False,
        journal: Journal | None = None,
        noted: Noted | None = None,
        stored: Mapping[int, StoredPart] | None = None,
    ) -> None:
        self.place, self.key, self.cut, self.upload, self.marker, self.checks = place, key, cut, upload, marker, checks
        self.replace = replace
        self._journal, self._noted, self._stored = journal, noted, dict(stored or {})
        self._taken = taken_of(place, key, upload)
        self._open, self._doubtful = True, False

    def __repr__(self) -> str:
        return f"S3Write({self.key!r}, {self.cut.size} bytes, {len(self._taken.parts)} of {self.cut.count} parts taken)"

    @property
    def done(self) -> frozenset[tuple[int, int]]:
        return frozenset(self.cut.range(number) for number in self._stored)

    def part(self, start: int, stop: int) -> WriteJob:
        return S3Part(self.place, self.key, self.upload, self.cut.number(start, stop), stop - start, self.checks)

    def proof(self, start: int, stop: int) -> Checksum | None:
        """Its checksum, or the MD5 that its etag is, unless the store encrypts it: then it is merely sent again."""
        try:
            part = self._stored.get(self.cut.number(start, stop))
        except InvalidValueError:
            return None
        return (part.checksum or md5_of(part.etag)) if part else None

    def written(self, start: int, stop: int) -> ReadJob | None:
        """S3 shows nothing of an upload before it is complete."""
        return None

    async def complete(self) -> None:
        if self._doubtful and await self._is_there():
            await self.abort()  # of what is complete there is nothing to abort
            return
        if not self.cut.size and not self._taken.parts:
            await in_thread(lambda: self.part(0, 0).write((b"",)))
        try:
            if not self.replace and not self.place.facts.conditional:
                await self._refuse_taken()
            await self._complete(await self._parts())
        except (AlreadyExistsError, NotFoundError) as error:
            # An earlier attempt may have made it: its answer was lost.
            there = await self._is_there()
            await self.abort()
            if not there and isinstance(error, AlreadyExistsError):
                raise
            if not there:
                if not self.replace:  # of two writers S3 lets one win, and may forget the upload of the other (409)
                    await self._refuse_taken()
                told = f"the upload of {self.key} to {self.place.url} was aborted by somebody else"
                raise StoreError(told, hint="run it again") from error
        except StoreUnavailableError:
            # Whether it is complete is not known; nothing is sent again before it is.
            self._doubtful = True
            if not await self._is_there():
                raise
            await self.abort()
        await self._end()

    async def _complete(self, parts: list[StoredPart]) -> None:
        query, body = (("uploadId", self.upload),), complete_request(parts)
        what = Ask("POST", self.key, query, (("content-type", "application/xml"),), body, creates=not self.replace)
        answer = await ask(self.place, what)
        if late := parse_completed(answer.body):
            raise refused_late(Subject(self.place, self.key, not self.replace, needs=WRITING), late)

    async def _parts(self) -> list[StoredPart]:
        """All parts, as the lanes of this process know them; where they do not, as the store does."""
        known = dict(self._taken.parts)
        if len(known) < self.cut.count:
            known = {part.number: part async for part in parts_of(self.place, self.key, self.upload)} | known
        if missing := self.cut.count - len(known):
            raise StoreError(f"{self.key}: {missing} of {self.cut.count} parts were not written to {self.place.url}")
        return [known[number] for number in sorted(known)]

    async def _is_there(self) -> bool:
        """Whether the object is there, and of this upload."""
        try:
            answer = await ask(self.place, Ask("HEAD", self.key))
        except NotFoundError:
            return False
        if answer.headers.get("content-length") != str(self.cut.size):
            return False
        marker = answer.headers.get(MARKER)
        if marker is None:  # the server keeps no metadata: the same bytes in the same parts will do
            return answer.headers.get("etag", "").strip('"') == self._etag()
        return marker == self.marker

    def _etag(self) -> str | None:
        """What the etag of the object will be where those of parts are MD5s."""
        sums = [md5_of(part.etag) for _, part in sorted(self._taken.parts.items())]
        whole = b"".join(value.value for value in sums if value)
        if len(whole) != 16 * self.cut.count:
            return None
        return f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{self.cut.count}"

    async def _refuse_taken(self) -> None:
        with contextlib.suppress(NotFoundError):
            await ask(self.place, Ask("HEAD", self.key))
            raise AlreadyExistsError(self.key, self.place.url)

    async def abort(self) -> None:
        if self._open:
            await abort_upload(self.place, self.key, self.upload)
            await self._end()

    async def _end(self) -> None:
        self._open = False
        if self._journal and self._noted:
            journal, noted = self._journal, self._noted
            await in_thread(lambda: journal.forget(noted))


async def parts_of(place: Place, key: str, upload: str) -> AsyncIterator[StoredPart]:
    """The parts that the store has, by number. Raise `NotFoundError` if there is no such upload."""

    async def get(after: str) -> PartsPage:
        query: Pairs = (("uploadId", upload), *((("part-number-marker", after),) if after else ()))
        return parse_parts((await ask(place, Ask("GET", key, query))).body)

    async for page in pages(place.url, "", get):
        for part in page:
            yield part


async def abort_upload(place: Place, key: str, upload: str) -> None:
    """Nothing is left of it. Repeatable."""
    with contextlib.suppress(NotFoundError):
        await ask(place, Ask("DELETE", key, (("uploadId", upload),)))
