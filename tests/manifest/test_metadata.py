"""Metadata becomes plain JSON, or says where it cannot (SEMANTICS 1.6)."""

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidTypeError, InvalidValueError
from lading.manifest.names import metadata

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Array:
    """What numpy's arrays and scalars show of themselves."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def tolist(self) -> Any:
        return self._plain

    def __hash__(self) -> int:
        return 1


class Stubborn:
    """Its list is itself, as numpy's long double does it."""

    def tolist(self) -> Any:
        return self


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, {}),
        ({}, {}),
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ('{"a": NaN}', {"a": None}),
        ({"a": float("nan"), "b": [float("nan")]}, {"a": None, "b": [None]}),
        ({"a": (1, (2,))}, {"a": [1, [2]]}),
        ({"a": Point(1, 2)}, {"a": [1, 2]}),
        ({"a": slice(1, 9, None)}, {"a": {"slice_start": 1, "slice_stop": 9, "slice_step": None}}),
        ({"a": Array([[1, 2], [3.5, math.nan]]), "b": Array(7)}, {"a": [[1, 2], [3.5, None]], "b": 7}),
        ({"a": date(2024, 2, 29), "b": datetime(2024, 1, 1, tzinfo=UTC)}, {"a": "2024-02-29", "b": "2024-01-01T00:00:00+00:00"}),
        ({1: "a", 2.5: "b", False: "c", None: "d", Array(9): "e"}, {"1": "a", "2.5": "b", "false": "c", "null": "d", "9": "e"}),
        ({"a": Colour.RED, "b": Level.HIGH}, {"a": "red", "b": 3}),
    ],
)
def test_good_metadata(value: Any, plain: dict[str, Any]) -> None:
    """SEMANTICS 1.6: "dict | JSON str | None", "NaN → None", "tuple → list, slice → {slice_start, slice_stop, slice_step}"."""
    result = metadata(value)

    assert result == plain
    json.dumps(result, allow_nan=False)


def test_numpys_arrays_and_scalars_become_lists_and_numbers() -> None:
    """SEMANTICS 1.6: "numpy → list"."""
    given = {"a": np.array([[1, 2], [3, 4]]), "f": np.float32(0.5), "nan": np.array([np.nan, 1]), "b": np.bool_(True)}

    plain = metadata(given)

    assert plain == {"a": [[1, 2], [3, 4]], "f": 0.5, "nan": [None, 1.0], "b": True}
    assert [type(plain["f"]), type(plain["a"][0][0]), type(plain["b"])] == [float, int, bool]


@pytest.mark.parametrize("value", [[], [1], 5, "[1]", "5", "null", (), {1}])
def test_only_maps_are_metadata(value: Any) -> None:
    """SEMANTICS 1.6: "list/int → TypeError"."""
    with pytest.raises(InvalidTypeError, match="metadata must be a dict"):
        metadata(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_refused(value: float) -> None:
    """SEMANTICS 1.6: "±Inf → ValueError"."""
    with pytest.raises(InvalidValueError, match=r"metadata\.a\[0\]"):
        metadata({"a": [value]})
    with pytest.raises(InvalidValueError):
        metadata('{"a": Infinity}')


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j, Decimal(1), Stubborn(), range(3)], ids=repr)
def test_what_json_cannot_hold_is_refused_by_place(value: Any) -> None:
    """SEMANTICS 1.6: "unserialisable → TypeError"."""
    with pytest.raises(InvalidTypeError, match=r"metadata\.outer\.inner\[1\]"):
        metadata({"outer": {"inner": [0, value]}})


def test_a_hundred_keys_are_the_limit() -> None:
    """SEMANTICS 1.6: "≤100 top-level keys (ValueError)"; deeper there may be more."""
    assert len(metadata({"deep": dict.fromkeys(map(str, range(101)))})["deep"]) == 101
    assert len(metadata({str(number): number for number in range(100)})) == 100
    with pytest.raises(InvalidValueError, match="101 keys"):
        metadata({str(number): number for number in range(101)})


def test_keys_that_become_equal_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="twice"):
        metadata({1: "a", "1": "b"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def test_keys_of_other_kinds_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="key"):
        metadata({"a": {(1, 2): 3}})


@pytest.mark.parametrize("value", ["{", "", '{"a": 1', "[" * 100_000])
def test_text_that_is_not_json_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError, match="not JSON"):
        metadata(value)


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="UTF-8"):
        metadata({"a": "\udcff"})


def test_metadata_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop

    with pytest.raises(InvalidValueError, match="nested too deep"):
        metadata(loop)


def test_the_copy_is_deep() -> None:
    """SEMANTICS 1.6: "deep-copied"."""
    inner = [1]
    copy = metadata({"a": {"b": inner}})
    inner.append(2)

    assert copy == {"a": {"b": [1]}}


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_json_stays_what_it_is(value: dict[str, Any]) -> None:
    assert metadata(value) == value
    assert metadata(json.dumps(value)) == value
