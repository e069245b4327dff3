"""Plans: what moves in which pieces."""

import pytest

from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.manifest.entry import check_entry
from lading.testing.trees import fetch_items, hashed, seeded
from lading.transfer.plan import Run, covers, cut, entry_of, fetch_item, first_of_each, is_large, leaf_slice, split_leaves


@pytest.mark.parametrize(
    ("size", "runs"),
    [
        (0, [(0, 1)]),
        (1, [(0, 1)]),
        (LEAF_SIZE, [(0, 1)]),
        (LEAF_SIZE + 1, [(0, 2)]),
        (2 * LEAF_SIZE + 1, [(0, 2), (2, 3)]),
        (5 * LEAF_SIZE, [(0, 2), (2, 4), (4, 5)]),
    ],
)
def test_parts_are_two_leaves_and_only_the_last_is_shorter(size: int, runs: list[tuple[int, int]]) -> None:
    found = list(cut(size))

    assert [(run.first, run.stop) for run in found] == runs
    assert sum(run.stop_byte - run.start_byte for run in found) == size


def test_a_run_knows_the_bytes_of_its_leaves() -> None:
    run = Run(2, 4, 3 * LEAF_SIZE + 5)

    assert (run.start_byte, run.stop_byte) == (2 * LEAF_SIZE, 3 * LEAF_SIZE + 5)
    assert run.leaf_bytes(3) == (3 * LEAF_SIZE, 3 * LEAF_SIZE + 5)


def test_large_is_what_has_more_than_one_leaf() -> None:
    assert [is_large(size) for size in (0, LEAF_SIZE, LEAF_SIZE + 1)] == [False, False, True]


def test_leaves_are_taken_out_of_the_joined_list() -> None:
    joined = "".join(f"{number:064x}" for number in range(5))

    assert leaf_slice(joined, 1, 3) == [(1).to_bytes(32, "big"), (2).to_bytes(32, "big")]
    assert len(split_leaves(joined)) == 5


def test_a_range_is_covered_by_one_that_holds_all_of_it() -> None:
    ranges = [(0, 10), (20, 30)]

    assert [covers(ranges, *each) for each in ((0, 10), (22, 25), (5, 12), (10, 20))] == [True, True, False, False]


def test_the_first_of_each_content_is_told_from_its_repetitions() -> None:
    items = fetch_items({"a": b"1", "b": b"2", "c": b"1", "d": b"1"})

    first, again = first_of_each(items)

    assert [item.path for item in first] == ["a", "b"]
    assert [item.path for item in again] == ["c", "d"]


@pytest.mark.parametrize("size", [0, 5, LEAF_SIZE + 5])
def test_an_entry_of_a_file_can_be_fetched_as_it_was(size: int) -> None:
    what = hashed(seeded(size))

    entry = entry_of(what, executable=True, md5=None)
    item = fetch_item("a", entry, "key")

    check_entry("a", entry, Algorithm.BLAKE3)
    assert item.hashed == what
    assert item.executable
