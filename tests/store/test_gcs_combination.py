"""The CRC32C of a whole from those of its pieces."""

from hypothesis import given
from hypothesis import strategies as st

from lading.store.checksum import checksum
from lading.store.gcs.combination import combined


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_it_is_that_of_the_bytes_one_after_the_other(pieces: list[bytes]) -> None:
    found = combined((checksum("crc32c", piece), len(piece)) for piece in pieces)

    assert found == checksum("crc32c", b"".join(pieces))


def test_sizes_of_gigabytes_are_no_work() -> None:
    first, nothing = checksum("crc32c", b"x"), checksum("crc32c", bytes(1 << 20))

    found = combined(((first, 1), *((nothing, 1 << 20) for _ in range(8))))

    assert found == checksum("crc32c", b"x" + bytes(8 << 20))
    assert combined(((first, 1), (first, 1 << 50))) != first
