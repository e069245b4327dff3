"""The part of a catalogue in a SQL database that upkeep asks: which transaction each call is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import importing, rebuilding, sweeping
from .upkept import Held, Kept
from .values import ObjectInfo

if TYPE_CHECKING:
    from ..manifest.receipt import Receipt
    from .sql import Database


class SqlUpkept:
    """The `Upkept` over any SQL database."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._read, self._write = database.read, database.write

    async def entities(self) -> tuple[tuple[str, str], ...]:
        return await self._read(sweeping.all_entities)

    async def kept(self, trash: float, *, after: str | None = None, limit: int = 500) -> tuple[Kept, ...]:
        return await self._read(sweeping.kept, trash, after, limit)

    async def kept_by_id(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        return await self._read(sweeping.kept_by_id, ids)

    async def held(
        self, entity_id: str, *, state: str | None = None, after: ObjectInfo | None = None, limit: int = 4096
    ) -> tuple[Held, ...]:
        return await self._read(sweeping.held, entity_id, state, after, limit)

    async def unheld(self, entity_id: str, objects: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
        return await self._read(sweeping.unheld, entity_id, objects)

    async def pinned(self, entity_id: str, objects: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
        return await self._read(sweeping.pinned, entity_id, objects)

    async def end_late_sessions(self) -> int:
        return await self._write(sweeping.end_late_sessions)

    async def take_turn(self, owner: str, *, seconds: float, instead_of: str | None = None) -> str | None:
        return await self._write(sweeping.take_turn, owner, seconds, instead_of)

    async def end_turn(self, owner: str) -> None:
        await self._write(sweeping.end_turn, owner)

    async def condemn(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> None:
        await self._write(sweeping.condemn, owner, entity_id, objects, seconds)

    async def revive(self, entity_id: str, objects: Sequence[ObjectInfo]) -> None:
        await self._write(sweeping.revive, entity_id, objects)

    async def doom(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> tuple[ObjectInfo, ...]:
        return await self._write(sweeping.doom, owner, entity_id, objects, seconds)

    async def dropped(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> None:
        await self._write(sweeping.dropped, owner, entity_id, objects, seconds)

    async def begin_rebuild(self) -> None:
        await self._write(rebuilding.begin)

    async def restore(self, receipts: "Sequence[Receipt]") -> None:
        await self._write(rebuilding.restore, receipts)

    async def restore_objects(self, entity_id: str, objects: Sequence[ObjectInfo], *, state: str) -> None:
        await self._write(rebuilding.restore_objects, entity_id, objects, state)

    async def end_rebuild(self, catalog_id: str, store_id: str) -> int:
        return await self._write(rebuilding.end, catalog_id, store_id)

    async def skip_numbers(self, entity: str, project: str, collection: str, type: str, index: int) -> None:
        await self._write(importing.skip_numbers, entity, project, collection, type, index)

    async def predate(self, version_id: str, created_at: float) -> None:
        await self._write(importing.predate, version_id, created_at)
