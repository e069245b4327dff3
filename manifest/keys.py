"""Keys: under which names a store holds what belongs to versions. They are a promise; docs/formats.md describes them."""

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from .digest import Algorithm

_KEY = re.compile(r"(objects|manifests)/([^/]+)/(blake3|sha256)/([0-9a-f]{2})/([0-9a-f]{62})").fullmatch
KINDS = {"object": "objects", "manifest": "manifests"}  # by the kinds that a catalogue tells apart


class StoredKey(Struct, frozen=True):
    """What a key says. `kind` is "object" or "manifest" (an index or page)."""

    kind: str
    entity_id: str
    algorithm: str
    digest: str


def object_key(entity_id: str, algorithm: "Algorithm", digest: str) -> str:
    return f"objects/{entity_id}/{algorithm.lower()}/{digest[:2]}/{digest[2:]}"


def manifest_key(entity_id: str, algorithm: "Algorithm", digest: str) -> str:
    return f"manifests/{entity_id}/{algorithm.lower()}/{digest[:2]}/{digest[2:]}"


def stored_key(kind: str, entity_id: str, algorithm: str, digest: str) -> str:
    """The same for either kind."""
    return f"{KINDS[kind]}/{entity_id}/{algorithm.lower()}/{digest[:2]}/{digest[2:]}"


def parse_key(key: str) -> StoredKey | None:
    """None for a key of anything else."""
    found = _KEY(key)
    if found is None:
        return None
    return StoredKey(found[1][:-1], found[2], found[3].upper(), found[4] + found[5])


def receipt_key(entity: str, project: str, collection: str, index: int) -> str:
    return f"versions/{entity}/{project}/{collection}/v{index}.json"
