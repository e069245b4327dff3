"""Paperwork: the receipts in a store, compared with what its catalogue knows."""

from collections.abc import AsyncIterator, Sequence

from ..catalog import State
from ..catalog.upkept import Kept
from ..errors import CommError, ManifestError, NotFoundError
from ..manifest.keys import receipt_key
from ..manifest.receipt import Receipt, decode_receipt
from .keeper import Keeper
from .marks import Marks

PREFIX = "versions/"
_AT_ONCE = 500


async def receipts(keeper: Keeper, marks: Marks | None = None) -> AsyncIterator[tuple[str, Receipt | None]]:
    """The receipts by key, without those of versions that are kept; None for what is none."""
    async for meta in keeper.list(PREFIX):
        if marks is not None and marks.keeps_receipt(meta.key):
            continue
        try:
            yield meta.key, decode_receipt(await keeper.read(meta.key), meta.key)
        except NotFoundError:
            continue
        except ManifestError:
            yield meta.key, None


async def check_receipts(keeper: Keeper, marks: Marks) -> None:
    """Raise `CommError` if there are receipts of versions that the catalogue has never heard of: then it is older than the store,
    and what it does not know may be needed."""
    strange: list[str] = []
    async for some in _batches(keeper, marks):
        known = {each.id for each in await keeper.catalog.kept_by_id([receipt.version_id for _, receipt in some])}
        strange += [key for key, receipt in some if receipt.version_id not in known]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise CommError(
            f"the catalogue does not know versions of which its store has receipts: {strange[0]}{more}; nothing was freed",
            hint="was it restored from an older backup? Export what you need, or make a catalogue anew: lading doctor --rebuild",
        )


async def dead_receipts(keeper: Keeper, marks: Marks) -> AsyncIterator[list[str]]:
    """The keys of receipts that nobody needs: of versions that are gone, and of names that a kept version had before."""
    async for some in _batches(keeper, marks):
        kept = {each.id: each for each in await keeper.catalog.kept_by_id([receipt.version_id for _, receipt in some])}
        dead: list[str] = []
        for key, receipt in some:
            version = kept.get(receipt.version_id)
            if version is not None and (version.state is not State.COMMITTED or (version.receipted and key != _key(version))):
                dead.append(key)
        if dead:
            yield dead


def _key(version: Kept) -> str:
    place = version.place
    return receipt_key(place.entity, place.project, place.collection, place.index)


async def _batches(keeper: Keeper, marks: Marks) -> AsyncIterator[Sequence[tuple[str, Receipt]]]:
    batch: list[tuple[str, Receipt]] = []
    async for key, receipt in receipts(keeper, marks):
        if receipt is not None:
            batch.append((key, receipt))
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
