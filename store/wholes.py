"""Small objects whole, one after another in one lane: for stores that can do many for much less than by a job for each."""

import contextlib
from collections.abc import Generator
from typing import Protocol, runtime_checkable

from .checksum import Piece
from .store import Store


class Wholes(Protocol):
    """What needs to be done once for many objects is done once. For one lane, as long as the block of `wholes` lasts."""

    def read(self, key: str, view: memoryview) -> None:
        """Fill `view` with the object, as the store's `read` of all its bytes would. Raise as that does."""
        ...

    def write(self, key: str, piece: Piece) -> None:
        """Make the object, as the store's `put` would. Raise as that does."""
        ...


@runtime_checkable
class OffersWholes(Protocol):
    """A store that can."""

    def wholes(self) -> contextlib.AbstractContextManager[Wholes]: ...


@contextlib.contextmanager
def wholes(store: Store) -> Generator[Wholes | None]:
    """The store's, while the block runs; None if it offers nothing better than jobs."""
    if isinstance(store, OffersWholes):
        with store.wholes() as found:
            yield found
    else:
        yield None
