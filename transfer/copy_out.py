"""Copying into a store, from files or from another store: large ones in parts side by side, small ones in batches."""

from collections.abc import Callable

from ..errors import AlreadyExistsError, DigestMismatchError, LadingError
from ..store.checksum import Checksum, can_compute
from ..store.halt import Halt
from ..store.within import copied
from .copy_carriers import Carrier, FromStore, holds
from .copy_check import Digest, check_checksum, check_digest, checksum_of, replayed
from .copy_making import Making
from .driver import Spent, persist
from .engine import Engine
from .pairs import Found, Pair
from .plan import Run, is_large
from .progress import Meter

_READ_BACK = "crc32"  # by what bytes are compared where the store states nothing


class Outbound:
    """Into the keys below `folder` of the engine's store. `parts`: the store takes large objects in parts."""

    def __init__(self, engine: Engine, carrier: Carrier, folder: str, meter: Meter, *, replace: bool, parts: bool) -> None:
        self.engine, self.carrier, self.folder, self.meter = engine, carrier, folder, meter
        self.replace, self.parts = replace, parts

    async def begin(self) -> None:
        pass

    def memory(self, pairs: list[Pair]) -> int:
        return self.carrier.memory(max(pair.source.size for pair in pairs))

    def small(self, pairs: list[Pair], halt: Halt) -> list[tuple[Pair, LadingError]]:
        """Block; make these objects, each in one request. Returns what failed, and why."""
        failed: list[tuple[Pair, LadingError]] = []
        for pair in pairs:
            halt.check()
            size, reused = pair.source.size, 0
            try:
                job = self.engine.store.put(self.folder + pair.name, size, replace=self.replace)
                self.carrier.carry(pair.source, 0, size, job, halt)
            except AlreadyExistsError:
                reused = 1  # made by somebody else meanwhile, and not to be replaced
            except LadingError as error:
                failed.append((pair, error))
                if not error.retryable:
                    break
                continue
            self.meter.add(files_done=1, bytes_done=size, files_reused=reused, bytes_reused=reused * size)
        return failed

    async def large(self, pair: Pair, *, digest: Digest | None, checksum: Checksum | None, verify: bool) -> None:
        """Also where something is to be verified: `digest` and `checksum` before a byte is written (so the source is read twice);
        with `verify`, afterwards, that the store holds what the source has. Raise `DigestMismatchError`."""
        found, name = pair.source, pair.source.key or pair.name
        if digest or checksum:
            await self._persist_in_lane(lambda halt: self._check_source(found, name, digest, checksum, halt))
        if self.parts and is_large(found.size):
            if not await self._within(pair):
                await self._in_parts(pair)
        else:
            await self._single(pair)
        if verify:
            await self._verify(self.folder + pair.name, found)

    def _check_source(self, found: Found, name: str, digest: Digest | None, checksum: Checksum | None, halt: Halt) -> None:
        whole = replayed(self.carrier.side.job(found, 0, found.size))
        if digest:
            check_digest(digest, name, whole, halt)
        if checksum:
            check_checksum(checksum, name, whole, halt)

    async def _within(self, pair: Pair) -> bool:
        """Whether the store has made the whole object by itself."""
        if not isinstance(self.carrier, FromStore):
            return False
        size, engine = pair.source.size, self.engine
        source = self.carrier.side.job(pair.source, 0, size)
        target = engine.store.put(self.folder + pair.name, size, replace=self.replace)

        async def make() -> bool:
            return await engine.lanes.run(lambda halt: copied(source, target), meter=self.meter)

        done = await persist(make, retry=engine.retry, meter=self.meter)
        if done:
            self.meter.add(files_done=1, bytes_done=size)
        return done

    async def _in_parts(self, pair: Pair) -> None:
        found, engine = pair.source, self.engine
        making = Making(engine, self.meter)
        try:
            async with making.begun(self.folder + pair.name, found.size, replace=self.replace) as write:

                async def part(run: Run) -> bool:
                    start, stop = run.start_byte, run.stop_byte

                    def carry(halt: Halt) -> bool:
                        if holds(self.carrier, write, found, start, stop, halt):
                            return True
                        self.carrier.carry(found, start, stop, write.part(start, stop), halt)
                        return False

                    held = max(engine.held(stop - start), self.carrier.memory(stop - start))
                    async with engine.memory(held, self.meter):
                        return await engine.lanes.run(carry, meter=self.meter)

                await making.fill(found.size, part)
                await engine.lanes.run(lambda halt: self.carrier.check(found))
        except AlreadyExistsError:  # made by somebody else meanwhile, and not to be replaced
            making.counted_as_there(found.size)
        self.meter.add(files_done=1, files_reused=int(not making.moved))

    async def _single(self, pair: Pair) -> None:
        async def put() -> None:
            async with self.engine.memory(self.carrier.memory(pair.source.size), self.meter):
                for _, error in await self.engine.lanes.run(lambda halt: self.small([pair], halt), meter=self.meter):
                    raise error

        await persist(put, retry=self.engine.retry, meter=self.meter)

    async def _verify(self, key: str, found: Found) -> None:
        """Compare what the store holds with the source: by the checksum that it states, or else read back."""
        store = self.engine.store
        meta = await persist(lambda: store.head(key), retry=self.engine.retry, meter=self.meter)
        stated = meta.checksum if meta.checksum and can_compute(meta.checksum.name) else None

        def compare(halt: Halt) -> None:
            back = store.read(key, 0, meta.size, etag=meta.etag or None)
            expected = stated or checksum_of(_READ_BACK, replayed(back), halt)
            check_checksum(expected, key, replayed(self.carrier.side.job(found, 0, found.size)), halt)

        await self._persist_in_lane(compare)

    async def _persist_in_lane(self, work: Callable[[Halt], None]) -> None:
        async def call() -> None:
            try:
                await self.engine.lanes.run(work, meter=self.meter)
            except DigestMismatchError as error:
                raise Spent(error) from error  # all of it would be read again, to find the same

        await persist(call, retry=self.engine.retry, meter=self.meter)

    async def settle(self, names: list[str], *, durable: bool) -> None:
        """Return when what was copied survives a power cut, if it is to."""
        if durable and names:
            keys = [self.folder + name for name in names]
            await persist(lambda: self.engine.store.flush(keys), retry=self.engine.retry, meter=self.meter)

    async def remove(self, names: list[str]) -> None:
        keys = [self.folder + name for name in names]
        await persist(lambda: self.engine.store.delete(keys), retry=self.engine.retry, meter=self.meter)
