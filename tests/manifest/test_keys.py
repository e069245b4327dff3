"""Keys say what they hold, and are read back only if they are ours."""

import pytest

from lading.manifest.digest import Algorithm
from lading.manifest.keys import StoredKey, manifest_key, object_key, parse_key, receipt_key, stored_key

DIGEST = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_keys_are_read_back(algorithm: Algorithm) -> None:
    content, document = object_key("me", algorithm, DIGEST), manifest_key("me", algorithm, DIGEST)

    assert parse_key(content) == StoredKey("object", "me", algorithm.value, DIGEST)
    assert parse_key(document) == StoredKey("manifest", "me", algorithm.value, DIGEST)
    assert (stored_key("object", "me", algorithm, DIGEST), stored_key("manifest", "me", algorithm, DIGEST)) == (content, document)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "lading-store.json",
        receipt_key("e", "p", "c", 3),
        f"objects/me/blake3/{DIGEST}",
        f"objects/me/md5/{DIGEST[:2]}/{DIGEST[2:]}",
        f"objects/me/BLAKE3/{DIGEST[:2]}/{DIGEST[2:]}",
        f"objects/me/blake3/{DIGEST[:2]}/{DIGEST[3:]}",
        f"objects/me/blake3/{DIGEST[:2]}/{DIGEST[2:]}/x",
        f"objects/a/b/blake3/{DIGEST[:2]}/{DIGEST[2:]}",
        f"x/objects/me/blake3/{DIGEST[:2]}/{DIGEST[2:]}",
    ],
)
def test_other_keys_are_nobodys(key: str) -> None:
    assert parse_key(key) is None
