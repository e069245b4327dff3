"""Differences equal those that reading everything would find, and equal pages are not read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.manifest import pages as pages_module
from lading.manifest.diff import Change, Span, diff_entries, diff_spans
from lading.manifest.digest import Algorithm
from lading.manifest.document import Index, build_document
from lading.manifest.entry import Entries, Entry
from lading.manifest.pages import decode_page

A, B = Entry("a" * 64, size=1), Entry("b" * 64, size=2)
SMALL = st.dictionaries(st.text("abcd", min_size=1, max_size=3), st.sampled_from([A, B]), max_size=40)


def written(entries: Entries, algorithm: Algorithm = Algorithm.BLAKE3) -> tuple[Index, dict[str, bytes]]:
    document = build_document(entries, algorithm)
    data = {page.digest: page.data for page in document.pages}
    return document.index, data


def naive(old: Entries, new: Entries) -> list[Change]:
    changes: list[Change] = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            changes.append(Change(path, "added" if before is None else "removed", before, after))
        elif before.digest != after.digest:
            changes.append(Change(path, "modified", before, after))
    return changes


@given(SMALL, SMALL)
def test_changes_are_those_that_the_slow_way_finds(old: Entries, new: Entries) -> None:
    assert list(diff_entries(sorted(old.items()), sorted(new.items()))) == naive(old, new)


@settings(max_examples=300)
@given(SMALL, SMALL, st.sampled_from([0b0, 0b1, 0b11]))
def test_spans_hold_every_change(old: Entries, new: Entries, mask: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages_module, "_CUT_MASK", mask)
        (old_index, old_data), (new_index, new_data) = written(old), written(new)

    spans = list(diff_spans(old_index, new_index))

    changes: list[Change] = []
    for span in spans:
        before = [item for ref in span.old for item in decode_page(old_data[ref.digest], ref, Algorithm.BLAKE3).items()]
        after = [item for ref in span.new for item in decode_page(new_data[ref.digest], ref, Algorithm.BLAKE3).items()]
        changes += diff_entries(before, after)
    assert changes == naive(old, new)
    read = {ref.digest for span in spans for ref in span.old} & {ref.digest for span in spans for ref in span.new}
    assert read <= {ref.digest for ref in old_index.pages} & {ref.digest for ref in new_index.pages}
    assert all(span.old or span.new for span in spans)
    assert not (old == new and spans)


def test_one_change_is_one_page_on_each_side() -> None:
    entries = {f"img_{number:06}": A for number in range(20_000)}
    old, _ = written(entries)
    new, _ = written(entries | {"img_010000": B})

    spans = list(diff_spans(old, new))

    assert len(old.pages) > 3
    assert [(len(span.old), len(span.new)) for span in spans] == [(1, 1)]


def test_an_empty_side_is_one_span() -> None:
    full, _ = written({"a": A})
    empty, _ = written({})

    assert list(diff_spans(empty, full)) == [Span((), tuple(full.pages))]
    assert list(diff_spans(full, empty)) == [Span(tuple(full.pages), ())]
    assert list(diff_spans(empty, empty)) == []


def test_pages_of_two_algorithms_are_never_equal() -> None:
    blake, _ = written({"a": A})
    sha, _ = written({"a": A}, Algorithm.SHA256)

    assert len(list(diff_spans(blake, sha))) == 1


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, False),
        ({"md5": "label"}, False),
        ({"digest": "b" * 64}, True),
        ({"ref": "s3://b/k"}, True),
        ({"extra": {"executable": True}}, True),
    ],
)
def test_what_makes_an_entry_differ(changes: dict[str, Any], differs: bool) -> None:
    other = msgspec.structs.replace(A, **changes)

    assert [change.kind for change in diff_entries([("p", A)], [("p", other)])] == (["modified"] if differs else [])


def test_streams_are_merged_as_they_come() -> None:
    def endless() -> Any:
        number = 0
        while True:
            yield f"{number:09}", A
            number += 1

    changes = diff_entries([], endless())

    assert [next(changes).path for _ in range(3)] == ["000000000", "000000001", "000000002"]
