"""`lading-store.json`: which catalogue owns a store. Any other may read it, never write."""

import msgspec

from ..errors import AlreadyExistsError, FormatNewerError, NotFoundError, StoreForeignError
from .store import Store, read_bytes, write_bytes

KEY = "lading-store.json"
FORMAT = 1


class _Ownership(msgspec.Struct, frozen=True):
    format: int
    catalog: str


async def claim(store: Store, catalog_id: str) -> None:
    """Mark the store as owned by this catalogue, or find that it is. Raise `StoreForeignError` if another one owns it."""
    try:
        owner = await owner_of(store)
    except NotFoundError:
        try:
            await write_bytes(store, KEY, msgspec.json.encode(_Ownership(FORMAT, catalog_id)) + b"\n")
            await store.flush([KEY])
        except AlreadyExistsError:
            pass  # another process was faster; what it wrote decides
        owner = await owner_of(store)
    if owner != catalog_id:
        raise StoreForeignError(
            f"{store.url} belongs to another catalogue ({owner}); this one ({catalog_id}) may read it, not write to it",
            hint="point LADING_CATALOG at the catalogue that owns it, or LADING_STORE at a place of its own",
        )


async def owner_of(store: Store) -> str:
    """The id of the catalogue that owns the store. Raise `NotFoundError` if none has claimed it."""
    text = await read_bytes(store, KEY)
    try:
        found = msgspec.json.decode(text, type=_Ownership)
    except msgspec.MsgspecError as error:
        raise StoreForeignError(f"{KEY} in {store.url} is damaged: {error}", hint="restore it from a backup") from error
    if found.format > FORMAT:
        raise FormatNewerError(f"{store.url} was made by a newer lading (store format {found.format})", hint="upgrade lading")
    return found.catalog
