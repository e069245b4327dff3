"""Checksums: published check values, pieces, and what this machine cannot compute."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError
from lading.store.checksum import Checksum, Summer, can_compute, checksum, fast_checksum

# Of the nine bytes "123456789", as the catalogues of CRCs give them.
CHECK_VALUES = {"crc32": 0xCBF43926, "crc32c": 0xE3069283, "crc64nvme": 0xAE8B14860A799888}


@pytest.mark.parametrize("name", CHECK_VALUES)
def test_the_published_check_value_is_found(name: str) -> None:
    assert int.from_bytes(checksum(name, b"123456789").value, "big") == CHECK_VALUES[name]


def test_md5_is_that_of_hashlib() -> None:
    assert checksum("md5", b"abc").value == hashlib.md5(b"abc").digest()


@pytest.mark.parametrize("name", [*CHECK_VALUES, "md5"])
@given(pieces=st.lists(st.binary(max_size=40), max_size=5))
def test_pieces_have_the_checksum_of_the_whole(name: str, pieces: list[bytes]) -> None:
    summer = Summer(name)

    for piece in pieces:
        summer.update(memoryview(piece))

    assert summer.checksum() == checksum(name, b"".join(pieces))


def test_a_header_has_it_in_base64() -> None:
    assert Checksum("crc32", bytes.fromhex("cbf43926")).base64 == "y/Q5Jg=="


def test_an_unknown_checksum_is_refused_by_name() -> None:
    assert not can_compute("crc7")
    with pytest.raises(InvalidValueError, match="crc7"):
        Summer("crc7")


def test_the_fast_one_can_be_computed() -> None:
    assert can_compute(fast_checksum())
