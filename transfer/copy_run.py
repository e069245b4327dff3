"""The course of one task: what is found is paired, what is due is moved, what has no source any more is deleted."""

import asyncio
import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from ..errors import InvalidValueError, LadingError, ObjectChangedError
from ..store.checksum import Checksum, can_compute
from ..store.halt import Halt
from ..store.threads import ended
from .batches import BatchCount, amount, batches
from .copy_check import Digest, checksum_of, parse_digest, replayed, stated
from .copy_sides import Here, Names, Side, Source, There, missing
from .copy_task import Step, Task
from .driver import Partly, Spent, drive, persist
from .engine import Engine
from .locations import Location
from .pairs import Compare, Found, Pair, Rules, Target, is_due, pairing, surplus
from .plan import is_large
from .progress import Meter
from .trace import traced

CHUNK = 20_000  # pairs that are held at a time; while they move, the next are listed
REMOVE_AT_ONCE = 1000
_LOCAL_CHECKSUM = "crc32"
_Work = Pair | list[Pair]


class Mover(Protocol):
    """Moves pairs to one kind of destination."""

    async def begin(self) -> None:
        """Before anything moves."""
        ...

    def memory(self, pairs: list[Pair]) -> int:
        """How many bytes `small` holds at a time."""
        ...

    def small(self, pairs: list[Pair], halt: Halt) -> list[tuple[Pair, LadingError]]:
        """Block; returns what failed, and why. After a failure that no retry would heal, the rest is left."""
        ...

    async def large(self, pair: Pair, *, digest: Digest | None, checksum: Checksum | None, verify: bool) -> None:
        """Raise what retries did not heal."""
        ...

    async def settle(self, names: list[str], *, durable: bool) -> None:
        """These were moved."""
        ...

    async def remove(self, names: list[str]) -> None:
        """Delete these at the destination."""
        ...


@dataclass(slots=True)
class Copying:
    """One task whose two sides were looked at."""

    task: Task
    engine: Engine
    side: Here | There
    there: Side
    source: Source
    destination: Location
    target: Target
    left_out: str  # names below the source that lie in the destination
    mover: Mover
    meter: Meter

    async def run(self, unsettled: list[str] | None = None) -> tuple[str, ...]:
        """Returns the addresses that were deleted. Files that are not durable yet are added to `unsettled`, if there is one."""
        names, chosen = set[str](), self.chooser()
        present = await self._present(chosen)
        await self.mover.begin()
        async with aclosing(_ahead(self._chunks(present, names, chosen))) as chunks:
            async for chunk in chunks:
                await self._move(chunk)
                moved = [pair.name for pair in chunk]
                if unsettled is None or not self.destination.is_local:
                    await self.mover.settle(moved, durable=self.task.durable)
                elif self.task.durable:
                    unsettled.extend(self.target.folder + name for name in moved)
        # Only now: the listing has come to its end, and all of it lies there.
        gone = surplus(present, names, chosen) if self.task.delete else []
        for start in range(0, len(gone), REMOVE_AT_ONCE):
            await self.mover.remove(gone[start : start + REMOVE_AT_ONCE])
        return tuple(self._address(name) for name in gone)

    async def steps(self) -> AsyncGenerator[Step]:
        """What `run` would do."""
        names, chosen = set[str](), self.chooser()
        present = await self._present(chosen)
        async with aclosing(self._chunks(present, names, chosen)) as chunks:
            async for chunk in chunks:
                for pair in chunk:
                    source = self.source.location.address(pair.source.key)
                    yield Step("copy", self._address(pair.name), source, pair.source.size)
        for name in surplus(present, names, chosen) if self.task.delete else []:
            yield Step("delete", self._address(name))

    def _address(self, name: str) -> str:
        return self.destination.address(self.target.folder + name)

    def chooser(self) -> Callable[[str], bool]:
        """What says of a name whether it takes part."""
        task, left_out = self.task, self.left_out
        chosen = Rules(task.include, task.exclude, self.source.location.pattern).chooser()
        return (lambda name: not name.startswith(left_out) and chosen(name)) if left_out else chosen

    async def _present(self, chosen: Callable[[str], bool]) -> dict[str, Found]:
        """What lies at the destination, by name, as far as it matters."""
        if self.task.compare is Compare.ALWAYS and not self.task.delete:
            return {}
        if self.source.alone is None:
            return await self.there.there(self.target.folder, chosen)
        name = self._name_alone()
        found = await self.there.one(self.target.folder + name)
        return {name: found} if found else {}

    def _name_alone(self) -> str:
        return self.source.location.name if self.target.name is None else self.target.name

    async def _pages(self, chosen: Callable[[str], bool]) -> Names:
        """What takes part. Raise if that is nothing, but for a folder of this machine that is empty."""
        if self.source.alone is not None:
            if chosen(self.source.location.name):
                yield [(self._name_alone(), self.source.alone)]
            return
        location, some = self.source.location, False
        async for page in self.side.below(location, chosen):
            some = some or bool(page)
            yield page
        if not some and (location.wild or not location.is_local):
            raise missing(location)

    async def _chunks(
        self, present: dict[str, Found], names: set[str], chosen: Callable[[str], bool]
    ) -> AsyncGenerator[list[Pair]]:
        """The pairs that are due. `names` gets those of all."""
        chunk, paired = list[Pair](), pairing(flatten=self.task.flatten)
        async with aclosing(self._pages(chosen)) as pages:
            async for page in pages:
                for name, found in page:
                    pair = paired(name, found)
                    self._check_name(pair.name)
                    if self.task.delete:
                        names.add(pair.name)
                    due = is_due(found, present.get(pair.name), self.task.compare)
                    self._count(found.size, due=due)
                    if due:
                        chunk.append(pair)
                if len(chunk) >= CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def _check_name(self, name: str) -> None:
        if not self.destination.is_local and not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError:
                raise InvalidValueError(f"{name!r} is not UTF-8: it cannot be a key", hint="rename it, or leave it out") from None

    def _count(self, size: int, *, due: bool) -> None:
        self.meter.add(files=1, bytes=size)
        if not due:
            self.meter.add(files_done=1, bytes_done=size, files_reused=1, bytes_reused=size)

    async def _move(self, chunk: list[Pair]) -> None:
        verified = self.task.digest is not None or self.task.verify
        await move(self.engine, self.mover, chunk, self.meter, self._large, alone=verified)

    async def _large(self, pair: Pair) -> None:
        digest = parse_digest(self.task.digest) if self.task.digest else None
        verify = self.task.verify and isinstance(self.there, There)
        await self.mover.large(pair, digest=digest, checksum=await self._checksum(pair), verify=verify)

    async def _checksum(self, pair: Pair) -> Checksum | None:
        """What the bytes of the source must have, if that is to be verified: what its store states. Of a file there is only what
        it holds; and a copy between stores is compared afterwards in any case."""
        if not self.task.verify:
            return None
        side, found = self.side, pair.source
        if isinstance(side, Here):
            if isinstance(self.there, There):
                return None
            whole = replayed(side.job(found, 0, found.size))
            return await self.engine.lanes.run(lambda halt: checksum_of(_LOCAL_CHECKSUM, whole, halt))
        meta = await persist(lambda: side.store.head(found.key), retry=self.engine.retry, meter=self.meter)
        if found.etag and meta.etag != found.etag:
            raise ObjectChangedError(found.key, side.store.url)
        if isinstance(self.there, There) and not (meta.checksum and can_compute(meta.checksum.name)):
            return None
        return stated(meta, side.store)


