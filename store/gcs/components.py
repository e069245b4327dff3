"""Large objects in the making: components under names of their own, composed into one object, and always cleaned up.

The components of an upload are `.lading-components/<upload>/<start>-<stop>`, beside the object: who may write that may write
them. `<upload>` says of which key and by which process. Whoever goes on with the upload of a dead one first makes
`<upload>/owner`, which only one can; it is deleted last.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from msgspec import Struct

from ...errors import AlreadyExistsError, NotFoundError
from ..owner import Fate, Owner, fate_of, this_process
from .answers import Stored
from .calls import GcsCalls
from .place import COMPONENTS

_OWNER = "owner"


class Upload(Struct, frozen=True):
    """An object in the making, by its name: of which key (a digest and, for people, the end of it), and who began it."""

    beside: str  # what its key and those of its components begin with: nothing, or ends with a slash
    subject: str
    owner: Owner
    number: str

    @classmethod
    def new(cls, key: str) -> "Upload":
        return cls(_beside(key), subject_of(key), this_process(), secrets.token_hex(4))

    @classmethod
    def parse(cls, folder: str) -> "Upload | None":
        """Of what `folder` gives; None for any other text."""
        beside, separator, name = folder.rstrip("/").rpartition(f"{COMPONENTS}/")
        parts = name.rsplit("-", 2)
        owner = Owner.parse(parts[1]) if separator and len(parts) == 3 else None
        return cls(beside, parts[0], owner, parts[2]) if owner else None

    @property
    def folder(self) -> str:
        """The key that all its objects begin with."""
        return f"{self.beside}{COMPONENTS}/{self.subject}-{self.owner}-{self.number}/"

    def component(self, start: int, stop: int) -> str:
        return f"{self.folder}{start}-{stop}"

    def joined(self, level: int, index: int) -> str:
        """The key of components that were composed on the way."""
        return f"{self.folder}joined-{level}-{index}"


class Left(Struct, frozen=True):
    """What is there of an upload: its components by their ranges [start, stop), who took it over, how many bytes all of it has,
    and when the latest of it was made, in seconds since 1970."""

    upload: Upload
    components: Mapping[tuple[int, int], Stored]
    claim: Stored | None
    size: int
    latest: float

    def cut(self, size: int, part: int) -> dict[tuple[int, int], Stored]:
        """The components that are parts of an object of `size` that is cut into parts of `part`."""
        return {
            (start, stop): one
            for (start, stop), one in self.components.items()
            if start % part == 0 and start < stop == min(start + part, size)
        }


def subject_of(key: str) -> str:
    """The same for the same key, and safe in a name."""
    tail = "".join(character if character.isalnum() else "_" for character in key.rpartition("/")[2][-32:])
    return f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}-{tail}"


def _beside(key: str) -> str:
    folder, slash, _ = key.rpartition("/")
    return folder + slash


async def uploads(calls: GcsCalls, prefix: str = "") -> AsyncIterator[Left]:
    """All that was begun below the prefix and neither completed nor aborted, by anybody."""
    async for left in _grouped(calls, calls.list(calls.place.name(prefix), pattern=f"**{COMPONENTS}/**")):
        yield left


async def _grouped(calls: GcsCalls, found: AsyncIterator[Stored]) -> AsyncIterator[Left]:
    """What belongs to the same upload is listed together."""
    current, objects = "", list[Stored]()
    async for one in found:
        folder = calls.place.key(one.name).rpartition("/")[0]
        if folder != current:
            if left := _left(calls, current, objects):
                yield left
            current, objects = folder, []
        objects.append(one)
    if left := _left(calls, current, objects):
        yield left


def _left(calls: GcsCalls, folder: str, objects: Iterable[Stored]) -> Left | None:
    upload = Upload.parse(folder)
    if upload is None:
        return None
    components, claim = dict[tuple[int, int], Stored](), None
    size, latest = 0, 0.0
    for one in objects:
        size, latest = size + one.size, max(latest, one.created or 0.0)
        last = calls.place.key(one.name).removeprefix(upload.folder)
        start, dash, stop = last.partition("-")
        if last == _OWNER:
            claim = one
        elif dash and start.isdecimal() and stop.isdecimal() and one.size == int(stop) - int(start):
            components[int(start), int(stop)] = one
    return Left(upload, components, claim, size, latest)


async def adopted(calls: GcsCalls, key: str) -> Left | None:
    """The upload of the key with the most bytes of all whose writers are certainly dead: from now on it is ours. The others of
    these are removed."""
    prefix = calls.place.name(f"{_beside(key)}{COMPONENTS}/{subject_of(key)}-")
    lefts = [left async for left in _grouped(calls, calls.list(prefix))]
    found = [left for left in lefts if left.claim or fate_of(left.upload.owner) is Fate.GONE]
    ours: Left | None = None
    for left in sorted(found, key=lambda left: left.size, reverse=True):
        if await _claimed(calls, left):
            if ours is None:
                ours = await now(calls, left.upload)
            else:
                await remove(calls, left.upload)
    return ours


async def _claimed(calls: GcsCalls, left: Left) -> bool:
    """Whether the dead writer's upload is ours now. Of several that try, one makes the claim or replaces a dead one's."""
    name = calls.place.name(left.upload.folder + _OWNER)
    if left.claim is not None:
        try:
            owner = Owner.parse((await calls.download(name)).decode("ascii", "replace"))
        except NotFoundError:
            return False  # its owner is just finishing
        if owner is None or fate_of(owner) is not Fate.GONE:
            return False
    try:
        await calls.insert(name, str(this_process()).encode(), generation=left.claim.generation if left.claim else 0)
    except AlreadyExistsError:
        return False
    return True


async def fate_of_left(calls: GcsCalls, left: Left) -> Fate:
    """Of whoever writes it: the one that claimed it, or the one that began it."""
    if left.claim is None:
        return fate_of(left.upload.owner)
    try:
        claimed = await calls.download(calls.place.name(left.upload.folder + _OWNER))
    except NotFoundError:
        return Fate.ALIVE  # it is just being finished
    owner = Owner.parse(claimed.decode("ascii", "replace"))
    return Fate.UNKNOWN if owner is None else fate_of(owner)


async def now(calls: GcsCalls, upload: Upload) -> Left:
    """As it is after it was claimed: who had claimed it before may have finished it."""
    found = [one async for one in calls.list(calls.place.name(upload.folder))]
    return _left(calls, upload.folder, found) or Left(upload, {}, None, 0, 0.0)


async def remove(calls: GcsCalls, upload: Upload) -> None:
    """Delete all of it, the claim last: while it is there, nobody else takes what is left for theirs. Repeatable."""
    names: Sequence[str] = [one.name async for one in calls.list(calls.place.name(upload.folder))]
    claim = calls.place.name(upload.folder + _OWNER)
    await calls.delete(name for name in names if name != claim)
    if claim in names:
        await calls.delete((claim,))
