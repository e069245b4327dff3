"""Pages: cut by their paths, checked byte by byte."""

import gzip
import json
import zlib
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.errors import ManifestError
from lading.manifest import pages as pages_module
from lading.manifest.digest import LEAF_SIZE, Algorithm, root_digest, tree_digest
from lading.manifest.entry import Entries, Entry
from lading.manifest.pages import PageRef, cut_pages, decode_page, encode_page, page_ref

HEX = "0" * 64
HELLO = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
LEAVES = [bytes(32), bytes(range(32))]
PAGE: Entries = {
    "data/big.bin": Entry(root_digest(Algorithm.BLAKE3, LEAVES), size=LEAF_SIZE + 1, leaves=b"".join(LEAVES).hex()),
    "hello.txt": Entry(HELLO, size=5, md5="XUFAKrxLKna5cZ2REBfFkg==", extra={"z": [1, None], "executable": True}),
    "web.html": Entry("abc", ref="https://example.com/web.html"),
}
RAW = (
    b'{"data/big.bin":{"digest":"%s","size":8388609,"leaves":"%s"},'
    b'"hello.txt":{"digest":"%s","size":5,"md5":"XUFAKrxLKna5cZ2REBfFkg==","extra":{"executable":true,"z":[1,null]}},'
    b'"web.html":{"digest":"abc","ref":"https://example.com/web.html"}}'
) % (PAGE["data/big.bin"].digest.encode(), b"".join(LEAVES).hex().encode(), HELLO.encode())
# Frozen: a change here is a new format.
GOLDEN = "ec3a385ba32654f21fd5eac2486f31babdbc5a09653c79d4c82820c42adf0320"

