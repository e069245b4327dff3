"""Soundness: whether what lies in a store is what its name says, and what is done about what is not."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from ..catalog import ObjectInfo
from ..errors import ManifestError
from ..manifest.digest import Algorithm, root_digest
from ..manifest.encoded import MAX_RAW, check_digest, inflate
from ..manifest.keys import stored_key
from .keeper import Keeper

_AT_ONCE = 4096


class Subject(Struct, frozen=True):
    """An object that an entity is said to store."""

    entity_id: str
    info: ObjectInfo

    @property
    def key(self) -> str:
        return stored_key(self.info.kind, self.entity_id, self.info.algorithm, self.info.digest)


class Bad(Struct, frozen=True):
    """An object that is not what it should be; `there` is False where there is none."""

    subject: Subject
    problem: str
    there: bool = True


async def subjects(keeper: Keeper, entity: str | None = None) -> AsyncIterator[Subject]:
    """All that the catalogue says is stored, of this entity or of all. What it knows to be lost is not asked for."""
    for entity_id, name in await keeper.catalog.entities():
        if entity not in (None, name):
            continue
        after: ObjectInfo | None = None
        while found := await keeper.catalog.held(entity_id, after=after, limit=_AT_ONCE):
            after = found[-1].info
            for held in found:
                if held.state in ("stored", "condemned"):
                    yield Subject(entity_id, held.info)


def missing(subject: Subject) -> Bad:
    return Bad(subject, "is not in the store", there=False)


def judge_size(subject: Subject, size: int) -> Bad | None:
    """What is wrong with content by its size alone."""
    expected = subject.info.size
    return None if size == expected else Bad(subject, f"has {size} bytes, not {expected}")


def judge_leaves(subject: Subject, leaves: Sequence[bytes]) -> Bad | None:
    """What is wrong with content whose leaves have these digests."""
    actual = root_digest(Algorithm(subject.info.algorithm), leaves)
    return None if actual == subject.info.digest else Bad(subject, f"has bytes that hash to {actual}")


def judge_document(subject: Subject, data: bytes) -> Bad | None:
    """What is wrong with an index or a page."""
    try:
        raw = inflate(data, MAX_RAW, "it")
        check_digest(raw, subject.info.digest, Algorithm(subject.info.algorithm), "it")
    except ManifestError as error:
        return Bad(subject, f"is damaged ({error.message})")
    return None


async def repair(keeper: Keeper, bad: Sequence[Bad]) -> None:
    """Delete what is wrong and let the catalogue forget it: the next log that needs it sends it again. In this order: as long as
    the catalogue says that it is stored, nobody sends it, and so nothing that is right is deleted."""
    for start in range(0, len(bad), _AT_ONCE):
        some = bad[start : start + _AT_ONCE]
        keys = [each.subject.key for each in some if each.there]
        if keys:
            await keeper.persist(lambda: keeper.store.delete(keys))  # noqa: B023  # awaited within the round
        for entity_id in sorted({each.subject.entity_id for each in some}):
            infos = [each.subject.info for each in some if each.subject.entity_id == entity_id]
            await keeper.catalog.forget(entity_id, infos)
