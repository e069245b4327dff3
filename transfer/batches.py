"""Batches: small things in numbers that are worth a trip to a lane."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
BATCH_COUNT, BATCH_BYTES = 256, 16 << 20


def batches(things: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Cut things into batches, in order: each is full at 256 of them or 16 MiB."""
    batch: list[T] = []
    size = 0
    for thing in things:
        batch.append(thing)
        size += size_of(thing)
        if len(batch) == BATCH_COUNT or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
