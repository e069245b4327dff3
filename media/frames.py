"""Frames: tables of pandas, polars, pyarrow and numpy, as columns and rows of Python's own values, and back."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..errors import InvalidTypeError, InvalidValueError
from .optional import comes_from, is_ndarray, need
from .shapes import is_row
from .value import Value


class Frame(Struct, frozen=True):
    """Columns, where the data names them, and rows."""

    columns: list[Any] | None
    rows: Iterable[Sequence[Any]]


def frame_of(data: Any) -> Frame:
    """The frame of a list of rows, or of a table of another package. Raise TypeError for what is none."""
    if is_row(data):
        return Frame(None, data)
    if is_ndarray(data):
        return _of_numpy(data)
    for package, read in _READERS.items():
        if comes_from(data, package):
            return read(data)
    raise InvalidTypeError(
        f"a table takes a list of rows, a numpy array, or a table of pandas, polars or pyarrow, not {type(data)}"
    )


def _of_numpy(array: Any) -> Frame:
    if array.dtype.names:
        return Frame(list(array.dtype.names), array.tolist())
    if array.ndim < 2:
        raise InvalidValueError(f"an array of a table has rows and columns, not the shape {list(array.shape)}")
    return Frame(None, array.tolist() if array.ndim == 2 and array.dtype.kind in "biufUO" else array)


def _of_pandas(frame: Any) -> Frame:
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    columns = [frame.iloc[:, number] for number in range(frame.shape[1])]
    return Frame([_scalar(name) for name in frame.columns], zip(*map(_pandas_column, columns), strict=True))


def _pandas_column(series: Any) -> list[Any]:
    if hasattr(series.dtype, "tz"):
        series = series.dt.tz_convert("UTC")
        return [time.replace(tzinfo=None) if time else None for time in _times(series)]
    if series.dtype.kind == "M":
        return _times(series)
    missing = series.isna().tolist()
    cells: list[Any] = series.astype(object).tolist()
    # NaN stays: it says float; every other way to say "missing" is None.
    lost = [index for index, gone in enumerate(missing) if gone and not isinstance(cells[index], float)]
    for index in lost:
        cells[index] = None
    return cells


def _times(series: Any) -> list[datetime | None]:
    naive = series.dt.tz_localize(None) if hasattr(series.dtype, "tz") else series
    times: list[datetime | None] = naive.to_numpy().astype("datetime64[us]").tolist()
    return times


def _of_polars(frame: Any) -> Frame:
    if callable(getattr(frame, "collect", None)):
        frame = frame.collect()
    if not hasattr(frame, "iter_rows"):
        frame = frame.to_frame()
    return Frame(list(frame.columns), frame.iter_rows())


def _of_arrow(table: Any) -> Frame:
    names = list(table.column_names if hasattr(table, "column_names") else table.schema.names)
    batches = table.to_batches() if callable(getattr(table, "to_batches", None)) else [table]
    columns = ([column.to_pylist() for column in batch.columns] for batch in batches)
    return Frame(names, (row for batch in columns for row in zip(*batch, strict=True)))


_READERS: dict[str, Callable[[Any], Frame]] = {"pandas": _of_pandas, "polars": _of_polars, "pyarrow": _of_arrow}


def _scalar(name: Any) -> Any:
    return name.item() if callable(getattr(name, "item", None)) else name


# -- back -------------------------------------------------------------------------------------------------------------
def to_pandas(columns: list[Any], rows: list[list[Any]]) -> Any:
    """A `pandas.DataFrame`; values of cells stay objects."""
    return need("pandas", "Table.to_pandas").DataFrame.from_records(rows, columns=columns)


def to_arrow(columns: list[Any], rows: list[list[Any]]) -> Any:
    """A `pyarrow.Table`. Raise TypeError naming a column that holds media or a mixture."""
    arrow = need("pyarrow", "Table.to_arrow")
    return arrow.table({str(name): _built(arrow.array, name, cells) for name, cells in _by_column(columns, rows)})


def to_polars(columns: list[Any], rows: list[list[Any]]) -> Any:
    """A `polars.DataFrame`. Raise TypeError naming a column that holds media or a mixture."""
    polars = need("polars", "Table.to_polars")
    made = [_built(lambda cells: polars.Series(str(name), cells), name, cells) for name, cells in _by_column(columns, rows)]  # noqa: B023
    return polars.DataFrame(made)


def to_numpy(columns: list[Any], rows: list[list[Any]]) -> Any:
    """A `numpy` array (row, column); of objects unless all cells are numbers."""
    numpy = need("numpy", "Table.to_numpy")
    numbers = all(isinstance(cell, int | float) for row in rows for cell in row)
    if numbers:
        return numpy.array(rows).reshape(len(rows), len(columns))
    array = numpy.empty((len(rows), len(columns)), dtype=object)
    for index, row in enumerate(rows):
        for at, cell in enumerate(row):
            array[index, at] = cell
    return array


def _by_column(columns: list[Any], rows: list[list[Any]]) -> Iterable[tuple[Any, list[Any]]]:
    for index, name in enumerate(columns):
        yield name, [row[index] for row in rows]


def _built(build: Callable[[list[Any]], Any], name: Any, cells: list[Any]) -> Any:
    if any(isinstance(cell, Value) for cell in cells):
        raise InvalidTypeError(f"column {name!r} holds media, which this kind of table cannot", hint="use to_pandas()")
    try:
        return build([cell.tolist() if is_ndarray(cell) else cell for cell in cells])
    except (TypeError, ValueError, OverflowError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise InvalidTypeError(f"column {name!r} holds a mixture: {error}", hint="use to_pandas()") from error
