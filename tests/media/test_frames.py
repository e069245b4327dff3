"""Tables of other packages, there and back."""

import datetime
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from lading.errors import InvalidTypeError
from lading.media.image import Image
from lading.media.table import Table

COLUMNS = {
    "i": [1, 2, 3],
    "f": [0.5, None, 2.5],
    "s": ["a", None, "c"],
    "b": [True, False, True],
    "t": [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)] * 3,
    "l": [[1, 2], [3], [4]],
}
ROWS = [list(row) for row in zip(*COLUMNS.values(), strict=True)]


def pandas() -> Any:
    return import_module("pandas")


def arrow() -> Any:
    return import_module("pyarrow")


def polars() -> Any:
    return import_module("polars")


@pytest.mark.parametrize("argument", ["data", "dataframe"])
@pytest.mark.parametrize("make", [lambda: arrow().table(COLUMNS), lambda: polars().DataFrame(COLUMNS)], ids=["arrow", "polars"])
def test_a_table_brings_columns_and_cells(make: Any, argument: str) -> None:
    table = Table(**{argument: make()})

    assert table.columns == list(COLUMNS)
    assert table.data == ROWS


def test_a_data_frame_brings_columns_and_cells() -> None:
    frame = pandas().DataFrame(COLUMNS | {"c": pandas().Categorical(["x", "y", "x"]), "n": pandas().array([1, None, 3], "Int64")})

    table = Table(dataframe=frame)

    assert table.columns == [*COLUMNS, "c", "n"]
    assert table.get_column("i") == [1, 2, 3]
    assert [type(cell) for cell in table.get_column("i")] == [int] * 3
    assert np.isnan(table.get_column("f")[1])
    assert table.get_column("t") == [datetime.datetime(2020, 1, 1)] * 3  # taken as UTC
    assert table.get_column("l") == COLUMNS["l"]
    assert table.get_column("c") == ["x", "y", "x"]
    assert table.get_column("n") == [1, None, 3]


def test_what_is_missing_in_a_data_frame_is_none_or_nan() -> None:
    frame = pandas().DataFrame({"t": [datetime.datetime(2020, 1, 1), None], "o": ["a", None]})

    table = Table(dataframe=frame)

    assert table.data[1][0] is None
    assert table.data[1][1] is None or np.isnan(table.data[1][1])


def test_times_of_other_zones_are_told_in_utc() -> None:
    there = datetime.timezone(datetime.timedelta(hours=2))
    frame = pandas().DataFrame({"t": [datetime.datetime(2020, 1, 1, 12, tzinfo=there)]})

    assert Table(dataframe=frame).data == [[datetime.datetime(2020, 1, 1, 10)]]


def test_a_series_is_a_table_of_one_column() -> None:
    assert Table(pandas().Series([1, 2], name="a").to_frame().columns.tolist(), data=pandas().Series([1, 2], name="a")).data == [
        [1],
        [2],
    ]
    assert Table(data=polars().Series("a", [1, 2])).columns == ["a"]


def test_a_lazy_frame_is_collected_and_a_batch_is_a_table() -> None:
    assert Table(data=polars().DataFrame({"a": [1]}).lazy()).data == [[1]]
    assert Table(data=arrow().record_batch({"a": [1]})).data == [[1]]


def test_an_array_has_rows_of_pythons_numbers() -> None:
    table = Table(["a", "b"], data=np.array([[1, 2], [3, 4]]))
    named = Table(data=np.array([(1, 2.5)], dtype=[("x", int), ("y", float)]))

    assert (table.data, type(table.data[0][0])) == ([[1, 2], [3, 4]], int)
    assert (named.columns, named.data) == (["x", "y"], [[1, 2.5]])


def test_an_array_of_arrays_has_arrays_as_cells() -> None:
    table = Table(["a"], data=np.zeros((2, 1, 3, 3)))

    assert [row[0].shape for row in table.data] == [(3, 3), (3, 3)]


def test_a_table_becomes_a_frame_of_each_package() -> None:
    table = Table(list(COLUMNS), data=ROWS)

    assert table.to_arrow().to_pydict() == COLUMNS
    assert table.to_polars().to_dict(as_series=False) == COLUMNS
    assert table.get_dataframe().columns.tolist() == table.to_pandas().columns.tolist() == list(COLUMNS)
    assert table.to_pandas()["i"].tolist() == [1, 2, 3]
    assert Table(["a", "b"], data=[[1, 2], [3, 4]]).to_numpy().tolist() == [[1, 2], [3, 4]]
    assert table.to_numpy().dtype == object
    assert table.get_column("i", convert_to="numpy").sum() == 6


def test_an_empty_table_has_its_columns_everywhere() -> None:
    table = Table(["a", "b"])

    assert table.to_pandas().shape == table.to_numpy().shape == table.to_polars().shape == (0, 2)
    assert table.to_arrow().num_columns == 2


@pytest.mark.parametrize("way", ["to_arrow", "to_polars"])
def test_what_a_package_cannot_hold_names_the_column(way: str) -> None:
    image = Image(np.zeros((2, 2), np.uint8))

    with pytest.raises(InvalidTypeError, match="column 'i' holds media"):
        getattr(Table(["i"], data=[[image]]), way)()
    with pytest.raises(InvalidTypeError, match="column 'i' holds a mixture"):
        getattr(Table(["i"], data=[[1], ["a"], [[1]]], allow_mixed_types=True), way)()


def test_images_become_pixels() -> None:
    image = Image(np.arange(4, dtype=np.uint8).reshape(2, 2))

    assert Table(["i"], data=[[image]]).get_column("i", convert_to="numpy").tolist() == [[[0, 1], [2, 3]]]
