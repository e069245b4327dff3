"""Plans: what has to move, cut into pieces of work. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from ..manifest.digest import LEAF_SIZE, leaf_count
from ..manifest.entry import Entry
from ..manifest.keys import manifest_key as manifest_key
from ..manifest.keys import object_key as object_key
from .hashing import Hashed
from .local import LocalFile

PART_LEAVES = 2  # a part is 16 MiB: what one request moves, as a rule
MOST_PARTS = 10_000  # of one object, on S3


class SendItem(msgspec.Struct, frozen=True, gc=False):
    """A local file whose content shall lie under `key`."""

    file: LocalFile
    hashed: Hashed
    key: str

    @property
    def size(self) -> int:
        return self.hashed.size

    def leaf_digests(self, first: int, stop: int) -> list[bytes]:
        """The digests of leaves [first, stop)."""
        return leaf_slice(self.hashed.leaves or self.hashed.digest, first, stop)


class FetchItem(msgspec.Struct, frozen=True, gc=False):
    """Content under `key` that shall become the file `path` below a destination. `copy` is a local file that holds it, too."""

    path: str
    digest: str
    size: int
    key: str
    executable: bool = False
    leaves: str | None = None
    copy: str | None = None

    @property
    def hashed(self) -> Hashed:
        return Hashed(self.digest, self.size, self.leaves)

    def leaf_digests(self, first: int, stop: int) -> list[bytes]:
        """The digests of leaves [first, stop)."""
        return leaf_slice(self.leaves or self.digest, first, stop)

    def copied_from(self, copy: str | None) -> "FetchItem":
        """The same item with this local file, or none, that holds its content."""
        return FetchItem(self.path, self.digest, self.size, self.key, self.executable, self.leaves, copy)


class Run(Struct, frozen=True):
    """Consecutive leaves [first, stop) of content of `size` bytes."""

    first: int
    stop: int
    size: int

    @property
    def start_byte(self) -> int:
        return self.first * LEAF_SIZE

    @property
    def stop_byte(self) -> int:
        return min(self.stop * LEAF_SIZE, self.size)

    def leaf_bytes(self, index: int) -> tuple[int, int]:
        return index * LEAF_SIZE, min((index + 1) * LEAF_SIZE, self.size)


def fetch_item(path: str, entry: Entry, key: str) -> FetchItem:
    """How to fetch a stored entry."""
    return FetchItem(path, entry.digest, entry.size or 0, key, bool(entry.extra.get("executable")), entry.leaves)


def entry_of(hashed: Hashed, *, executable: bool, md5: str | None) -> Entry:
    """The entry of a local file."""
    return Entry(hashed.digest, hashed.size, None, md5, {"executable": True} if executable else {}, hashed.leaves)


def cut(size: int, leaves: int = PART_LEAVES) -> Iterator[Run]:
    """Cut content into parts of `leaves` leaves; only the last may be shorter."""
    count = leaf_count(size)
    for first in range(0, count, leaves):
        yield Run(first, min(first + leaves, count), size)


def part_leaves(size: int) -> int:
    """How many leaves a part of such content has: few, but never more parts than every store takes."""
    return max(PART_LEAVES, -(-leaf_count(size) // MOST_PARTS))


def part_size(size: int) -> int:
    """The same in bytes."""
    return part_leaves(size) * LEAF_SIZE


def is_large(size: int) -> bool:
    """Large content moves in parts, side by side; small content in one go, in batches."""
    return size > LEAF_SIZE


def split_leaves(joined: str) -> tuple[bytes, ...]:
    return tuple(leaf_slice(joined, 0, len(joined) // 64))


def leaf_slice(joined: str, first: int, stop: int) -> list[bytes]:
    """Leaves [first, stop) of a list in joined hex; the cost is that of the slice, not of the list."""
    data = bytes.fromhex(joined[64 * first : 64 * stop])
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def covers(ranges: Iterable[tuple[int, int]], start: int, stop: int) -> bool:
    """Whether one of the ranges holds all of [start, stop)."""
    return any(first <= start and stop <= last for first, last in ranges)


def first_of_each(items: Sequence[FetchItem]) -> tuple[list[FetchItem], list[FetchItem]]:
    """(items of distinct content, items whose content an earlier one has)."""
    seen: set[str] = set()
    first: list[FetchItem] = []
    again: list[FetchItem] = []
    for item in items:
        (again if item.digest in seen else first).append(item)
        seen.add(item.digest)
    return first, again
