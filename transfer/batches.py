"""Batches: small things in numbers that are worth a trip to a lane."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
BATCH_COUNT, BATCH_BYTES = 256, 16 << 20
FIRST_COUNT, WORTH = 16, 0.25  # seconds: long beside a trip to a lane, short enough to learn from and to share
REQUEST = 64 << 10
PATIENCE = 3  # refusals in a row, after which a batch is left to a better time


class BatchCount:
    """How many small things make a batch: for a store far away, as many as take a quarter of a second."""

    def __init__(self, *, near: bool) -> None:
        self.now = BATCH_COUNT if near else FIRST_COUNT
        self._near = near

    def took(self, count: int, seconds: float) -> None:
        """A batch of so many took so long."""
        if not self._near and count:
            fitting = int(count * WORTH / max(seconds, 1e-6))
            self.now = max(1, min(fitting, 2 * self.now, BATCH_COUNT))


def most_of(sizes: Iterable[int], *, failed: int) -> float:
    """The `amount` of what was moved, if no more than that failed; else 0."""
    moved = list(sizes)
    return amount(moved) if len(moved) >= failed else 0.0


class Refusals:
    """Counts how often in a row the store asked to be left alone."""

    def __init__(self) -> None:
        self._row = 0

    def enough(self, error: Exception | None) -> bool:
        """Whether to stop asking, after this error or none."""
        self._row = self._row + 1 if getattr(error, "throttled", False) else 0
        return self._row >= PATIENCE


def amount(sizes: Iterable[int]) -> int:
    """What it is to move things of these sizes, as bytes: a request counts like 64 KiB."""
    return sum(size + REQUEST for size in sizes)


def batches(
    things: Iterable[T], size_of: Callable[[T], int], *, count: int | Callable[[], int] = BATCH_COUNT
) -> Iterator[list[T]]:
    """Cut things into batches, in order: each is full at `count` of them, which is asked for again each time, or 16 MiB."""
    batch: list[T] = []
    size, full = 0, count if isinstance(count, int) else 0
    for thing in things:
        batch.append(thing)
        size += size_of(thing)
        if not isinstance(count, int) and len(batch) == 1:
            full = count()
        if len(batch) >= full or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