async def move(
    engine: Engine,
    mover: Mover,
    pairs: list[Pair],
    meter: Meter,
    one: Callable[[Pair], Awaitable[None]],
    *,
    alone: bool = False,
) -> None:
    """Move pairs: small ones in batches, and by `one` those that are large, or all where each is to be `alone`."""
    count = BatchCount(near=engine.store.near)

    async def execute(work: _Work) -> float:
        if isinstance(work, Pair):
            try:
                await one(work)
            except LadingError as error:
                raise Spent(error) from error
            return 0.0
        began = time.monotonic()
        async with engine.memory(mover.memory(work), meter):
            failed = await engine.lanes.run(functools.partial(mover.small, work), meter=meter)
        count.took(len(work) - len(failed), time.monotonic() - began)
        for _, failure in failed:
            if not failure.retryable:
                raise Spent(failure) from failure
        if failed:
            raise Partly([pair for pair, _ in failed], failed[0][1])
        return amount(pair.source.size for pair in work)

    small = (pair for pair in pairs if not (alone or is_large(pair.source.size)))
    batched: Iterator[_Work] = batches(small, lambda pair: pair.source.size, count=lambda: count.now)
    single: Iterator[_Work] = (pair for pair in pairs if alone or is_large(pair.source.size))
    with traced("lading.copy", engine.store.url, meter, near=engine.store.near):
        await drive(execute, small=batched, bulk=single, limits=engine.gates.opening(), retry=engine.retry, meter=meter)


async def _ahead(chunks: AsyncGenerator[list[Pair]]) -> AsyncGenerator[list[Pair]]:
    """The same chunks; while one is used, the next is made."""

    async def following() -> list[Pair]:
        return await anext(chunks, list[Pair]())

    upcoming = asyncio.ensure_future(following())
    try:
        while chunk := await upcoming:
            upcoming = asyncio.ensure_future(following())
            yield chunk
    finally:
        upcoming.cancel()
        await ended(upcoming)
        await chunks.aclose()
