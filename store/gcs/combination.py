"""The CRC32C of bytes one after the other, from those of each. Pure."""

import functools
from collections.abc import Iterable

from ..checksum import Checksum

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, its bits mirrored, as in all of this module: the highest bit stands for x⁰
_ONE = 1 << 31


def combined(pieces: Iterable[tuple[Checksum, int]]) -> Checksum:
    """The CRC32C of pieces, each given by its own and its size in bytes."""
    found = 0
    for checksum, size in pieces:
        found = _product(found, _power(size)) ^ int.from_bytes(checksum.value, "big")
    return Checksum("crc32c", found.to_bytes(4, "big"))


@functools.lru_cache(maxsize=64)  # parts are of one size, but for the last
def _power(size: int) -> int:
    """What `size` more bytes multiply the checksum of those before with: x to the power of their bits."""
    result, square, bits = _ONE, _ONE >> 1, size * 8
    while bits:
        if bits & 1:
            result = _product(result, square)
        square = _product(square, square)
        bits >>= 1
    return result


def _product(one: int, other: int) -> int:
    """Of two polynomials over GF(2), modulo that of the checksum."""
    result, bit = 0, _ONE
    while one:
        if one & bit:
            result ^= other
            one ^= bit
        other = (other >> 1) ^ (_POLYNOMIAL if other & 1 else 0)
        bit >>= 1
    return result
