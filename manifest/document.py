"""The document of one version: an index and its pages."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from ..errors import FormatNewerError, ManifestError, UsageError
from .digest import LEAF_SIZE, Algorithm
from .encoded import MAX_RAW, Encoded, check_digest, encode, inflate
from .entry import EntryMap
from .pages import MAX_PAGE_COUNT, PageRef, cut_pages, encode_page, page_ref
from .paths import check_path

FORMAT = 1
_HEX_64 = re.compile(r"[0-9a-f]{64}").fullmatch


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root of a document: everything about a version's entries but the entries."""

    format: int
    algorithm: Algorithm
    leaf_size: int
    count: int
    """Entries in all pages."""
    size: int
    """Bytes of content, references included."""
    pages: list[PageRef]


class _Head(msgspec.Struct):
    format: int


_HEAD_DECODER = msgspec.json.Decoder(_Head)
_DECODER = msgspec.json.Decoder(Index)


class Document:
    """A document being written: take `pages` to their end, then `index` and `index_encoded` are there.

    Only one encoded page is held at a time.
    """

    def __init__(self, entries: EntryMap, algorithm: Algorithm) -> None:
        self.pages: Iterator[Encoded] = self._encode(entries, algorithm)
        self._index: Index | None = None

    @property
    def index(self) -> Index:
        """The index. Raise `UsageError` while there are pages left to take."""
        if self._index is None:
            raise UsageError("the index of a document is there once all of its pages have been taken")
        return self._index

    @property
    def index_encoded(self) -> Encoded:
        """The index, ready to be stored; its digest names the whole document."""
        return encode_index(self.index)

    def _encode(self, entries: EntryMap, algorithm: Algorithm) -> Iterator[Encoded]:
        refs: list[PageRef] = []
        size = 0
        for page in cut_pages((path, entries[path]) for path in sorted(entries)):
            encoded = encode_page(page, algorithm)
            refs.append(page_ref(page, encoded))
            size += sum(entry.size or 0 for entry in page.values())
            yield encoded
        self._index = Index(FORMAT, algorithm, LEAF_SIZE, sum(ref.count for ref in refs), size, refs)


def build_document(entries: EntryMap, algorithm: Algorithm) -> Document:
    """The document of these entries; its pages are encoded as they are taken."""
    return Document(entries, algorithm)


def encode_index(index: Index) -> Encoded:
    """The index, ready to be stored."""
    return encode(index, index.algorithm)


def decode_index(data: bytes, digest: str) -> Index:
    """The index called `digest`. Raise `FormatNewerError` for a later format, `ManifestError` for damage."""
    name = f"manifest index {digest[:16]}"
    raw = inflate(data, MAX_RAW, name)
    try:
        head = _HEAD_DECODER.decode(raw)
        if head.format > FORMAT:
            raise FormatNewerError(f"{name} has format {head.format}; this lading reads up to {FORMAT}", hint="upgrade lading")
        index = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{name}: {error}") from error
    check_digest(raw, digest, index.algorithm, name)
    _check_index(index, name)
    return index


def pages_for(index: Index, prefix: str) -> list[PageRef]:
    """The pages that can hold paths that start with `prefix` (all pages for "")."""
    start = max(0, bisect_right(index.pages, prefix, key=_first) - 1)
    stop = bisect_right(index.pages, prefix, key=lambda page: page.first[: len(prefix)])
    return index.pages[start:stop]


def page_for(index: Index, path: str) -> PageRef | None:
    """The one page that can hold `path`; None if it sorts before all pages."""
    place = bisect_right(index.pages, path, key=_first)
    return index.pages[place - 1] if place else None


def _first(page: PageRef) -> str:
    return page.first


def _check_index(index: Index, name: str) -> None:
    if index.format != FORMAT or index.leaf_size != LEAF_SIZE or index.size < 0:
        raise ManifestError(f"{name}: format {index.format}, leaf size {index.leaf_size} or size {index.size} cannot be")
    for page in index.pages:
        if not 1 <= page.count <= MAX_PAGE_COUNT or page.size < 2:
            raise ManifestError(f"{name}: page {page.first!r} has {page.count} entries in {page.size} bytes")
        if not _HEX_64(page.digest):
            raise ManifestError(f"{name}: {page.digest!r} does not name a page")
        try:
            check_path(page.first)
        except ManifestError as error:
            raise ManifestError(f"{name}: {error.message}") from error
    if any(later.first <= earlier.first for earlier, later in pairwise(index.pages)):
        raise ManifestError(f"{name}: pages are not sorted")
    if sum(page.count for page in index.pages) != index.count:
        raise ManifestError(f"{name}: the pages do not add up to {index.count} entries")
