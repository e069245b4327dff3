"""Rebuilding a catalogue from a store alone: from its receipts, the documents that they name, and a listing.

What comes back is what every version was when it was committed. What was only ever in the catalogue is lost: runs and lineage,
links, later edits of aliases, tags, descriptions and metadata, and which versions were deleted since the last collection.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..catalog import ObjectInfo, Place, State
from ..catalog.upkept import Kept
from ..errors import LadingError, NotFoundError, UsageError
from ..manifest.digest import Label
from ..manifest.keys import KINDS, parse_key
from ..manifest.receipt import Receipt
from ..store.ownership import ownership
from ..store.threads import in_thread
from .keeper import Keeper
from .marking import Marker
from .marks import Marks
from .paperwork import receipts

_AT_ONCE = 500
_BATCH = 4096


@dataclass(slots=True)
class Rebuilt:
    """What was found in the store. `problems` are lines for people."""

    versions: int = 0
    objects: int = 0
    bytes: int = 0
    lost: int = 0  # objects that versions need and that are not there
    problems: list[str] = field(default_factory=list[str])


async def rebuild(keeper: Keeper) -> Rebuilt:
    """Fill the empty catalogue from the store, which it owns afterwards in place of the one that was lost. A rebuilding that was
    cut short is gone on with. Raise `UsageError` for a store without owner, `CommError` for a catalogue that is not empty."""
    try:
        owner = await keeper.persist(lambda: ownership(keeper.store))
    except NotFoundError as error:
        raise UsageError(f"{keeper.store.url} belongs to no catalogue: there is nothing to make one from") from error
    await keeper.catalog.begin_rebuild()
    made = Rebuilt()
    keeper.tell("reading receipts")
    found = await _receipts(keeper, made)
    for start in range(0, len(found), _AT_ONCE):
        await keeper.catalog.restore(found[start : start + _AT_ONCE])
    keeper.tell("reading what versions need")
    unreadable: list[tuple[str, ObjectInfo]] = []

    def note(version: Kept, error: LadingError) -> None:
        made.problems.append(f"{version.place}: {error.message}")
        algorithm = Label(version.digest_algorithm).algorithm
        unreadable.append((version.entity_id, ObjectInfo(algorithm, version.document, 0, "manifest")))

    with Marks() as marks:
        await Marker(keeper, marks, note).mark_some([_kept(receipt) for receipt in found])
        for entity_id in sorted({receipt.entity_id for receipt in found}):
            await _restore_objects(keeper, marks, entity_id, made)
    for entity_id, index in unreadable:
        await keeper.catalog.restore_objects(entity_id, [index], state="lost")
    made.lost += len(unreadable)
    made.versions = await keeper.catalog.end_rebuild(owner.catalog, owner.store)
    return made


async def _receipts(keeper: Keeper, made: Rebuilt) -> list[Receipt]:
    """By collection and number. Of a version whose collection was renamed, both receipts may be there: the later one counts."""
    latest: dict[str, tuple[float, Receipt]] = {}
    modified = {meta.key: meta.modified or 0.0 async for meta in keeper.list("versions/")}
    async for key, receipt in receipts(keeper):
        if receipt is None or receipt.key != key:
            made.problems.append(f"{key}: is no receipt, or not of that version")
            continue
        written = modified.get(key, 0.0)
        known = latest.get(receipt.version_id)
        if known is None or known[0] <= written:
            latest[receipt.version_id] = written, receipt
    found = [receipt for _, receipt in latest.values()]
    return sorted(found, key=lambda each: (each.entity, each.project, each.collection, each.index))


def _kept(receipt: Receipt) -> Kept:
    place = Place(receipt.entity, receipt.project, receipt.collection, receipt.index)
    return Kept(
        receipt.version_id, place, State.COMMITTED, receipt.entity_id, receipt.digest_algorithm, receipt.document, receipted=True
    )


async def _restore_objects(keeper: Keeper, marks: Marks, entity_id: str, made: Rebuilt) -> None:
    batch: list[ObjectInfo] = []

    async def restore() -> None:
        needed = [each for each in batch if marks.is_marked(entity_id, each)]
        await in_thread(lambda: marks.send_off(entity_id, needed))
        await keeper.catalog.restore_objects(entity_id, needed, state="stored")
        made.objects += len(needed)
        made.bytes += sum(each.size for each in needed)
        batch.clear()

    for kind in KINDS.values():
        async for meta in keeper.list(f"{kind}/{entity_id}/"):
            if key := parse_key(meta.key):
                batch.append(ObjectInfo(key.algorithm, key.digest, meta.size, key.kind))
            if len(batch) == _BATCH:
                await restore()
    await restore()
    for some in marks.unsent(entity_id, _BATCH):
        await keeper.catalog.restore_objects(entity_id, some, state="lost")
        made.lost += len(some)
        made.problems += [f"{each.kind} {each.digest}: is not in the store" for each in _few(some)]


def _few(lost: Sequence[ObjectInfo]) -> Sequence[ObjectInfo]:
    return lost[:20]
