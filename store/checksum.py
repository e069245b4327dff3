"""Checksums that stores check: cheap, against accidents of a wire or a disk; never the identity of content."""

import base64
import functools
import hashlib
import importlib
import zlib
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ..errors import InvalidValueError

Piece = bytes | bytearray | memoryview


class Checksum(Struct, frozen=True):
    """The value of one, big-endian, and by what it was computed: "crc32", "crc32c", "crc64nvme" or "md5"."""

    name: str
    value: bytes

    @property
    def base64(self) -> str:
        """As S3 and GCS write it in headers."""
        return base64.b64encode(self.value).decode()


class Summer:
    """Computes a checksum piece by piece. Raise `InvalidValueError` if this machine cannot compute it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._md5 = hashlib.md5(usedforsecurity=False) if name == "md5" else None
        self._step, self._width = _crc(name) if name != "md5" else (zlib.crc32, 4)
        self._crc = 0

    def update(self, piece: Piece) -> None:
        if self._md5 is not None:
            self._md5.update(piece)
        else:
            self._crc = self._step(piece, self._crc)

    def checksum(self) -> Checksum:
        value = self._md5.digest() if self._md5 is not None else self._crc.to_bytes(self._width, "big")
        return Checksum(self.name, value)


def checksum(name: str, data: Piece) -> Checksum:
    """The checksum of these bytes."""
    summer = Summer(name)
    summer.update(data)
    return summer.checksum()


@functools.cache
def fast_checksum() -> str:
    """The best that S3 checks and this machine computes: CRC64NVME where a library for the hardware is there, else CRC32."""
    return "crc64nvme" if _module("awscrt.checksums") else "crc32"


def can_compute(name: str) -> bool:
    """Whether this machine can."""
    if name in ("md5", "crc32"):
        return True
    return (name == "crc32c" and _crc32c() is not None) or (name == "crc64nvme" and _module("awscrt.checksums") is not None)


@functools.cache
def _crc(name: str) -> tuple[Callable[[Piece, int], int], int]:
    if name == "crc32":
        return zlib.crc32, 4
    if name == "crc32c" and (found := _crc32c()):
        return found, 4
    if name == "crc64nvme" and (module := _module("awscrt.checksums")):
        step: Callable[[Piece, int], int] = module.crc64nvme
        return step, 8
    raise InvalidValueError(f"the checksum {name} cannot be computed here", hint="pip install 'lading[s3]' or 'lading[gcs]'")


@functools.cache
def _crc32c() -> Callable[[Piece, int], int] | None:
    if module := _module("awscrt.checksums"):
        step: Callable[[Piece, int], int] = module.crc32c
        return step
    if module := _module("google_crc32c"):
        extend: Callable[[int, bytes], int] = module.extend
        return lambda piece, before: extend(before, bytes(piece))
    return None


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
