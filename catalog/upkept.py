"""What upkeep asks of a catalogue: which versions are kept, what their entities store, and who is freeing some of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from .values import ObjectInfo, Place, State

if TYPE_CHECKING:  # few who open a catalogue read receipts
    from ..manifest.receipt import Receipt


class Kept(Struct, frozen=True):
    """A version whose content is kept: a committed one, or one that was deleted lately. `place` is where it was logged."""

    id: str
    place: Place
    state: State
    entity_id: str
    digest_algorithm: str
    document: str
    receipted: bool


class Held(Struct, frozen=True):
    """An object that an entity is said to store. `state` is "stored", "condemned", "deleting" or "lost"."""

    info: ObjectInfo
    state: str


class Upkept(Protocol):
    """Lists are given in pages: `after` is where the one before it ended, None at first.

    An object goes in steps, each of them a transaction: "stored" becomes "condemned", which a log that needs it revives;
    "condemned" becomes "deleting", which a log waits for; then the object is deleted from the store, and then its row. What an
    open write session has pinned is neither condemned nor deleted. One collector at a time has the turn to do so.
    """

    async def entities(self) -> tuple[tuple[str, str], ...]:
        """(id, name), by name."""
        ...

    async def kept(self, trash: float, *, after: str | None = None, limit: int = 500) -> tuple[Kept, ...]:
        """By id: committed versions, and those that were deleted less than `trash` seconds ago."""
        ...

    async def kept_by_id(self, ids: Sequence[str]) -> tuple[Kept, ...]:
        """Those of these versions that were ever committed."""
        ...

    async def held(
        self, entity_id: str, *, state: str | None = None, after: ObjectInfo | None = None, limit: int = 4096
    ) -> tuple[Held, ...]:
        """Those in this state, or all, by kind, algorithm and digest."""
        ...

    async def unheld(self, entity_id: str, objects: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
        """Those of these objects of which there is no row."""
        ...

    async def pinned(self, entity_id: str, objects: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
        """Those of these objects that an open write session has pinned."""
        ...

    async def end_late_sessions(self) -> int:
        """End all leases that ran out: their PENDING versions become DELETED. How many those were."""
        ...

    async def take_turn(self, owner: str, *, seconds: float, instead_of: str | None = None) -> str | None:
        """Collect garbage for so many seconds from now by the database's clock, unless somebody does already: the one who does,
        or None. `instead_of` does not count: it is known to be dead."""
        ...

    async def end_turn(self, owner: str) -> None:
        """Repeatable."""
        ...

    async def condemn(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> None:
        """What is stored of these, and not pinned, is condemned. This, `doom` and `dropped` start the turn anew. Raise
        `LeaseLostError` if it is not this owner's any more; then nothing was changed."""
        ...

    async def revive(self, entity_id: str, objects: Sequence[ObjectInfo]) -> None:
        """What is condemned of these is stored again."""
        ...

    async def doom(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> tuple[ObjectInfo, ...]:
        """What of these is condemned or lost, or has no row, and is not pinned is `deleting` from now on. Given are those that
        are."""
        ...

    async def dropped(self, owner: str, entity_id: str, objects: Sequence[ObjectInfo], *, seconds: float) -> None:
        """These were `deleting`, and are deleted: there is no row of them any more."""
        ...

    # -- a catalogue made anew from a store -----------------------------------------------------------------------
    async def begin_rebuild(self) -> None:
        """Raise `CommError` unless the catalogue is empty, or a rebuilding of it was cut short."""
        ...

    async def restore(self, receipts: "Sequence[Receipt]") -> None:
        """These versions are as they were when they were committed. Of two that had an alias, the later has it. Repeatable."""
        ...

    async def restore_objects(self, entity_id: str, objects: Sequence[ObjectInfo], *, state: str) -> None:
        """The entity has these, "stored" or "lost". Repeatable."""
        ...

    async def end_rebuild(self, catalog_id: str, store_id: str) -> int:
        """From now on it is the catalogue of that id, which owns that store. How many versions it has."""
        ...

    # -- versions that were made elsewhere ------------------------------------------------------------------------
    async def skip_numbers(self, entity: str, project: str, collection: str, type: str, index: int) -> None:
        """The next version of the collection, which is made where missing, gets this number. Raise `NameConflictError` if it is
        used already, or the collection has another type."""
        ...

    async def predate(self, version_id: str, created_at: float) -> None:
        """It was made then, which is earlier than its commit."""
        ...
