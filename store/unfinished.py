"""What was begun in a store and is not finished: the narrow interface by which upkeep finds it and clears it away."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeGuard

from msgspec import Struct

from .journal import Begun
from .owner import Fate
from .store import Store


class Unfinished(Struct, frozen=True):
    """An object in the making. `name` tells it from others of the same `key`."""

    key: str
    name: str
    fate: Fate  # of its writer, as far as it can be known from here
    touched: float | None  # when it was begun or last written, in seconds since 1970, by the store's clock; None: nobody says
    size: int | None = None  # bytes that it takes; None: nobody says


class KeepsUnfinished(Store, Protocol):
    """A store that can be asked for what its writers, alive or dead, have in the making."""

    def unfinished(self) -> AsyncIterator[Unfinished]:
        """All of it, of whomever."""
        ...

    async def give_up(self, one: Unfinished) -> None:
        """Leave nothing of it. Repeatable. What another process goes on with by now may stay."""
        ...


def keeps_unfinished(store: Store) -> "TypeGuard[KeepsUnfinished]":
    """Whether it is such a store. Nothing is left in one that is not (memory, HTTP)."""
    return hasattr(store, "unfinished") and hasattr(store, "give_up")


class KeepsNoted(Store, Protocol):
    """A store whose writers note in a journal what they begin."""

    async def discard(self, begun: Begun) -> None:
        """Abort what was noted, also where it was never named. Repeatable."""
        ...


def keeps_noted(store: Store) -> "TypeGuard[KeepsNoted]":
    """Whether it is such a store."""
    return hasattr(store, "journal") and hasattr(store, "discard")
