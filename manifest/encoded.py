"""Encoded documents: canonical JSON, gzipped, named by the tree digest of the plain bytes."""

import json
import zlib

import msgspec
from msgspec import Struct

from ..errors import InvalidValueError, ManifestError
from .digest import Algorithm, tree_digest

MAX_RAW = 512 << 20
MAX_MARKS = 8 << 20
"""Commas and brackets of a document: a value takes many times the memory of the two bytes that it can be written in. Lists of
leaves have none."""
# Measured with 20,000 entries (2.5 MB): level 1 takes 28 ms and gives 985 kB, level 6 takes 69 ms and gives 917 kB.
_LEVEL = 1
_GZIP = 31
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Encoded(Struct, frozen=True):
    """Bytes to store (`data`), and the digest and size of what they inflate to."""

    digest: str
    raw_size: int
    data: bytes


def canonical(value: object) -> bytes:
    """`value` as JSON without spaces, keys of maps sorted by their UTF-8 bytes, fields in their order."""
    return _ENCODER.encode(value)


def encode(value: object, algorithm: Algorithm) -> Encoded:
    """`value` ready to be stored. The same value gives the same digest everywhere."""
    raw = canonical(value)
    if len(raw) > MAX_RAW:
        raise InvalidValueError(f"a manifest page of {len(raw)} bytes is too large (limit {MAX_RAW})", hint="split the artifact")
    if _has_too_many(raw):
        raise InvalidValueError(f"a manifest page has more than {MAX_MARKS} values", hint="its entries have too much in `extra`")
    # zlib's own header has mtime 0.
    return Encoded(tree_digest(algorithm, raw), len(raw), zlib.compress(raw, _LEVEL, wbits=_GZIP))


def inflate(data: bytes, limit: int, name: str) -> bytes:
    """The plain bytes. Raise `ManifestError` when `data` is damaged, or as soon as it inflates beyond `limit`."""
    inflater = zlib.decompressobj(wbits=_GZIP)
    try:
        raw = inflater.decompress(data, min(limit, MAX_RAW) + 1)
    except zlib.error as error:
        raise ManifestError(f"{name}: damaged gzip ({error})") from error
    if len(raw) > min(limit, MAX_RAW):
        raise ManifestError(f"{name}: inflates to more than {min(limit, MAX_RAW)} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ManifestError(f"{name}: {'bytes after the end of' if inflater.eof else 'truncated'} gzip")
    if _has_too_many(raw):
        raise ManifestError(f"{name}: more than {MAX_MARKS} values")
    return raw


def _has_too_many(raw: bytes) -> bool:
    return len(raw) > MAX_MARKS and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_MARKS


def check_digest(raw: bytes, digest: str, algorithm: Algorithm, name: str) -> None:
    """Raise `ManifestError` unless `raw` is what `digest` names."""
    actual = tree_digest(algorithm, raw)
    if actual != digest:
        raise ManifestError(f"{name}: its bytes hash to {actual}")


def check_unique(raw: bytes, name: str) -> None:
    """Raise `ManifestError` if an object in this JSON has a key twice, which decoders do not tell."""

    def pairs(items: list[tuple[str, object]]) -> None:
        if len({key for key, _ in items}) != len(items):
            raise ManifestError(f"{name}: a key stands twice")

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except ManifestError:
        raise
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{name}: {error}") from error
