"""Pages: the entries of a document, cut where their paths say so."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from ..errors import ManifestError
from .digest import Algorithm
from .encoded import Encoded, canonical, check_digest, check_unique, encode, inflate
from .entry import Entries, Entry, EntryMap, check_entry
from .paths import check_path

MAX_PAGE_COUNT = 65_536
MAX_PAGE_LEAVES = 8 << 20
_CUT_MASK = 0xFFF
_DECODER = msgspec.json.Decoder(Entries)


class PageRef(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One page as the index lists it: its first path, name, count of entries, and bytes before gzip."""

    first: str
    digest: str
    count: int
    size: int


def cut_pages(items: Iterable[tuple[str, Entry]]) -> Iterator[Entries]:
    """Cut sorted entries into pages. Raise `ManifestError` if they are not sorted.

    A page ends after a path whose CRC-32 ends in 12 zero bits, so that a change moves no cut but its own. Two limits keep
    readers' memory bounded: 65,536 entries, and 8 MiB of leaf lists (1 TiB of content).
    """
    page: Entries = {}
    leaves, last = 0, ""
    crc32 = zlib.crc32
    for path, entry in items:
        if path <= last:
            raise ManifestError(f"entries are not sorted: {path!r} after {last!r}")
        page[path] = entry
        last = path
        if entry.leaves is not None:
            leaves += len(entry.leaves)
        if not crc32(path.encode()) & _CUT_MASK or len(page) == MAX_PAGE_COUNT or leaves >= MAX_PAGE_LEAVES:
            yield page
            page, leaves = {}, 0
    if page:
        yield page


def encode_page(entries: EntryMap, algorithm: Algorithm) -> Encoded:
    """The page of these entries, ready to be stored."""
    return encode(entries, algorithm)


def page_ref(entries: EntryMap, encoded: Encoded) -> PageRef:
    """How the index lists this page."""
    return PageRef(next(iter(entries)), encoded.digest, len(entries), encoded.raw_size)


def decode_page(data: bytes, ref: PageRef, algorithm: Algorithm) -> Entries:
    """The entries of the page that `ref` names. Raise `ManifestError` naming it unless every byte and entry is right."""
    name = f"manifest page {ref.digest[:16]} ({ref.first!r})"
    raw = inflate(data, ref.size, name)
    check_digest(raw, ref.digest, algorithm, name)
    try:
        entries = _DECODER.decode(raw)
        unchanged = canonical(entries) == raw
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{name}: {error}") from error
    _check_shape(entries, len(raw), ref, name)
    # Canonical bytes cannot hold a key twice. Others are read as well: another writer may spell a number otherwise.
    if not unchanged:
        check_unique(raw, name)
    try:
        for path, entry in entries.items():
            check_path(path)
            check_entry(path, entry, algorithm)
    except ManifestError as error:
        raise ManifestError(f"{name}: {error.message}") from error
    return entries


def _check_shape(entries: Entries, size: int, ref: PageRef, name: str) -> None:
    if (len(entries), size) != (ref.count, ref.size):
        raise ManifestError(f"{name}: {len(entries)} entries in {size} bytes; the index says {ref.count} in {ref.size}")
    if next(iter(entries), None) != ref.first:
        raise ManifestError(f"{name}: starts with another path")
    if any(later < earlier for earlier, later in pairwise(entries)):
        raise ManifestError(f"{name}: paths are not sorted")
