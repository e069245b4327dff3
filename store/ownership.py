"""`lading-store.json`: which catalogue owns a store, and which store it is. Any other catalogue may read it, never write."""

import contextlib
import os
from typing import Protocol

import msgspec

from ..errors import AlreadyExistsError, FormatNewerError, NotFoundError, StoreForeignError
from .store import Store, read_bytes, write_bytes

KEY = "lading-store.json"
FORMAT = 1


class Ownership(msgspec.Struct, frozen=True):
    """What the file says: 32 hex digits each for catalogue and store."""

    format: int
    catalog: str
    store: str


class Owner(Protocol):
    """What a catalogue knows of itself and of the one store that it owns."""

    @property
    def url(self) -> str: ...
    async def id(self) -> str: ...
    async def store_id(self) -> str | None:
        """None: it owns none yet."""
        ...

    async def own_store(self, store_id: str) -> str:
        """Own this store from now on, unless it owns one already; the id of the one that it owns."""
        ...


async def claim(store: Store, owner: Owner) -> None:
    """Mark the store as owned by this catalogue, or find that it is. Repeatable, also after a crash in between.

    Raise `StoreForeignError` if another catalogue owns it, or this one another store: what it knows to be stored is not here."""
    catalog_id = await owner.id()
    held = await owner.store_id()  # before the file is looked for: who is faster writes the file first
    try:
        found = await ownership(store)
    except NotFoundError:
        if held is not None:
            raise _misplaced(store, owner, f"it has no {KEY}") from None
        found = await _mark(store, catalog_id)
    if found.catalog != catalog_id:
        raise StoreForeignError(
            f"{store.url} belongs to another catalogue ({found.catalog}); {owner.url} may read it, not write to it",
            hint="point LADING_CATALOG at the catalogue that owns it, or LADING_STORE at a place of its own",
        )
    if held is None:
        await store.flush([KEY])  # whoever wrote it: the catalogue must not own what a power cut takes away
        held = await owner.own_store(found.store)
    if held != found.store:
        raise _misplaced(store, owner, f"that is {held}, this is {found.store}")


async def owns(store: Store, owner: Owner) -> bool:
    """Whether this catalogue owns the store. A store that nobody has claimed is nobody's."""
    try:
        found = await ownership(store)
    except NotFoundError:
        return False
    return (found.catalog, found.store) == (await owner.id(), await owner.store_id())


async def ownership(store: Store) -> Ownership:
    """Raise `NotFoundError` if no catalogue has claimed the store."""
    text = await read_bytes(store, KEY)
    try:
        found = msgspec.json.decode(text, type=Ownership)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StoreForeignError(f"{KEY} in {store.url} is damaged: {error}", hint="restore it from a backup") from error
    if found.format > FORMAT:
        raise FormatNewerError(f"{store.url} was made by a newer lading (store format {found.format})", hint="upgrade lading")
    return found


async def _mark(store: Store, catalog_id: str) -> Ownership:
    made = Ownership(FORMAT, catalog_id, os.urandom(16).hex())
    with contextlib.suppress(AlreadyExistsError):  # another process was faster; what it wrote decides
        await write_bytes(store, KEY, msgspec.json.encode(made) + b"\n")
    return await ownership(store)


def _misplaced(store: Store, owner: Owner, why: str) -> StoreForeignError:
    return StoreForeignError(
        f"{store.url} is not the store of the catalogue {owner.url} ({why}); nothing was written",
        hint="point LADING_STORE at the store that belongs to it, or use a catalogue of its own (LADING_CATALOG)",
    )
