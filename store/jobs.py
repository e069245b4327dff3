"""Jobs: what a store hands out so that a lane can move bulk bytes. Small picklable values that block only when run."""

from collections.abc import Callable, Iterable
from typing import Protocol

Piece = bytes | bytearray | memoryview


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

    def write(self, pieces: Iterable[Piece]) -> None:
        """Block; take the pieces one by one until they end. What they raise ends the job and passes through; then nothing of a
        whole object is visible. Raise `AlreadyExistsError`, `StoreFullError`, `StoreError`, `StoreUnavailableError`."""
        ...
