"""Tables: rows of typed columns."""

import tempfile
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lading.errors import InvalidTypeError, InvalidValueError
from lading.media.classes import Classes
from lading.media.document import read_document, write_document
from lading.media.image import Image
from lading.media.table import Table


def through(album: Any, table: Table) -> Table:
    """The table, written and read."""
    album.files.clear()
    album.value(table, "t")
    found = album.get("t")
    assert isinstance(found, Table)
    return found


# -- filling it -------------------------------------------------------------------------------------------------------
def test_columns_have_the_names_of_wandb_by_default() -> None:
    assert Table().columns == ["Input", "Output", "Expected"]


def test_a_row_of_another_length_is_refused() -> None:
    table = Table(["a", "b"])

    with pytest.raises(InvalidValueError, match=r"This table expects 2 columns: \['a', 'b'\], found 1"):
        table.add_data(1)
    assert table.data == []


@pytest.mark.parametrize(("first", "second"), [(1, "a"), ("a", 1), (1, True), ([1], ["a"]), ({"a": 1}, {"b": 1}), (1, date.min)])
def test_a_cell_of_another_type_is_refused_and_nothing_is_added(first: object, second: object) -> None:
    table = Table(["x", "a"], data=[[None, first]])

    with pytest.raises(InvalidTypeError, match=r"Data row contained incompatible types:\n'a': .* is not assignable to"):
        table.add_data("new", second)
    assert len(table) == 1
    table.add_data(5, None)  # the first column has not become a column of texts


def test_mixed_types_are_let_in_where_they_may_be() -> None:
    table = Table(["a"], data=[[1], ["a"], [[1]]], allow_mixed_types=True)

    assert len(table) == 3


def test_none_is_let_in_unless_it_may_not_be() -> None:
    assert len(Table(["a"], data=[[None], [1], [float("nan")]])) == 3
    with pytest.raises(InvalidTypeError):
        Table(["a"], data=[[1], [None]], optional=False)
    with pytest.raises(InvalidTypeError):
        Table(["a"], data=[[1], [float("nan")]], optional=False)


@pytest.mark.parametrize(
    ("dtype", "good", "bad"),
    [
        (int, 1.5, "a"),
        (str, "a", 1),
        (bool, True, 1),
        ([int], 1, "a"),
        (datetime, date.today(), 1),
        (dict, {}, 1),
        (Image, None, "a"),
        (Classes([{"id": 1, "name": "x"}]).get_type(), 1, 2),
    ],
)
def test_a_dtype_says_what_may_be(dtype: Any, good: object, bad: object) -> None:
    Table(["a"], data=[[good]], dtype=dtype)

    with pytest.raises(InvalidTypeError):
        Table(["a"], data=[[bad]], dtype=dtype)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"columns": "abc"}, "expects a `list` object"),
        ({"columns": [1.5]}, "list of strings or ints"),
        ({"columns": ["a", "a"]}, "a name of its own"),
        ({"columns": [1, "1"]}, "a name of its own"),
        ({"log_mode": "SOMETIMES"}, "Invalid log_mode"),
        ({"data": "abc"}, "a table takes a list of rows"),
        ({"columns": ["a"], "dtype": [int, int]}, "one item for each"),
        ({"columns": ["a"], "data": np.zeros(3)}, "has rows and columns"),
    ],
)
def test_what_makes_no_table_is_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match=match):
        Table(**arguments)


def test_columns_are_added_and_computed() -> None:
    table = Table(columns=["x", "y"], data=[[3, 1], [4, 6]])

    table.add_computed_columns(lambda number, row: {"difference": row["x"] - row["y"], "number": int(number)})
    table.add_column("z", np.array([1.0, 2.0]))

    assert table.columns == ["x", "y", "difference", "number", "z"]
    assert table.data == [[3, 1, 2, 0, 1.0], [4, 6, -2, 1, 2.0]]
    with pytest.raises(InvalidValueError, match="Expected length 2, found 1"):
        table.add_column("w", [1])
    with pytest.raises(InvalidTypeError, match="cannot be cast"):
        table.add_column("w", [1, "a"])
    assert len(table.data[0]) == 5


def test_a_table_of_nothing_takes_its_first_column() -> None:
    table = Table(columns=[])
    table.add_column("a", [1, 2])

    assert table.data == [[1], [2]]