SIZES = st.integers(0, LEAF_SIZE)
PATHS = st.lists(st.text("abcXYZ09é☃-_ ", min_size=1, max_size=6), min_size=1, max_size=3).map("/".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
STORED = st.builds(
    Entry, st.binary(min_size=32, max_size=32).map(bytes.hex), SIZES, extra=st.dictionaries(st.text(), JSON, max_size=2)
)
REFERENCE = st.builds(Entry, st.text("abc/:é"), st.none() | SIZES, ref=st.text())
ENTRIES = st.dictionaries(PATHS, STORED | REFERENCE, min_size=1, max_size=8)


def sealed(raw: bytes, **changes: Any) -> tuple[bytes, PageRef]:
    """A page of any bytes and an index line that fits it, but for `changes`."""
    try:
        document = json.loads(raw)
        first, count = next(iter(document), ""), len(document)
    except (ValueError, TypeError, RecursionError):
        first, count = "a", 1
    facts: dict[str, Any] = {"first": first, "digest": tree_digest(Algorithm.BLAKE3, raw), "count": count, "size": len(raw)}
    return gzip.compress(raw), PageRef(**(facts | changes))


def decode(raw: bytes, **changes: Any) -> Entries:
    data, ref = sealed(raw, **changes)
    return decode_page(data, ref, Algorithm.BLAKE3)


def named(**entries: object) -> bytes:
    return json.dumps(entries).encode()


def test_golden_page() -> None:
    encoded = encode_page(PAGE, Algorithm.BLAKE3)

    assert gzip.decompress(encoded.data) == RAW
    assert encoded.digest == GOLDEN == blake3(RAW).hexdigest()
    assert page_ref(PAGE, encoded) == PageRef("data/big.bin", GOLDEN, 3, len(RAW))


@given(ENTRIES, st.sampled_from(Algorithm))
def test_what_is_encoded_is_decoded(entries: Entries, algorithm: Algorithm) -> None:
    entries = dict(sorted(entries.items()))
    encoded = encode_page(entries, algorithm)

    decoded = decode_page(encoded.data, page_ref(entries, encoded), algorithm)

    assert decoded == entries
    assert list(decoded) == list(entries)
    assert encode_page(decoded, algorithm) == encoded


def test_the_order_of_maps_does_not_matter() -> None:
    one = encode_page({"a": Entry(HEX, size=0, extra={"x": 1, "y": {"k": 1, "j": 2}})}, Algorithm.BLAKE3)
    other = encode_page({"a": Entry(HEX, size=0, extra={"y": {"j": 2, "k": 1}, "x": 1})}, Algorithm.BLAKE3)

    assert one == other


def test_spaces_and_other_spellings_of_numbers_are_read() -> None:
    assert decode(b'{ "a": {"digest": "%s", "size": 5, "extra": {"x": 1.50e1}} }' % HEX.encode())["a"].extra == {"x": 15.0}


GOOD = {"digest": HEX, "size": 5}
HOSTILE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "not JSON": (b"{", {}),
    "not a map": (b"[1]", {}),
    "not UTF-8": (b'{"a\xff":{"digest":"' + HEX.encode() + b'","size":5}}', {"first": "a", "count": 1}),
    "deeply nested": (b'{"a":{"digest":"x","extra":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}}", {}),
    "huge number": (b'{"a":{"digest":"x","extra":{"x":' + b"9" * 5000 + b"}}}", {}),
    "infinite number": (b'{"a":{"digest":"x","extra":{"x":1e400}}}', {}),
    "wrong digest": (named(a=GOOD), {"digest": HEX}),
    "wrong count": (named(a=GOOD), {"count": 2}),
    "wrong first path": (named(a=GOOD), {"first": "b"}),
    "wrong size": (named(a=GOOD), {"size": 10_000}),
    "too small a size": (named(a=GOOD), {"size": 10}),
    "no entries": (b"{}", {}),
    "unsorted": (named(b=GOOD, a=GOOD), {}),
    "duplicate": (b'{"a":%s,"a":%s}' % (json.dumps(GOOD).encode(), json.dumps(GOOD).encode()), {}),
    "duplicate field": (b'{"a":{"digest":"%s","size":5,"size":6}}' % HEX.encode(), {}),
    "duplicate in extra": (b'{"a":{"digest":"%s","size":5,"extra":{"x":1,"x":2}}}' % HEX.encode(), {}),
    "parent": (named(**{"../a": GOOD}), {}),
    "hidden parent": (named(**{"a/../b": GOOD}), {}),
    "absolute": (named(**{"/etc/passwd": GOOD}), {}),
    "drive": (named(**{"C:x": GOOD}), {}),
    "empty path": (named(**{"": GOOD}), {}),
    "double slash": (named(**{"a//b": GOOD}), {}),
    "reserved": (named(**{".lading-x": GOOD}), {}),
    "nul": (named(**{"a\0": GOOD}), {}),
    "surrogate": (b'{"\\ud800":{"digest":"%s","size":5}}' % HEX.encode(), {}),
    "negative size": (named(a={"digest": HEX, "size": -1}), {}),
    "text as size": (named(a={"digest": HEX, "size": "5"}), {}),
    "number as digest": (named(a={"digest": 5, "size": 5}), {}),
    "list as extra": (named(a={"digest": HEX, "size": 5, "extra": []}), {}),
    "no digest": (named(a={"size": 5}), {}),
    "unknown field": (named(a={"digest": HEX, "size": 5, "link": "/etc/passwd"}), {}),
    "no size": (named(a={"digest": HEX}), {}),
    "short digest": (named(a={"digest": "00", "size": 5}), {}),
    "path as digest": (named(a={"digest": "../../" + HEX[6:], "size": 5}), {}),
    "wrong leaves": (named(a={"digest": HEX, "size": LEAF_SIZE + 1, "leaves": HEX * 2}), {}),
    "missing leaves": (named(a={"digest": HEX, "size": 1 << 60}), {}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pages_are_refused_by_name(case: str) -> None:
    raw, changes = HOSTILE[case]

    with pytest.raises(ManifestError, match=r"^manifest page [0-9a-f]{16} "):
        decode(raw, **changes)


def test_damaged_gzip_is_refused() -> None:
    encoded = encode_page(PAGE, Algorithm.BLAKE3)
    ref = page_ref(PAGE, encoded)
    bomb = gzip.compress(RAW + bytes(50 << 20))

    for data in (encoded.data[:-9], b"", b"not gzip", encoded.data + b"x", bomb):
        with pytest.raises(ManifestError, match="manifest page"):
            decode_page(data, ref, Algorithm.BLAKE3)


@settings(max_examples=300)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, mask: int) -> None:
    changed = bytearray(RAW)
    changed[place] ^= mask

    with pytest.raises(ManifestError):
        decode_page(gzip.compress(bytes(changed)), PageRef("data/big.bin", GOLDEN, 3, len(RAW)), Algorithm.BLAKE3)


def many(count: int) -> Entries:
    return {f"train/img_{number:06}.jpg": Entry(f"{number:064x}", size=number) for number in range(count)}


def test_a_page_ends_after_a_path_whose_crc_ends_in_twelve_zero_bits() -> None:
    entries = many(30_000)

    cut = list(cut_pages(entries.items()))

    assert {path: entry for page in cut for path, entry in page.items()} == entries
    ends = [path for path in entries if zlib.crc32(path.encode()) % 4096 == 0]
    assert [list(page)[-1] for page in cut[:-1]] == ends
    assert len(cut) > 4


def test_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "MAX_PAGE_COUNT", 1000)

    assert max(len(page) for page in cut_pages(many(10_000).items())) == 1000


def test_pages_of_large_files_are_bounded_by_their_leaves() -> None:
    entries = {f"{number:03}": Entry(HEX, size=1 << 40, leaves="0" * (2 << 20)) for number in range(10)}

    assert [len(page) for page in cut_pages(entries.items())] == [4, 4, 2]


@pytest.mark.parametrize("paths", [["b", "a"], ["a", "a"], [""]])
def test_only_sorted_entries_are_cut(paths: list[str]) -> None:
    with pytest.raises(ManifestError, match="not sorted"):
        list(cut_pages((path, Entry(HEX)) for path in paths))


@settings(max_examples=30)
@given(st.integers(0, 19_999), st.sampled_from(["change", "remove", "add"]))
def test_one_changed_entry_rewrites_few_pages(number: int, what: str) -> None:
    entries = dict(MANY)
    path = list(entries)[number]
    if what == "remove":
        del entries[path]
    else:
        entries[path if what == "change" else f"{path}.new"] = Entry(HEX, size=1)

    after = {encode_page(page, Algorithm.BLAKE3).digest for page in cut_pages(sorted(entries.items()))}

    # Where the path itself ends a page, two pages become one or one becomes two.
    assert len(after - MANY_PAGES) == 1 or (what == "add" and len(after - MANY_PAGES) == 2)
    assert len(MANY_PAGES - after) == 1 or (what == "remove" and len(MANY_PAGES - after) == 2)


MANY = many(20_000)
MANY_PAGES = {encode_page(page, Algorithm.BLAKE3).digest for page in cut_pages(MANY.items())}
