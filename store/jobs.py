"""Jobs: what a store hands out so that a lane can move bulk bytes. Small picklable values that block only when run."""

from collections.abc import Callable, Iterable
from typing import Protocol

from .checksum import Checksum, Piece


class ReadJob(Protocol):
    """Read one pinned range of one object. Running it twice reads the same bytes or raises."""

    @property
    def size(self) -> int:
        """How many bytes a run delivers."""
        ...

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        """Block; pass the bytes on in order, in pieces that are slices of `buffer` and valid only until `each` returns. What
        `each` raises ends the job and passes through. Raise `NotFoundError`, `StoreError` (object replaced, too short),
        `StoreUnavailableError`."""
        ...


class WriteJob(Protocol):
    """Write one whole object, or one part of one. Running it again replaces what a run before left behind."""

    @property
    def checks(self) -> str | None:
        """The name of the checksum by which the store itself refuses other bytes than were meant; None if it compares nothing."""
        ...

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        """Block; take the bytes from `start` on straight from the open file `source`, without looking at them. False, with
        nothing sent, where that cannot be. With a `checksum` of the name that it `checks`, other bytes are refused:
        `DigestMismatchError`; without, only what can be read back before `complete` is taken. Raise as `write` does."""
        ...

    def write(self, pieces: Iterable[Piece]) -> None:
        """Block; take the pieces one by one until they end; each lasts only until the next is asked for. What they raise ends the
        job and passes through; then nothing of a whole object is visible. Raise `AlreadyExistsError`, `StoreFullError`,
        `StoreError`, `StoreUnavailableError`."""
        ...
