"""What is stored is canonical, named by what it inflates to, and inflated no further than promised."""

import gzip
import json
import tracemalloc
import zlib

import msgspec
import pytest

from lading.errors import InvalidValueError, ManifestError
from lading.manifest import encoded as encoded_module
from lading.manifest.digest import Algorithm, tree_digest
from lading.manifest.encoded import MAX_MARKS, MAX_RAW, canonical, check_digest, check_unique, encode, inflate


def test_json_is_canonical_at_every_depth() -> None:
    assert canonical({"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": "é"}) == '{"a":"é","b":{"a":[{"x":2,"y":1}],"z":1}}'.encode()
    assert canonical({"\U0001f600": 1, "\uffee": 2, "é": 3, "z": 4}) == '{"z":4,"é":3,"\uffee":2,"\U0001f600":1}'.encode()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_name_is_that_of_the_plain_bytes(algorithm: Algorithm) -> None:
    encoded = encode({"a": 1}, algorithm)

    assert gzip.decompress(encoded.data) == b'{"a":1}'
    assert encoded.digest == tree_digest(algorithm, b'{"a":1}')
    assert encoded.raw_size == 7
    assert encoded.data[4:8] == bytes(4), "the time in the gzip header is not 0"
    assert encode({"a": 1}, algorithm) == encoded


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (b"plain", "damaged"),
        (gzip.compress(b"x" * 100)[:-1], "truncated"),
        (gzip.compress(b"x" * 100)[:20], "truncated"),
        (gzip.compress(b"x" * 100)[:-8] + bytes(8), "damaged"),
        (gzip.compress(b"x" * 100) + b"more", "after the end"),
        (gzip.compress(b"x" * 50) + gzip.compress(b"x" * 50), "after the end"),
        (gzip.compress(b"x" * 101), "more than 100 bytes"),
    ],
)
def test_damaged_gzip_is_refused_by_name(data: bytes, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as caught:
        inflate(data, 100, "page 7")

    assert "page 7" in str(caught.value)


def test_bytes_up_to_the_limit_are_inflated() -> None:
    assert inflate(gzip.compress(b"x" * 100), 100, "page") == b"x" * 100
    assert inflate(gzip.compress(b""), 0, "page") == b""


def test_a_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError, match="more than 1000 bytes"):
            inflate(bomb, 1000, "page")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ManifestError, match="page: its bytes hash to"):
        check_digest(b"x", "0" * 64, Algorithm.BLAKE3, "page")


def test_a_page_that_no_reader_would_inflate_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_module, "MAX_RAW", 10)

    assert encode("x" * 8, Algorithm.BLAKE3).raw_size == 10
    with pytest.raises(InvalidValueError, match="too large"):
        encode("x" * 9, Algorithm.BLAKE3)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"{", b"9" * 5000])
def test_what_cannot_be_searched_for_keys_is_refused(raw: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^page: "):
        check_unique(raw, "page")


def test_a_key_that_stands_twice_is_found_at_any_depth() -> None:
    check_unique(json.dumps({"a": {"b": 1}, "b": {"a": 1}}).encode(), "page")
    for raw in (b'{"a":1,"a":1}', b'{"x":[{"a":1,"\\u0061":2}]}'):
        with pytest.raises(ManifestError, match="page: a key stands twice"):
            check_unique(raw, "page")


def test_a_document_that_would_take_many_times_its_size_is_neither_read_nor_written() -> None:
    raw = b"[" + b"[]," * (MAX_MARKS // 2) + b"[]]"

    with pytest.raises(ManifestError, match="it: more than 8388608 values"):
        inflate(zlib.compress(raw, 1, wbits=31), MAX_RAW, "it")
    with pytest.raises(InvalidValueError, match="more than 8388608 values"):
        encode(msgspec.Raw(raw), Algorithm.BLAKE3)
    assert encode(msgspec.Raw(b'"' + b"0" * (MAX_MARKS + 1) + b'"'), Algorithm.BLAKE3).raw_size == MAX_MARKS + 3
