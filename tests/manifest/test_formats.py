"""docs/formats.md says what the code does: its worked example is parsed from the page."""

import gzip
import re
from pathlib import Path

import pytest

from lading.manifest.digest import CONTEXT, LEAF_SIZE, Algorithm, leaf_digest, root_digest, tree_digest
from lading.manifest.document import build_document
from lading.manifest.entry import Entries, Entry, check_entry
from lading.manifest.identity import artifact_digest

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
TEXT = PAGE.read_text()
ROWS = {
    what: (blake, sha) for what, blake, sha in re.findall(r"^\| (.+?) \| `([0-9a-f]{64})` \| `([0-9a-f]{64})` \|$", TEXT, re.M)
}
ZEROS = bytes(LEAF_SIZE + 1)


def example(algorithm: Algorithm) -> Entries:
    leaves = [leaf_digest(algorithm, ZEROS[:LEAF_SIZE]), leaf_digest(algorithm, ZEROS[LEAF_SIZE:])]
    return {
        "hello.txt": Entry(tree_digest(algorithm, b"hello"), size=5, extra={"executable": True}),
        "data/zeros.bin": Entry(root_digest(algorithm, leaves), size=len(ZEROS), leaves=b"".join(leaves).hex()),
        "web.html": Entry("abc", size=3, ref="https://example.com/web.html", extra={"etag": '"abc"'}),
    }


@pytest.mark.parametrize(("column", "algorithm"), list(enumerate(Algorithm)))
def test_the_worked_example(column: int, algorithm: Algorithm) -> None:
    entries = example(algorithm)
    document = build_document(entries, algorithm)
    (page,) = document.pages

    values = {
        "tree digest of no bytes": tree_digest(algorithm, b""),
        "tree digest of `hello`": tree_digest(algorithm, b"hello"),
        "leaf 0 of `zeros.bin`": leaf_digest(algorithm, bytes(LEAF_SIZE)).hex(),
        "leaf 1 of `zeros.bin`": leaf_digest(algorithm, bytes(1)).hex(),
        "tree digest of `zeros.bin`": tree_digest(algorithm, ZEROS),
        "artifact digest": artifact_digest(algorithm, entries.items()),
        "page": page.digest,
        "index": document.index_encoded.digest,
    }

    assert values == {what: row[column] for what, row in ROWS.items()}
    for path, entry in entries.items():
        check_entry(path, entry, algorithm)


def test_the_page_and_the_index_are_shown_byte_by_byte() -> None:
    document = build_document(example(Algorithm.BLAKE3), Algorithm.BLAKE3)
    (page,) = document.pages

    assert re.findall(r"```json\n(.*)\n```", TEXT) == [
        gzip.decompress(page.data).decode(),
        gzip.decompress(document.index_encoded.data).decode(),
    ]


def test_commands_use_the_values_of_the_example() -> None:
    entries = example(Algorithm.BLAKE3)
    hello = entries["hello.txt"].digest

    assert f"text data/zeros.bin; text {entries['data/zeros.bin'].digest}; text ''" in TEXT
    assert f"text hello.txt;      text {hello}; text ''" in TEXT
    assert f"objects/<entity id>/blake3/{hello[:2]}/{hello[2:]}" in TEXT
    assert f"--derive-key '{CONTEXT}'" in TEXT
    assert f"key:'{CONTEXT}'" in TEXT
