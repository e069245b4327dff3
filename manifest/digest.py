"""Tree digests: the identity of content, computed leaf by leaf."""

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

from blake3 import blake3

from ..errors import InvalidValueError

LEAF_SIZE = 8 << 20
DIGEST_SIZE = 32
CONTEXT = "lading 2026-11-21 tree digest v1"

Data: TypeAlias = bytes | bytearray | memoryview


class Algorithm(StrEnum):
    """How leaves and roots are hashed."""

    BLAKE3 = "BLAKE3"
    SHA256 = "SHA256"


class Label(StrEnum):
    """What `Artifact(digest_algorithm=)` takes: the digests that are shown. MD5 is a label beside BLAKE3 tree digests."""

    BLAKE3 = "BLAKE3"
    SHA256 = "SHA256"
    MD5 = "MD5"

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the tree digests under this label."""
        return Algorithm.SHA256 if self is Label.SHA256 else Algorithm.BLAKE3


class Hasher(Protocol):
    """A hash that is still being fed."""

    def update(self, data: Data, /) -> object: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


def digest_label(name: str) -> Label:
    """The label called `name`. Raise `InvalidValueError` for any other algorithm, W&B's XXH128 among them."""
    try:
        return Label(name)
    except ValueError:
        hint = "use BLAKE3 (fast), SHA256 (FIPS) or MD5 (W&B's digests)"
        raise InvalidValueError(f"Invalid digest_algorithm: {name!r}", hint=hint) from None


def hasher(algorithm: Algorithm) -> Hasher:
    """A fresh hash for one leaf."""
    return blake3() if algorithm is Algorithm.BLAKE3 else hashlib.sha256()


def leaf_digest(algorithm: Algorithm, data: Data) -> bytes:
    """The 32 bytes that stand for one leaf."""
    return blake3(data).digest() if algorithm is Algorithm.BLAKE3 else hashlib.sha256(data).digest()


def root_digest(algorithm: Algorithm, leaves: Sequence[bytes]) -> str:
    """The tree digest of content with these leaf digests, in hex. One leaf stands for itself."""
    if not leaves:
        raise InvalidValueError("a tree digest needs at least one leaf")
    if len(leaves) == 1:
        return leaves[0].hex()
    joined = b"".join(leaves)
    if algorithm is Algorithm.BLAKE3:
        return blake3(joined, derive_key_context=CONTEXT).hexdigest()
    return hmac.digest(CONTEXT.encode(), joined, "sha256").hex()


def tree_digest(algorithm: Algorithm, data: Data) -> str:
    """The tree digest of content that lies in memory, in hex."""
    view = memoryview(data).cast("B")
    ranges = (leaf_range(len(view), index) for index in range(leaf_count(len(view))))
    return root_digest(algorithm, [leaf_digest(algorithm, view[start:stop]) for start, stop in ranges])


def leaf_count(size: int) -> int:
    """How many leaves `size` bytes have; empty content has one, empty leaf."""
    return max(1, -(-size // LEAF_SIZE))


def leaf_range(size: int, index: int) -> tuple[int, int]:
    """The range [start, stop) of leaf `index` of content of `size` bytes."""
    if not 0 <= index < leaf_count(size):
        raise InvalidValueError(f"content of {size} bytes has no leaf {index}")
    start = index * LEAF_SIZE
    return start, min(start + LEAF_SIZE, size)
