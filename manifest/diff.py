"""What differs between two versions, without reading the pages that they share."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from .document import Index
from .entry import Entry
from .pages import PageRef


class Span(Struct, frozen=True):
    """Pages of two versions that cover the same range of paths and are not equal."""

    old: tuple[PageRef, ...]
    new: tuple[PageRef, ...]


class Change(Struct, frozen=True):
    """What became of one path."""

    path: str
    kind: Literal["added", "modified", "removed"]
    old: Entry | None
    new: Entry | None


def diff_spans(old: Index, new: Index) -> Iterator[Span]:
    """The ranges of pages that have to be read to know every change; equal pages are in none."""
    # Between two page borders with the same first path, both sides hold the same range of paths.
    left, right = old.pages, new.pages
    i = j = border_i = border_j = 0
    while i < len(left) and j < len(right):
        if left[i].first < right[j].first:
            i += 1
        elif left[i].first > right[j].first:
            j += 1
        else:
            if i > border_i or j > border_j:
                yield Span(tuple(left[border_i:i]), tuple(right[border_j:j]))
            equal = left[i].digest == right[j].digest and old.algorithm == new.algorithm
            border_i, border_j = (i + 1, j + 1) if equal else (i, j)
            i, j = i + 1, j + 1
    if border_i < len(left) or border_j < len(right):
        yield Span(tuple(left[border_i:]), tuple(right[border_j:]))


def diff_entries(old: Iterable[tuple[str, Entry]], new: Iterable[tuple[str, Entry]]) -> Iterator[Change]:
    """Every change from `old` to `new`, both sorted by path; neither is held in memory.

    An entry is modified when its digest, ref or extra differs: labels and places say nothing of content.
    """
    olds, news = iter(old), iter(new)
    left, right = next(olds, None), next(news, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None
            yield Change(left[0], "removed", left[1], None)
            left = next(olds, None)
        elif left is None or right[0] < left[0]:
            yield Change(right[0], "added", None, right[1])
            right = next(news, None)
        else:
            if _differs(left[1], right[1]):
                yield Change(left[0], "modified", left[1], right[1])
            left, right = next(olds, None), next(news, None)


def _differs(old: Entry, new: Entry) -> bool:
    return old.digest != new.digest or old.ref != new.ref or old.extra != new.extra
