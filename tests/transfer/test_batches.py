"""Batches: full by number or by size."""

from lading.transfer.batches import BATCH_BYTES, BATCH_COUNT, batches


def test_a_batch_is_full_by_number() -> None:
    found = list(batches(range(2 * BATCH_COUNT + 1), lambda number: 0))

    assert [len(batch) for batch in found] == [BATCH_COUNT, BATCH_COUNT, 1]
    assert [number for batch in found for number in batch] == list(range(2 * BATCH_COUNT + 1))


def test_a_batch_is_full_by_size() -> None:
    found = list(batches([BATCH_BYTES - 1, 1, BATCH_BYTES * 2, 5], lambda size: size))

    assert found == [[BATCH_BYTES - 1, 1], [BATCH_BYTES * 2], [5]]


def test_nothing_makes_no_batch() -> None:
    assert list(batches(list[int](), lambda number: 0)) == []