def test_a_cast_checks_what_is_there() -> None:
    table = Table(["a"], data=[[1], [2]])

    with pytest.raises(InvalidTypeError, match="Existing data 1, of type Number cannot be cast to String"):
        table.cast("a", str)
    table.cast("a", Classes([{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]).get_type())
    with pytest.raises(InvalidTypeError):
        table.add_data(3)


# -- keys -------------------------------------------------------------------------------------------------------------
def test_keys_and_indexes_find_their_rows_again(album: Any) -> None:
    people = Table(["name", "age"], data=[["a", 1], ["b", 2]])
    people.set_pk("name")
    notes = Table(["who", "note"], data=[["b", "x"]])
    notes.set_fk("who", people, "name")
    rows = Table(["row"], data=[[people.index_ref(1)]])

    keyed, indexed = through(album, notes), through(album, rows)

    assert keyed.data[0][0].get_row() == {"name": "b", "age": 2}
    assert indexed.data[0][0].get_row() == {"name": "b", "age": 2}
    assert [int(number) for number, _ in people.iterrows()] == [0, 1] == people.get_index()
    with pytest.raises(InvalidValueError, match="multiple primary keys"):
        people.set_pk("age")


# -- written and read -------------------------------------------------------------------------------------------------
def test_times_come_back_in_utc_to_the_millisecond(album: Any) -> None:
    """SEMANTICS 1.5: datetimes → ms since epoch."""
    there = timezone(timedelta(hours=2))
    cells = [
        datetime(2020, 1, 1, 12, 0, 0, 123456, tzinfo=there),
        datetime(1950, 1, 1, 0, 0, 0, 1000),  # without a zone
        date(2021, 2, 3),
        None,
    ]

    table = through(album, Table(["t"], data=[[cell] for cell in cells]))

    assert [row[0] for row in table.data] == [
        datetime(2020, 1, 1, 10, 0, 0, 123000, tzinfo=UTC),
        datetime(1950, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        datetime(2021, 2, 3, tzinfo=UTC),
        None,
    ]


class Colour(Enum):
    RED = 1


def test_odd_cells_become_what_json_can_say(album: Any) -> None:
    cells = [Decimal("1.5"), Colour.RED, b"text", {2, 1}, (1, 2), np.datetime64("2020-01-01"), np.float32(0.5), np.str_("s")]

    table = through(album, Table(list("abcdefgh"), data=[cells], allow_mixed_types=True))

    assert table.data == [[1.5, "RED", "text", [1, 2], [1, 2], 1577836800000, 0.5, "s"]]


@pytest.mark.parametrize("cell", [b"\xff", object(), {"a": [object()]}, 1j])
def test_what_json_cannot_say_names_the_row(album: Any, cell: object) -> None:
    with pytest.raises(InvalidTypeError, match="row 1: "):
        album.value(Table(["a"], data=[["fine"], [cell]], allow_mixed_types=True), "t")


def test_arrays_lie_in_a_file_beside_the_rows(album: Any) -> None:
    """SEMANTICS 1.5: ndarray columns → `media/serialized_data/…npz`."""
    arrays = [np.arange(6).reshape(2, 3) * n for n in range(4)]

    table = through(album, Table(["a", "n"], data=[[array, n] for n, array in enumerate(arrays)]))

    assert [path.rpartition("/")[0] for path in album.files] == ["media/serialized_data", ""]
    assert all((row[0] == array).all() and row[1] == n for n, (row, array) in enumerate(zip(table.data, arrays, strict=True)))
    assert b"[[null, 0], [null, 1]" in album.files["t.table.json"]


def test_equal_arrays_are_equal_files(album: Any) -> None:
    for name in ("t", "u"):
        album.value(Table(["file"], data=[[np.eye(3)]]), name)  # "file" is an argument of numpy's own function

    assert len(album.files) == 3


def test_arrays_with_a_gap_are_refused(album: Any) -> None:
    with pytest.raises(InvalidValueError, match="column 'a': row 1 is None"):
        album.value(Table(["a"], data=[[np.eye(2)], [None]]), "t")


def test_a_column_of_embeddings_with_a_gap_can_be_read_again(album: Any) -> None:
    table = through(album, Table(["e"], data=[[np.arange(3)], [None]]))

    assert table.data == [[[0, 1, 2]], [None]]
    table.add_data(None)


def test_a_table_in_a_table_is_a_cell(album: Any) -> None:
    inner = Table(["x"], data=[[1]])

    assert through(album, Table(["t"], data=[[inner]])).data == [[inner]]


def test_a_dict_that_looks_like_a_medium_stays_a_dict(album: Any) -> None:
    """W&B's client cannot read such a table again."""
    table = Table(["d"], data=[[{"_type": "image-file", "path": "p"}], [None]])

    assert through(album, table) == table


def test_columns_that_are_numbers_stay_numbers(album: Any) -> None:
    table = through(album, Table([10, 2], data=[[1, "a"]]))

    assert table.columns == [10, 2]
    assert through(album, table) == table


def test_a_table_without_column_types_is_read(album: Any) -> None:
    """As W&B wrote them at first."""
    table = album.read({"_type": "table", "columns": ["a"], "data": [[1], [None]], "ncols": 1, "nrows": 2})

    assert table == Table(["a"], data=[[1], [None]])


def test_a_type_that_only_wandb_knows_is_kept(album: Any) -> None:
    kind = {"wb_type": "artifactVersion", "params": {"x": [1]}}
    document = {
        "_type": "table",
        "columns": ["a"],
        "data": [["lading-artifact://x"]],
        "column_types": {"wb_type": "typedDict", "params": {"type_map": {"a": kind}}},
    }

    table = album.read(document)
    album.value(table, "t")

    assert b'"a": {"params": {"x": [1]}, "wb_type": "artifactVersion"}' in album.files["t.table.json"]


SCALARS = (
    some.one_of(some.none(), some.integers(), some.floats(allow_nan=False, allow_infinity=False)),
    some.one_of(some.none(), some.text()),
    some.one_of(some.none(), some.booleans()),
    some.lists(some.integers(), min_size=1),
)


@given(rows=some.lists(some.tuples(*SCALARS), max_size=5))
def test_any_table_comes_back_as_it_was(rows: list[tuple[Any, ...]]) -> None:
    table = Table(["n", "s", "b", "l"], data=[list(row) for row in rows])
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "t").open("w") as file:
            write_document(table.encode(None), file)  # type: ignore[arg-type]  # no cell needs a sink
        document = read_document((Path(folder) / "t").read_bytes(), "t")
    reading = Table.decode(document, None)  # type: ignore[arg-type]  # nor a source

    assert returned(reading) == table


def returned(reading: Any) -> object:
    """What a reading that needs no files returns."""
    while True:
        try:
            assert list(next(reading)) == []
        except StopIteration as end:
            return end.value
