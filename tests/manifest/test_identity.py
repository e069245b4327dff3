"""The artifact digest, by hand."""

import hashlib
import random

import pytest
from blake3 import blake3

from lading.manifest.digest import Algorithm
from lading.manifest.entry import Entries, Entry
from lading.manifest.identity import artifact_digest

HELLO = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
ENTRIES: Entries = {
    "hello.txt": Entry(HELLO, size=5),
    "é/web.html": Entry('"abc"', ref="https://example.com/web.html", size=3),
    "a": Entry("0" * 64, size=1, extra={"executable": True}),
}
# Frozen: a change here is a new format.
GOLDEN = {
    Algorithm.BLAKE3: "379d4a0dce8856775611c80d696753ae67b5978ea6a62a9ebcef24531352c41a",
    Algorithm.SHA256: "1f59dfe2bd72fece3fb6e1b50aab176730a862cbda1335e15cd103c13560dee4",
}


def by_hand(entries: Entries) -> bytes:
    strings = ["lading-artifact-v1"]
    for path in sorted(entries, key=str.encode):
        strings += [path, entries[path].digest, entries[path].ref or ""]
    return b"".join(len(text.encode()).to_bytes(8, "big") + text.encode() for text in strings)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_golden_values(algorithm: Algorithm) -> None:
    assert artifact_digest(algorithm, ENTRIES.items()) == GOLDEN[algorithm]


def test_by_hand() -> None:
    assert artifact_digest(Algorithm.BLAKE3, ENTRIES.items()) == blake3(by_hand(ENTRIES)).hexdigest()
    assert artifact_digest(Algorithm.SHA256, ENTRIES.items()) == hashlib.sha256(by_hand(ENTRIES)).hexdigest()
    assert artifact_digest(Algorithm.BLAKE3, []) == blake3(by_hand({})).hexdigest()


def test_many_entries_and_long_strings_by_hand() -> None:
    entries = {
        f"{number:05}/{'x' * (number % 700)}": Entry("d" * (number % 600), ref="r" * (number % 3)) for number in range(9000)
    }
    shuffled = list(entries.items())
    random.Random(7).shuffle(shuffled)

    assert artifact_digest(Algorithm.BLAKE3, shuffled) == blake3(by_hand(entries)).hexdigest()


def test_only_path_digest_and_ref_count() -> None:
    plain = artifact_digest(Algorithm.BLAKE3, {"a": Entry(HELLO, size=5)}.items())

    assert artifact_digest(Algorithm.BLAKE3, {"a": Entry(HELLO, size=6, md5="x", extra={"k": 1})}.items()) == plain
    assert artifact_digest(Algorithm.BLAKE3, {"b": Entry(HELLO, size=5)}.items()) != plain
    assert artifact_digest(Algorithm.BLAKE3, {"a": Entry(HELLO, size=5, ref="u")}.items()) != plain


def test_no_string_can_pass_for_two() -> None:
    one = {"a": Entry("x" + "y", ref="z")}
    other = {"a": Entry("x", ref="y" + "z")}

    assert artifact_digest(Algorithm.BLAKE3, one.items()) != artifact_digest(Algorithm.BLAKE3, other.items())
