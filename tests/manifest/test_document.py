"""The document: an index that proves its pages."""

import gzip
import json
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.errors import FormatNewerError, ManifestError, UsageError
from lading.manifest.digest import LEAF_SIZE, Algorithm, tree_digest
from lading.manifest.document import Index, build_document, decode_index, encode_index, page_for, pages_for
from lading.manifest.entry import Entries, Entry
from lading.manifest.pages import PageRef, decode_page

HEX = "0" * 64
ENTRIES: Entries = {f"train/img_{number:06}.jpg": Entry(f"{number:064x}", size=number) for number in range(20_000)}
PAGE = {"first": "a", "digest": HEX, "count": 1, "size": 90}
INDEX: dict[str, Any] = {"format": 1, "algorithm": "BLAKE3", "leaf_size": LEAF_SIZE, "count": 1, "size": 5, "pages": [PAGE]}
RAW = (
    b'{"format":1,"algorithm":"BLAKE3","leaf_size":8388608,"count":1,"size":5,'
    b'"pages":[{"first":"a","digest":"0000000000000000000000000000000000000000000000000000000000000000","count":1,"size":90}]}'
)
# Frozen: a change here is a new format.
GOLDEN = "274bef303058ae5abf2d8743ccdfc8d44ece5e0dbf020ba7433986adbca3b088"
GOLDEN_EMPTY = "260a98e03348935c0e20d744289936067c5a7f5d1e858cae2fad89c023db0036"


def decode(document: object, digest: str | None = None) -> Index:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode_index(gzip.compress(raw), digest or tree_digest(Algorithm.BLAKE3, raw))


def index_of(*firsts: str) -> Index:
    pages = [PageRef(first, HEX, 1, 90) for first in firsts]
    return Index(1, Algorithm.BLAKE3, LEAF_SIZE, len(pages), 0, pages)


def test_golden_index() -> None:
    encoded = encode_index(Index(1, Algorithm.BLAKE3, LEAF_SIZE, 1, 5, [PageRef("a", HEX, 1, 90)]))

    assert gzip.decompress(encoded.data) == RAW
    assert encoded.digest == GOLDEN == blake3(RAW).hexdigest()


def test_golden_empty_document() -> None:
    document = build_document({}, Algorithm.BLAKE3)

    assert list(document.pages) == []
    assert document.index == Index(1, Algorithm.BLAKE3, LEAF_SIZE, 0, 0, [])
    assert document.index_encoded.digest == GOLDEN_EMPTY


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_document_is_written_and_read(algorithm: Algorithm) -> None:
    backwards = dict(reversed(ENTRIES.items()))
    document = build_document(backwards, algorithm)
    data = {page.digest: page.data for page in document.pages}
    encoded = document.index_encoded

    index = decode_index(encoded.data, encoded.digest)

    assert index == document.index
    assert (index.count, index.size, len(index.pages)) == (20_000, sum(range(20_000)), len(data))
    read = [item for ref in index.pages for item in decode_page(data[ref.digest], ref, index.algorithm).items()]
    assert read == list(ENTRIES.items())


def test_the_index_is_there_only_after_all_pages() -> None:
    document = build_document(ENTRIES, Algorithm.BLAKE3)
    next(document.pages)

    with pytest.raises(UsageError, match="all of its pages"):
        document.index.count.bit_length()
    assert len([*document.pages]) + 1 == len(document.index.pages)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 0},
        {"format": "1"},
        {"format": None},
        {"algorithm": "MD5"},
        {"leaf_size": 1024},
        {"count": 2},
        {"count": "1"},
        {"size": -1},
        {"pages": [], "count": 1},
        {"pages": [PAGE, PAGE], "count": 2},
        {"pages": [PAGE | {"first": "b"}, PAGE], "count": 2},
        {"pages": [PAGE | {"count": 0}], "count": 0},
        {"pages": [PAGE | {"count": 65_537}], "count": 65_537},
        {"pages": [PAGE | {"count": 2}, PAGE | {"first": "b", "count": -1}], "count": 1},
        {"pages": [PAGE | {"size": -1}]},
        {"pages": [PAGE | {"digest": "../../etc/passwd"}]},
        {"pages": [PAGE | {"digest": "A" * 64}]},
        {"pages": [PAGE | {"first": "../a"}]},
        {"pages": [PAGE | {"first": "a//b"}]},
        {"pages": [PAGE | {"url": "http://x"}]},
        {"pages": [{"first": "a"}]},
        {"pages": {}},
        {"more": 1},
    ],
    ids=repr,
)
def test_hostile_indexes_are_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match=r"^manifest index [0-9a-f]{16}") as caught:
        decode(INDEX | changes)

    assert not isinstance(caught.value, FormatNewerError)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"\xff", b'{"format":1}'])
def test_what_is_no_index_is_refused(raw: bytes) -> None:
    with pytest.raises(ManifestError, match="manifest index"):
        decode(raw)


@pytest.mark.parametrize("document", [{"format": 2, "what": "ever"}, INDEX | {"format": 99, "algorithm": "BLAKE9"}])
def test_a_newer_format_is_refused_in_one_sentence(document: dict[str, Any]) -> None:
    with pytest.raises(FormatNewerError, match="this lading reads up to 1") as caught:
        decode(document)

    assert caught.value.hint == "upgrade lading"


def test_damage_is_refused() -> None:
    data = gzip.compress(RAW)
    for damaged in (data[:-1], data + b"x", b"", gzip.compress(RAW + b" ")):
        with pytest.raises(ManifestError):
            decode_index(damaged, GOLDEN)
    with pytest.raises(ManifestError, match="hash to"):
        decode(RAW, HEX)


def test_pages_for_a_prefix() -> None:
    index = index_of("b", "d/1", "d/5", "e")

    def firsts(prefix: str) -> str:
        return " ".join(page.first for page in pages_for(index, prefix))

    assert firsts("") == "b d/1 d/5 e"
    assert firsts("a") == ""
    assert firsts("b") == "b"
    assert firsts("c") == "b"
    assert firsts("d") == "b d/1 d/5"
    assert firsts("d/1") == "d/1"
    assert firsts("d/3") == "d/1"
    assert firsts("d/9") == "d/5"
    assert firsts("e") == "e"
    assert firsts("z") == "e"
    assert pages_for(index_of(), "a") == []


def test_the_page_for_a_path() -> None:
    index = index_of("b", "d/1", "e")

    found = {path: getattr(page_for(index, path), "first", None) for path in ("a", "b", "c", "d/1", "d/0", "dd", "e", "z")}

    assert found == {"a": None, "b": "b", "c": "b", "d/1": "d/1", "d/0": "b", "dd": "d/1", "e": "e", "z": "e"}
    assert page_for(index_of(), "a") is None


@settings(max_examples=200)
@given(st.sets(st.text("ab/", min_size=1, max_size=4), min_size=1), st.integers(1, 4), st.text("ab/", max_size=3))
def test_no_path_is_outside_its_pages(paths: set[str], per_page: int, prefix: str) -> None:
    ordered = sorted(paths)
    held = {ordered[start]: ordered[start : start + per_page] for start in range(0, len(ordered), per_page)}
    index = index_of(*held)

    reached = [path for page in pages_for(index, prefix) for path in held[page.first]]

    assert [path for path in ordered if path.startswith(prefix)] == [path for path in reached if path.startswith(prefix)]
    for path in ordered:
        page = page_for(index, path)
        assert page is not None
        assert path in held[page.first]
