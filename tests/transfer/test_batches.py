"""Batches: full by number or by size."""

from lading.errors import StoreUnavailableError
from lading.transfer.batches import BATCH_BYTES, BATCH_COUNT, REQUEST, BatchCount, Refusals, amount, batches, most_of


def test_a_batch_is_full_by_number() -> None:
    found = list(batches(range(2 * BATCH_COUNT + 1), lambda number: 0))

    assert [len(batch) for batch in found] == [BATCH_COUNT, BATCH_COUNT, 1]
    assert [number for batch in found for number in batch] == list(range(2 * BATCH_COUNT + 1))


def test_a_batch_is_full_by_size() -> None:
    found = list(batches([BATCH_BYTES - 1, 1, BATCH_BYTES * 2, 5], lambda size: size))

    assert found == [[BATCH_BYTES - 1, 1], [BATCH_BYTES * 2], [5]]


def test_nothing_makes_no_batch() -> None:
    assert list(batches(list[int](), lambda number: 0)) == []


def test_far_away_a_batch_is_what_takes_a_quarter_of_a_second() -> None:
    count = BatchCount(near=False)
    sizes = [count.now]

    for seconds_each in (0.001, 0.001, 0.02, 0.1, 1.0, 0.0):
        count.took(count.now, count.now * seconds_each)
        sizes.append(count.now)

    assert sizes == [16, 32, 64, 12, 2, 1, 2]


def test_near_by_it_is_always_the_same() -> None:
    count = BatchCount(near=True)

    count.took(256, 1000.0)

    assert count.now == 256


def test_the_count_is_asked_for_anew_for_each_batch() -> None:
    counts = iter([1, 2, 3])

    assert list(batches(range(6), lambda _: 1, count=lambda: next(counts))) == [[0], [1, 2], [3, 4, 5]]


def test_what_was_moved_counts_unless_more_of_it_failed() -> None:
    assert amount([0, 10]) == 2 * REQUEST + 10
    assert most_of([0, 10], failed=2) == 2 * REQUEST + 10
    assert most_of([0, 10], failed=3) == 0.0


def test_three_refusals_in_a_row_are_enough() -> None:
    busy, broken, refusals = StoreUnavailableError("503", throttled=True), StoreUnavailableError("reset"), Refusals()

    said = [refusals.enough(error) for error in (busy, busy, None, busy, broken, busy, busy, busy)]

    assert said == [False] * 7 + [True]
