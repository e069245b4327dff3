"""Checks of a copy: a digest that was given, or the checksum that the store states."""

import hashlib
import re
from collections.abc import Callable
from typing import Protocol

from blake3 import blake3
from msgspec import Struct

from ..errors import DigestMismatchError, InvalidValueError, StoreError
from ..manifest.digest import Hasher
from ..store.checksum import Checksum, Summer, can_compute
from ..store.halt import Halt
from ..store.jobs import ReadJob
from ..store.store import ObjectMeta, Store
from .lanes import buffer

_DAMAGED = "the source is another than was meant, or its bytes are damaged: run it again, or take it from elsewhere"
_LENGTHS = {"blake3": 64, "sha256": 64, "md5": 32}


class Digest(Struct, frozen=True):
    """What the bytes of one object should hash to: `blake3`, `sha256` or `md5`, and the value in hex. BLAKE3 is that of all
    bytes, as `b3sum` prints it."""

    name: str
    value: str

    def hasher(self) -> Hasher:
        if self.name == "blake3":
            return blake3()
        return hashlib.sha256() if self.name == "sha256" else hashlib.md5(usedforsecurity=False)


class Replay(Protocol):
    """What passes all bytes of something on, in order."""

    def __call__(self, each: Callable[[memoryview], None], halt: Halt, /) -> None: ...


def parse_digest(text: str) -> Digest:
    """`blake3:HEX`, `sha256:HEX` or `md5:HEX`. Raise `InvalidValueError`."""
    name, _, value = text.partition(":")
    name, value = name.lower(), value.lower()
    if name not in _LENGTHS or not re.fullmatch(f"[0-9a-f]{{{_LENGTHS[name]}}}", value):
        raise InvalidValueError(f"{text!r} is no digest", hint="blake3:HEX, sha256:HEX or md5:HEX, as b3sum and the like print")
    return Digest(name, value)


def replayed(job: ReadJob) -> Replay:
    """All that a job reads, in a lane."""

    def replay(each: Callable[[memoryview], None], halt: Halt) -> None:
        def take(piece: memoryview) -> None:
            halt.check()
            each(piece)

        job.read(buffer(), take)

    return replay


def check_digest(digest: Digest, name: str, replay: Replay, halt: Halt) -> None:
    """Block; raise `DigestMismatchError` if the bytes are not those of the digest."""
    hasher = digest.hasher()
    replay(lambda piece: _feed(hasher, piece), halt)
    if (actual := hasher.hexdigest()) != digest.value:
        expected, actual = f"{digest.name}:{digest.value}", f"{digest.name}:{actual}"
        raise DigestMismatchError(name, expected=expected, actual=actual, hint=_DAMAGED)


def _feed(hasher: Hasher, piece: memoryview) -> None:
    hasher.update(piece)


def checksum_of(name: str, replay: Replay, halt: Halt) -> Checksum:
    """Block; the checksum of the bytes."""
    summer = Summer(name)
    replay(summer.update, halt)
    return summer.checksum()


def check_checksum(expected: Checksum, name: str, replay: Replay, halt: Halt) -> None:
    """Block; raise `DigestMismatchError` if the bytes do not have the checksum."""
    actual = checksum_of(expected.name, replay, halt)
    if actual != expected:
        shown = [f"{each.name}:{each.value.hex()}" for each in (expected, actual)]
        raise DigestMismatchError(name, expected=shown[0], actual=shown[1], hint=_DAMAGED)


def stated(meta: ObjectMeta, store: Store) -> Checksum:
    """The checksum that the store states of the whole object. Raise `StoreError` if there is none that can be compared."""
    if meta.checksum is None:
        raise StoreError(
            f"{store.url} states no checksum of the whole of {meta.key or 'it'}: there is nothing to verify it against",
            hint="give the digest yourself: --digest sha256:…",
        )
    if not can_compute(meta.checksum.name):
        raise StoreError(
            f"{meta.key} in {store.url} has a {meta.checksum.name}, which cannot be computed here",
            hint="pip install 'lading[s3]' or 'lading[gcs]'",
        )
    return meta.checksum
