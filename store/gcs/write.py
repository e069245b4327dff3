"""One large object in the making: its parts are components, and `complete` composes them."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ...errors import (
    AlreadyExistsError,
    DigestMismatchError,
    NotFoundError,
    ObjectChangedError,
    StoreError,
    StoreUnavailableError,
)
from ..checksum import Checksum
from ..jobs import ReadJob, WriteJob
from .answers import Stored
from .calls import MOST_SOURCES, GcsCalls, Source, side_by_side
from .combination import combined
from .components import Upload, now, remove
from .jobs import GcsPut, GcsRead

Range = tuple[int, int]


@dataclass(slots=True)
class GcsWrite:
    """The object is made by the last compose, which does nothing if there is one already, unless that is to be replaced."""

    calls: GcsCalls
    key: str
    size: int
    upload: Upload
    replace: bool
    left: dict[Range, Stored] = field(default_factory=dict[Range, Stored])  # of a dead writer
    _parts: set[Range] = field(default_factory=set[Range])
    _asked: bool = False  # for the object itself, and the answer may have been lost
    _made: bool = False
    _over: bool = False  # nothing is left to be removed

    @property
    def done(self) -> frozenset[Range]:
        return frozenset(self.left)

    def part(self, start: int, stop: int) -> WriteJob:
        self._parts.add((start, stop))
        self.left.pop((start, stop), None)  # it is going to be another
        return GcsPut(self.calls.place, self._component(start, stop), stop - start, new=False)

    def proof(self, start: int, stop: int) -> Checksum | None:
        one = self.left.get((start, stop))
        return one.checksum if one else None

    def written(self, start: int, stop: int) -> ReadJob | None:
        if (start, stop) not in self._parts and (start, stop) not in self.left:
            return None
        return GcsRead(self.calls.place, self._component(start, stop), 0, stop - start)

    def _component(self, start: int, stop: int) -> str:
        return self.calls.place.name(self.upload.component(start, stop))

    async def complete(self) -> None:
        if not self._made:
            try:
                await self._make()
            except AlreadyExistsError:
                await self.abort()
                raise
            self._made = True
        await self.abort()

    async def abort(self) -> None:
        if not self._over:
            await remove(self.calls, self.upload)
            self._over = True

    async def _make(self) -> None:
        if not self.size:  # nothing is composed of nothing
            empty = functools.partial(self.calls.insert, generation=None if self.replace else 0)
            await self._publish(lambda: empty(self.calls.place.name(self.key), b""), Stored("", 0, 0))
            return
        pieces = await self._pieces()
        whole = _whole(pieces)
        if self._asked and await self._is_there(whole):
            return
        level = 0
        while len(pieces) > MOST_SOURCES:
            rows = [pieces[start : start + MOST_SOURCES] for start in range(0, len(pieces), MOST_SOURCES)]
            pieces = await side_by_side([functools.partial(self._join, row, level, index) for index, row in enumerate(rows)])
            level += 1
        await self._publish(lambda: self._composed(self.key, pieces, new=not self.replace), whole)

    async def _pieces(self) -> list[Stored]:
        """The components in their order, each as it lies there now; its generation pins it from here on. Raise `StoreError` if
        they do not make up the object."""
        found = (await now(self.calls, self.upload)).components
        pieces, position = list[Stored](), 0
        for start, stop in sorted(self._parts | self.left.keys()):
            one = found.get((start, stop))
            if start != position or one is None:
                break
            pieces.append(one)
            position = stop
        if position != self.size:
            raise StoreError(
                f"{self.key}: not all parts were written: {self.calls.place.url} has them up to {position} of {self.size} bytes",
                hint="a lifecycle rule of the bucket, or somebody, may have removed some; run it again",
            )
        return pieces

    async def _join(self, row: Sequence[Stored], level: int, index: int) -> Stored:
        if len(row) == 1:
            return row[0]
        whole = _whole(row)
        try:
            made = await self._composed(self.upload.joined(level, index), row)
        except ObjectChangedError:
            raise self._replaced() from None
        if not _equals(made, whole):
            raise self._mismatch(made, whole)
        return made

    async def _publish(self, make: Callable[[], Awaitable[Stored]], whole: Stored) -> None:
        """Make the object. If the answer is lost, what is there now is looked at before anything is done again."""
        again, self._asked = self._asked, True
        try:
            made = await make()
        except (AlreadyExistsError, ObjectChangedError):  # a condition did not hold
            if not await self._is_there(whole, ours=again):
                raise self._replaced() from None  # it was not that there be no object
        except StoreUnavailableError:
            if not await self._is_there(whole):
                raise
        else:
            if not _equals(made, whole):
                await self.calls.take_back(made)
                raise self._mismatch(made, whole)

    async def _is_there(self, whole: Stored, *, ours: bool = True) -> bool:
        """Whether the object was made by a call of ours whose answer was lost. Raise `AlreadyExistsError` if it is another's, and
        not to be replaced."""
        found = await self.calls.find(self.calls.place.name(self.key))
        if found is None:
            return False
        if ours and _equals(found, whole) and found.componentCount == whole.componentCount:
            return True
        if self.replace:
            return False
        raise AlreadyExistsError(self.key, self.calls.place.url)

    async def _composed(self, key: str, pieces: Sequence[Stored], *, new: bool = False) -> Stored:
        sources = [Source(one.name, one.generation) for one in pieces]
        try:
            return await self.calls.compose(self.calls.place.name(key), sources, new=new)
        except NotFoundError as error:
            raise StoreError(
                f"{self.key}: a part in {self.calls.place.url} is gone",
                hint="a lifecycle rule of the bucket, or somebody, may have removed it; run it again",
            ) from error

    def _replaced(self) -> StoreError:
        return StoreError(f"{self.key}: a part in {self.calls.place.url} was replaced meanwhile", hint="run it again")

    def _mismatch(self, made: Stored, whole: Stored) -> DigestMismatchError:
        return DigestMismatchError(
            f"{self.key} in {self.calls.place.url}",
            expected=f"{whole.size} bytes with crc32c {whole.crc32c}",
            actual=f"{made.size} with {made.crc32c}",
            hint="the parts were damaged, or were not composed as they should be: run it again",
        )


def _whole(pieces: Sequence[Stored]) -> Stored:
    """What composing the pieces must give; its checksum is unknown if one of theirs is."""
    checksums = [(one.checksum, one.size) for one in pieces]
    known = [(checksum, size) for checksum, size in checksums if checksum is not None]
    crc32c = combined(known).base64 if len(known) == len(checksums) else None
    return Stored("", sum(one.size for one in pieces), 0, crc32c, sum(one.componentCount for one in pieces))


def _equals(made: Stored, whole: Stored) -> bool:
    return made.size == whole.size and (None in (made.crc32c, whole.crc32c) or made.crc32c == whole.crc32c)
