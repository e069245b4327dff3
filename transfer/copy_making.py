"""An object in the making in the course of a copy: begun, filled part by part, and completed or aborted."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from ..errors import StoreError
from ..store.store import Write
from ..store.threads import in_grace
from .driver import drive, persist
from .engine import Engine
from .plan import Run, cut, part_leaves, part_size
from .progress import Meter
from .scheduler import Reissue


class Making:
    """One large object. What fails was retried; whatever happens, nothing half done is left."""

    def __init__(self, engine: Engine, meter: Meter) -> None:
        self.engine, self.meter = engine, meter
        self.write: Write | None = None
        self.moved = 0

    @asynccontextmanager
    async def begun(self, key: str, size: int, *, replace: bool) -> AsyncGenerator[Write]:
        """Completed where the block succeeds, aborted where it fails. Raise `AlreadyExistsError` unless it may `replace`."""

        async def begin() -> None:
            self.write = await self.engine.store.begin(key, size, part=part_size(size), replace=replace)

        try:
            # Not to be cut short: what was begun could not be aborted.
            await self._persist(begin)
            assert self.write is not None
            yield self.write
            await self._persist(self._complete)
        except BaseException as error:
            await self._abort(error)
            raise

    async def fill(self, size: int, part: Callable[[Run], Awaitable[bool]]) -> None:
        """Make the parts, counted as they lie there; `part` says whether it had lain there already."""

        async def run(run: Run) -> float:
            length, there = run.stop_byte - run.start_byte, await part(run)
            self.meter.add(bytes_done=length, bytes_reused=length if there else 0)
            self.moved += 0 if there else length
            return 0.0 if there else length

        engine = self.engine
        await drive(
            run,
            bulk=cut(size, part_leaves(size)),
            limits=engine.gates.parts(),
            retry=engine.retry,
            meter=self.meter,
            reissue=None if engine.store.near else Reissue(),
        )

    def counted_as_there(self, size: int) -> None:
        """Nothing of it was of use: the object was there already."""
        done, self.moved = self.moved, 0
        self.meter.add(bytes_done=size - done, bytes_reused=size)

    async def _complete(self) -> None:
        assert self.write is not None
        await self.write.complete()
        self.write = None

    async def _abort(self, error: BaseException) -> None:
        if self.write is None:
            return
        try:
            given_up = isinstance(error, asyncio.CancelledError)
            await in_grace(self.write.abort(), self.engine.grace, given_up=given_up)
        except StoreError as second:
            error.add_note(f"nor could what was sent of it be removed: {second}")

    async def _persist(self, call: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            await call()

        await persist(lambda: in_grace(whole(), self.engine.grace), retry=self.engine.retry, meter=self.meter)
