"""Early writes: large objects that come to lie in a store before anybody knows their keys."""

from typing import Protocol, TypeGuard

from .jobs import ReadJob, WriteJob
from .store import Store, Write


class EarlyWrite(Protocol):
    """An object in the making, seen by nobody. Its parts are noted as they are written, so that whoever goes on with it after a
    crash finds out what it holds. All of it blocks."""

    def part(self, start: int, stop: int) -> WriteJob:
        """The job that writes [start, stop). Parts may be run in any order, at the same time, and again."""
        ...

    def written(self, start: int, stop: int) -> ReadJob:
        """The job that reads [start, stop) of what was written so far."""
        ...

    def note(self, number: int, digest: bytes) -> None:
        """Keep that the part of this number was written and has this digest, of 32 bytes."""
        ...

    def noted(self, number: int) -> bytes | None:
        """What is kept of it, also by an earlier, dead writer; believe it only where the bytes still say so."""
        ...

    def whole(self, last: str) -> None:
        """All of it is written, and its key will end with `last`: after a crash, who begins a write of that key goes on with it.
        What was noted is gone."""
        ...

    def named(self, key: str) -> Write:
        """The same write, which is whole, now that its key is known. Whatever comes of it, this one is over. Raise
        `NotFoundError` if somebody removed what was written."""
        ...

    def discard(self) -> None:
        """Leave nothing. Repeatable; what was named is not touched."""
        ...


class WritesEarly(Store, Protocol):
    """A store on this machine's disks that begins objects before their keys are known."""

    def begin_early(self, subject: str, source: str, size: int) -> EarlyWrite:
        """Start one of `size` bytes that will be those of the file `source`, or go on with what a certainly dead writer began.
        `subject` says what is written: equal ones are of equal content. Blocks. Raise `StoreError`."""
        ...


def writes_early(store: Store) -> "TypeGuard[WritesEarly]":
    """Whether it is such a store."""
    return hasattr(store, "begin_early")
