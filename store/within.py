"""Copies that a store makes by itself: no byte of them comes by here."""

from typing import Protocol, runtime_checkable

from .jobs import ReadJob, WriteJob


@runtime_checkable
class CopiesWithin(Protocol):
    """A `WriteJob` that may be able to."""

    def copy(self, source: ReadJob) -> bool:
        """Block; let the store make what the source would read, pinned as it is. False where that cannot be: then the bytes are
        to be carried, which tells why if that cannot be either. Raise `StoreUnavailableError`."""
        ...


def copied(source: ReadJob, target: WriteJob) -> bool:
    """Whether the store has made the target of the source."""
    return isinstance(target, CopiesWithin) and target.copy(source)
