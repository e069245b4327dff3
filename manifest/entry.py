"""Entries: what lies under one path of an artifact."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from ..errors import ManifestError
from .digest import LEAF_SIZE, Algorithm, leaf_count, root_digest

FOREIGN = "md5:"
_MAX_SIZE = 1 << 63
_HEX_64 = re.compile(r"[0-9a-f]{64}").fullmatch
_MD5 = re.compile(r"[A-Za-z0-9+/]{22}==").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search


class Place(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The range [start, stop) of the pack with this digest. Reserved: no writer makes packs yet."""

    pack: str
    start: int
    stop: int


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """What lies under one path. One of three kinds:

    - stored: `digest` is the tree digest in hex, `size` is known, and content above one leaf lists its `leaves`;
    - reference: `ref` is the URI of bytes elsewhere, and `digest` is the reference's own: an ETag, or the URI;
    - foreign: a file of a W&B document, known only by its MD5. It has no tree digest: `digest` is "md5:" and the
      label, which is never 64 hex digits. It can be shown and compared, not stored or fetched.
    """

    digest: str
    size: int | None = None
    ref: str | None = None
    md5: str | None = None
    """W&B's label, base64, only in artifacts with digest_algorithm MD5."""
    extra: dict[str, Any] = {}
    leaves: str | None = None
    """The leaf digests in hex, one after another, only above one leaf."""
    place: Place | None = None


Entries: TypeAlias = dict[str, Entry]
EntryMap: TypeAlias = Mapping[str, Entry]


def shown_digest(entry: Entry) -> str:
    """The digest that people see: the MD5 label where there is one."""
    return entry.digest if entry.md5 is None else entry.md5


def has_tree_digest(entry: Entry) -> bool:
    """Whether the entry is stored content: neither a reference nor foreign."""
    return entry.ref is None and not entry.digest.startswith(FOREIGN)


def leaf_digests(entry: Entry) -> tuple[bytes, ...]:
    """The leaf digests of stored content, in order; nothing for references and foreign entries."""
    if entry.leaves is not None:
        joined = bytes.fromhex(entry.leaves)
        return tuple(joined[start : start + 32] for start in range(0, len(joined), 32))
    return (bytes.fromhex(entry.digest),) if has_tree_digest(entry) else ()


def check_entry(path: str, entry: Entry, algorithm: Algorithm) -> None:
    """Raise `ManifestError` unless the entry is a reference or stored content whose digest proves its leaves."""
    if entry.size is not None and not 0 <= entry.size < _MAX_SIZE:
        raise ManifestError(f"entry {path!r}: {entry.size} is not a size")
    if entry.md5 is not None and not _MD5(entry.md5):
        raise ManifestError(f"entry {path!r}: {entry.md5!r} is not an MD5 label")
    if entry.ref is not None:
        _check_reference(path, entry)
    else:
        _check_stored(path, entry, algorithm)


def _check_reference(path: str, entry: Entry) -> None:
    if entry.leaves is not None or entry.place is not None:
        raise ManifestError(f"entry {path!r}: a reference has no leaves and no place")
    if _CONTROL(entry.digest):
        # W&B's digest is of lines: a newline in one entry could stand for another entry.
        raise ManifestError(f"entry {path!r}: control characters in the digest {entry.digest!r}")


def _check_stored(path: str, entry: Entry, algorithm: Algorithm) -> None:
    if not _HEX_64(entry.digest):
        raise ManifestError(f"entry {path!r}: {entry.digest!r} is not a tree digest (64 lowercase hex digits)")
    if entry.size is None:
        raise ManifestError(f"entry {path!r}: stored content without a size")
    if entry.leaves is not None or entry.size > LEAF_SIZE:
        _check_leaves(path, entry, entry.size, algorithm)
    place = entry.place
    if place is not None and not (_HEX_64(place.pack) and place.start >= 0 and place.stop - place.start == entry.size):
        raise ManifestError(f"entry {path!r}: its place in a pack does not hold {entry.size} bytes")


def _check_leaves(path: str, entry: Entry, size: int, algorithm: Algorithm) -> None:
    text = entry.leaves or ""
    count = leaf_count(size)
    if count == 1 or len(text) != 64 * count:
        raise ManifestError(f"entry {path!r}: the list of leaves does not fit {size} bytes")
    try:
        leaves = leaf_digests(entry)
    except ValueError:
        leaves = ()
    if b"".join(leaves).hex() != text:  # fromhex also takes spaces and capitals
        raise ManifestError(f"entry {path!r}: the list of leaves is not lowercase hex")
    if root_digest(algorithm, leaves) != entry.digest:
        raise ManifestError(f"entry {path!r}: the list of leaves does not hash to {entry.digest}")
