"""Tasks: what is to be copied, and what came of it. Values only."""

from msgspec import Struct

from ..errors import InvalidValueError
from .copy_check import parse_digest
from .pairs import Compare
from .progress import Progress


class Task(Struct, frozen=True, kw_only=True):
    """What is to be copied, and how. Raise `InvalidValueError` for what does not go together."""

    source: str
    destination: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    flatten: bool = False
    raw: bool = False  # wildcards are ordinary characters
    compare: Compare = Compare.ALWAYS
    delete: bool = False  # what has no source any more
    digest: str | None = None
    verify: bool = False
    durable: bool = True  # return only when it survives a power cut

    def __post_init__(self) -> None:
        if self.digest:
            parse_digest(self.digest)
        if self.delete and self.flatten:
            raise InvalidValueError("what has no source cannot be told from flat names", hint="sync without flatten")


class Step(Struct, frozen=True):
    """One thing that would be done: `copy` a source to a destination, or `delete` what lies there."""

    action: str
    destination: str
    source: str | None = None
    size: int | None = None


class Report(Struct, frozen=True):
    """What came of a task: counts (what was there already, or is not due, is `reused`), and the addresses that were deleted."""

    progress: Progress
    deleted: tuple[str, ...] = ()
