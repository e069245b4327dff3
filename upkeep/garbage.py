"""Garbage collection: objects that no version needs are condemned, looked at again after a grace, and deleted.

1  one collector at a time has the turn; what an earlier one was deleting is deleted
2  sessions whose lease ran out are ended
3  marked is what versions need: committed ones, and those that were deleted lately
4  condemned is what is stored, not marked, and not pinned by an open session; objects without a row are looked for in the store
5  the grace
6  marked is what versions need that were committed meanwhile; it is revived
7  what is still condemned is `deleting`, in a transaction that looks at the pins again; it is deleted; its rows go

A log that is going on has pinned what it needs; one that begins revives what it asks for, or waits for the end of step 7. So no
moment is wrong for a log, and none for dying: what was condemned is condemned or revived by the next collection, and what was
`deleting` is finished by it, or by a log that waits for it once the collector is known to be dead or its turn is over.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ..catalog import ObjectInfo
from ..catalog.upkept import Held
from ..errors import CatalogBusyError, StoreUnavailableError
from ..manifest.keys import KINDS, parse_key, stored_key
from ..store.owner import Fate, Owner, fate_of, this_process
from ..store.threads import ended, in_thread, to_the_end
from .keeper import Keeper
from .marking import Marker
from .marks import Marks
from .paperwork import check_receipts, dead_receipts

TURN = 600.0  # seconds without a sign after which a collector of another machine is taken for dead
PATIENCE = TURN / 3  # seconds that deleting one batch may take: it has ended before the turn has
BATCH = 4096  # rows at a time
DELETED_AT_ONCE = 1000  # objects
GRACE = 60.0
TRASH = 7 * 86400.0


class Manner(Struct, frozen=True):
    """How to collect. `grace`: seconds between condemning and deleting. `trash`: seconds for which deleted versions keep their
    content."""

    grace: float = GRACE
    trash: float = TRASH
    dry_run: bool = False


@dataclass(slots=True)
class Freed:
    """What a collection freed, or with a dry run would free."""

    objects: int = 0
    bytes: int = 0
    orphans: int = 0  # objects in the store that the catalogue does not know
    receipts: int = 0
    sessions: int = 0  # that were ended because their lease ran out
    revived: int = 0  # condemned, and needed again
    entities: dict[str, int] = field(default_factory=dict[str, int])  # bytes, by name


async def collect(keeper: Keeper, manner: Manner) -> Freed:
    """Free what nobody needs. Raise `StoreForeignError` for a store that is not the catalogue's, `CatalogBusyError` if another
    collection runs, `LeaseLostError` if another took over, `ManifestError` where it is not known what is needed, `CommError` if
    the catalogue seems to be older than the store."""
    await keeper.check_owner()
    if manner.dry_run:
        return await _Collection(keeper, manner, "").run()
    async with turn(keeper) as owner:
        return await _Collection(keeper, manner, owner).run()


@contextlib.asynccontextmanager
async def turn(keeper: Keeper) -> AsyncGenerator[str]:
    """Have the turn while the block runs; its owner's name. What an earlier collector was deleting is deleted first. Raise
    `CatalogBusyError`."""
    owner = f"{this_process()}-{secrets.token_hex(4)}"
    other = await keeper.catalog.take_turn(owner, seconds=TURN)
    if other is not None and _is_dead(other):
        other = await keeper.catalog.take_turn(owner, seconds=TURN, instead_of=other)
    if other is not None:
        raise CatalogBusyError("another garbage collection is running", hint="wait until it has ended; nothing was changed")
    keeping = asyncio.create_task(_keep(keeper, owner))
    try:
        await _finish(keeper, owner)
        yield owner
    finally:
        keeping.cancel()
        await ended(keeping)
        await to_the_end(keeper.catalog.end_turn(owner))


async def _keep(keeper: Keeper, owner: str) -> None:
    """Signs of life, until another has the turn: then the next transaction says so."""
    other: str | None = None
    while other is None:
        await asyncio.sleep(TURN / 4)
        other = await keeper.catalog.take_turn(owner, seconds=TURN)


def _is_dead(name: str) -> bool:
    owner = Owner.parse(name.rpartition("-")[0])
    return owner is not None and fate_of(owner) is Fate.GONE


async def finish_interrupted(keeper: Keeper) -> bool:
    """Delete what an earlier collector was deleting, if it is known to be dead. False if it may be alive."""
    try:
        async with turn(keeper):
            return True
    except CatalogBusyError:
        return False


async def _finish(keeper: Keeper, owner: str) -> None:
    for entity_id, _ in await keeper.catalog.entities():
        while found := await keeper.catalog.held(entity_id, state="deleting", limit=BATCH):
            await _delete(keeper, owner, entity_id, [each.info for each in found])


async def _delete(keeper: Keeper, owner: str, entity_id: str, doomed: Sequence[ObjectInfo]) -> None:
    """Delete what is `deleting`, and then its rows."""
    for start in range(0, len(doomed), DELETED_AT_ONCE):
        some = doomed[start : start + DELETED_AT_ONCE]
        keys = [stored_key(each.kind, entity_id, each.algorithm, each.digest) for each in some]
        try:
            # Not beyond the turn: by then a log might have sent some of it again.
            async with asyncio.timeout(PATIENCE):
                await keeper.persist(lambda: keeper.store.delete(keys))  # noqa: B023  # awaited within the round
        except TimeoutError:
            raise StoreUnavailableError(
                f"{keeper.store.url} did not delete {len(keys)} objects within {PATIENCE:.0f} s", hint="run it again: it goes on"
            ) from None
        await keeper.catalog.dropped(owner, entity_id, some, seconds=TURN)


@dataclass(slots=True)
class _Collection:
    """One collection. With a dry run, nothing is changed."""

    keeper: Keeper
    manner: Manner
    owner: str
    freed: Freed = field(default_factory=Freed)

    async def run(self) -> Freed:
        keeper, manner, tell = self.keeper, self.manner, self.keeper.tell
        with Marks() as marks:
            if not manner.dry_run:
                self.freed.sessions = await keeper.catalog.end_late_sessions()
            tell("reading what versions need")
            marker = Marker(keeper, marks)
            await marker.mark_all(manner.trash)
            await check_receipts(keeper, marks)
            entities = await keeper.catalog.entities()
            tell("looking for what nobody needs")
            for entity_id, _ in entities:
                await self._condemn(marks, entity_id)
                await self._look_for_orphans(marks, entity_id)
            if manner.dry_run:
                await self._forecast(marks, entities)
            elif marks.any_going:
                if manner.grace:
                    tell(f"waiting {manner.grace:.0f} s before anything is deleted")
                await asyncio.sleep(manner.grace)
                await marker.mark_all(manner.trash)
                for entity_id, name in entities:
                    await self._sweep(marks, entity_id, name)
            async for keys in dead_receipts(keeper, marks):
                self.freed.receipts += len(keys)
                if not manner.dry_run:
                    await keeper.persist(lambda: keeper.store.delete(keys))  # noqa: B023  # awaited within the round
        return self.freed

    async def _condemn(self, marks: Marks, entity_id: str) -> None:
        after: ObjectInfo | None = None
        while found := await self.keeper.catalog.held(entity_id, after=after, limit=BATCH):
            after = found[-1].info
            garbage, condemned = await in_thread(lambda: _sorted(marks, entity_id, found))  # awaited within the round
            if not self.manner.dry_run:
                # Of a collection that was cut short: needed by what was committed while it ran.
                if condemned:
                    await self.keeper.catalog.revive(entity_id, condemned)
                    self.freed.revived += len(condemned)
                if garbage:
                    await self.keeper.catalog.condemn(self.owner, entity_id, garbage, seconds=TURN)

    async def _look_for_orphans(self, marks: Marks, entity_id: str) -> None:
        """Objects of writers that died before they could say that they had sent them."""
        for kind in KINDS.values():
            batch: list[ObjectInfo] = []
            async for meta in self.keeper.list(f"{kind}/{entity_id}/"):
                if key := parse_key(meta.key):
                    batch.append(ObjectInfo(key.algorithm, key.digest, meta.size, key.kind))
                if len(batch) == BATCH:
                    await self._note_orphans(marks, entity_id, batch)
                    batch = []
            await self._note_orphans(marks, entity_id, batch)

    async def _note_orphans(self, marks: Marks, entity_id: str, batch: Sequence[ObjectInfo]) -> None:
        unheld = await self.keeper.catalog.unheld(entity_id, batch) if batch else ()
        going = [each for each in unheld if not marks.is_marked(entity_id, each)]
        if going:
            await in_thread(lambda: marks.send_off(entity_id, going))
            self.freed.orphans += len(going)

    async def _sweep(self, marks: Marks, entity_id: str, name: str) -> None:
        reprieved = await in_thread(lambda: marks.reprieved(entity_id))
        if reprieved:
            await self.keeper.catalog.revive(entity_id, reprieved)
            self.freed.revived += len(reprieved)
        for some in marks.going(entity_id, BATCH):
            doomed = await self.keeper.catalog.doom(self.owner, entity_id, some, seconds=TURN)
            await _delete(self.keeper, self.owner, entity_id, doomed)
            self._count(entity_id, name, doomed)

    async def _forecast(self, marks: Marks, entities: Sequence[tuple[str, str]]) -> None:
        for entity_id, name in entities:
            for some in marks.going(entity_id, BATCH):
                pinned = set(await self.keeper.catalog.pinned(entity_id, some))
                self._count(entity_id, name, [each for each in some if each not in pinned])

    def _count(self, entity_id: str, name: str, gone: Sequence[ObjectInfo]) -> None:
        size = sum(each.size for each in gone)
        self.freed.objects += len(gone)
        self.freed.bytes += size
        if gone:
            self.freed.entities[name] = self.freed.entities.get(name, 0) + size


def _sorted(marks: Marks, entity_id: str, found: Sequence[Held]) -> tuple[list[ObjectInfo], list[ObjectInfo]]:
    """What of it nobody needs, which is sent off, and what was condemned and is needed."""
    garbage: list[ObjectInfo] = []
    condemned: list[ObjectInfo] = []
    for each in found:
        if not marks.is_marked(entity_id, each.info):
            garbage.append(each.info)
        elif each.state == "condemned":
            condemned.append(each.info)
    marks.send_off(entity_id, garbage)
    return garbage, condemned
