"""The artifact digest: the identity of a whole version."""

from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter

from .digest import Algorithm, hasher
from .entry import Entry

HEADER = b"lading-artifact-v1"
_CHUNK = 4096
_LENGTHS = [length.to_bytes(8, "big") for length in range(512)]
_NO_REF = _LENGTHS[0]


def artifact_digest(algorithm: Algorithm, entries: Iterable[tuple[str, Entry]]) -> str:
    """The hash of the header and, sorted by path, each entry's path, digest and ref, each after its length. Any order."""
    hash_ = hasher(algorithm)
    hash_.update(_measured(HEADER))
    ordered = iter(sorted(entries, key=itemgetter(0)))
    while chunk := b"".join(_strings(islice(ordered, _CHUNK))):
        hash_.update(chunk)
    return hash_.hexdigest()


def _strings(entries: Iterable[tuple[str, Entry]]) -> Iterator[bytes]:
    lengths = _LENGTHS
    for path, entry in entries:
        name, digest = path.encode(), entry.digest.encode()
        if len(name) < 512 and len(digest) < 512:
            yield lengths[len(name)]
            yield name
            yield lengths[len(digest)]
            yield digest
        else:
            yield _measured(name)
            yield _measured(digest)
        yield _NO_REF if entry.ref is None else _measured(entry.ref.encode())


def _measured(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data
