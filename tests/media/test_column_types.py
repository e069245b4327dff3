"""The algebra of column types: which cells go together, and what W&B calls it."""

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lading.media.column_of import type_from_dtype
from lading.media.column_types import (
    BOOLEAN,
    NONE,
    NUMBER,
    STRING,
    TIMESTAMP,
    UNKNOWN,
    ArrayType,
    ConstType,
    DictType,
    ListType,
    ObjectType,
    UnionType,
    optional,
    type_of,
)
from lading.media.image import Image


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (None, NONE),
        (float("nan"), NONE),
        (1, NUMBER),
        (1.5, NUMBER),
        (np.int8(1), NUMBER),
        (np.complex64(1), NUMBER),
        (True, BOOLEAN),
        (np.bool_(True), BOOLEAN),
        ("a", STRING),
        (np.str_("a"), STRING),
        (datetime.date.min, TIMESTAMP),
        (np.datetime64("2020"), TIMESTAMP),
        ([1, 2.5], ListType(NUMBER, 2)),
        (("a",), ListType(STRING, 1)),
        ([], ListType(UNKNOWN, 0)),
        ([1, None], ListType(optional(NUMBER), 2)),
        ([1, "a"], ListType(None, 2)),
        ({"a": 1}, DictType({"a": NUMBER})),
        (np.zeros((2, 3)), ArrayType((2, 3))),
        (object(), ObjectType("object")),
        (b"", ObjectType("bytes")),
    ],
)
def test_each_cell_has_a_type(cell: object, kind: object) -> None:
    assert type_of(cell) == kind


def test_the_first_cell_that_is_not_none_decides() -> None:
    assert UNKNOWN.take(1) == NUMBER
    assert UNKNOWN.take(None) is None
    assert optional(UNKNOWN).take(None) == optional(UNKNOWN)
    assert optional(UNKNOWN).take(1) == optional(NUMBER)
    assert optional(NUMBER).take("a") is None


def test_unions_are_flat_and_sorted_by_how_they_are_shown() -> None:
    union = UnionType.of([STRING, UnionType.of([NUMBER, NONE]), ListType(NUMBER)])

    assert repr(union) == "None or Number or Number[] or String"


def test_lists_of_different_lengths_have_none() -> None:
    assert ListType(NUMBER, 2).accept(ListType(NUMBER, 3)) == ListType(NUMBER, None)
    assert ListType(NUMBER, 2).accept(ListType(STRING, 2)) is None


def test_a_key_of_a_dict_may_be_missing_where_none_may_be() -> None:
    kind = DictType({"a": NUMBER, "b": optional(STRING)})

    assert kind.take({"a": 1}) == kind
    assert kind.take({"b": "x"}) is None
    assert kind.take({"a": 1, "c": 1}) is None


def test_arrays_of_a_column_have_one_shape() -> None:
    assert ArrayType((2,)).take(np.zeros(2)) == ArrayType((2,))
    assert ArrayType((2,)).take(np.zeros(3)) is None


@pytest.mark.parametrize(
    ("dtype", "shown"),
    [
        (int, "Number"),
        (np.float32, "Number"),
        (datetime.datetime, "Timestamp"),
        (list, "Unknown[]"),
        ([int], "Number[]"),
        ([int, str, None], "None or Number or String"),
        ({"a": int}, "{'a': Number}"),
        (Image, "Image-file"),
        (5, "5"),
        (object, "Pythonobject(class_name:object)"),
    ],
)
def test_a_dtype_is_a_type(dtype: Any, shown: str) -> None:
    assert repr(type_from_dtype(dtype)) == shown


def test_a_constant_takes_itself() -> None:
    assert ConstType(5).take(5) == ConstType(5)
    assert ConstType(5).take(6) is None


CELLS = some.recursive(
    some.none() | some.integers() | some.floats() | some.text(max_size=3) | some.booleans(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@given(cells=some.lists(CELLS, max_size=4))
def test_what_was_taken_once_is_taken_again(cells: list[Any]) -> None:
    kind: Any = optional(UNKNOWN)
    taken: list[Any] = []
    for cell in cells:
        wider = kind.take(cell)
        if wider is not None:
            kind = wider
            taken.append(cell)

    for cell in taken:
        assert kind.take(cell) is not None or _is_broken(cell)


def _is_broken(cell: object) -> bool:
    """Whether some list in it holds what does not go together: W&B takes such a list once."""
    return "Invalid" in repr(type_of(cell))
