"""Table: rows of typed columns, whose cells may be media."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Self

from ..errors import InvalidTypeError, InvalidValueError
from . import frames
from .column_of import type_from_dtype
from .column_tables import TableType
from .column_types import MEDIA, UNKNOWN, AnyType, ColumnType, DictType, optional, type_of
from .keys import ForeignKeyType, KeyType, PrimaryKeyType, TableIndex, TableKey, index_of, wrapped
from .optional import is_ndarray, need
from .shapes import class_of, is_list, is_row
from .value import Document, Reading, Sink, Source, Value

LOG_MODES = ("IMMUTABLE", "MUTABLE", "INCREMENTAL")
_SETTLED = frozenset({str, int, float, bool, type(None), datetime, date})  # what has one type, whatever its value; NaN aside


class Table(Value):
    """Rows of typed columns.

    `data`: a list of rows, a numpy array, or a table of pandas, polars or pyarrow, which brings its columns' names. `dtype` (a
    type, or a list of one for each column) and `optional` (whether None may be) restrict the cells; without them the first cells
    of a column decide, and `allow_mixed_types` lets everything in. At most `MAX_ARTIFACT_ROWS` rows fit into an artifact. Raise
    ValueError for a row of another length, TypeError for a cell of another type.
    """

    log_type = "table"
    max_size = 1 << 30
    MAX_ROWS: ClassVar[int] = 10_000
    MAX_ARTIFACT_ROWS: ClassVar[int] = 200_000

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        data: Any = None,
        rows: Sequence[Sequence[Any]] | None = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: bool | Sequence[bool] = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        super().__init__()
        if log_mode not in (*LOG_MODES, None):
            raise InvalidValueError(f"Invalid log_mode: {log_mode}. Must be one of {list(LOG_MODES)}")
        given = [each for each in (dataframe, data, rows) if each is not None]
        frame = frames.frame_of(given[0] if given else [])
        self.log_mode = log_mode
        named = ["Input", "Output", "Expected"] if columns is None else columns
        self.columns = _names(named if frame.columns is None else frame.columns)
        self.data: list[list[Any]] = []
        self._types = dict(zip(self.columns, self._given_types(AnyType() if allow_mixed_types else dtype, optional), strict=True))
        self._settled: list[set[type]] = [set() for _ in self.columns]
        for row in frame.rows:
            self.add_data(*row)

    def _given_types(self, dtype: Any, may_be_none: bool | Sequence[bool]) -> list[ColumnType]:
        given = dtype if is_list(dtype) else [UNKNOWN if dtype is None else dtype] * len(self.columns)
        none = [may_be_none] * len(self.columns) if isinstance(may_be_none, bool) else list(may_be_none)
        if len(given) != len(self.columns) or len(none) != len(self.columns):
            raise InvalidValueError(f"dtype and optional need one item for each of {len(self.columns)} columns")
        types = [type_from_dtype(each) for each in given]
        return [optional(kind) if may else kind for kind, may in zip(types, none, strict=True)]

    def __repr__(self) -> str:
        return f"<Table {self.columns} [{len(self.data)} rows]>"

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        """Whether columns, their types and all cells are equal."""
        if not isinstance(other, Table):
            return NotImplemented
        if (self.columns, len(self.data)) != (other.columns, len(other.data)) or self._types != other._types:
            return False
        return all(map(_equal_rows, self.data, other.data))

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    @property
    def column_types(self) -> Mapping[Any, ColumnType]:
        """What the cells of each column are."""
        return dict(self._types)

    # -- filling it ---------------------------------------------------------------------------------------------------
    def add_data(self, *data: Any) -> None:
        """Add a row. Raise ValueError if it has too many or too few cells, TypeError for a cell that does not fit its column;
        nothing is added then."""
        if len(data) != len(self.columns):
            raise InvalidValueError(f"This table expects {len(self.columns)} columns: {self.columns}, found {len(data)}")
        taken: dict[int, ColumnType] = {}
        for at, (cell, settled) in enumerate(zip(data, self._settled, strict=True)):
            if type(cell) not in settled or cell != cell:
                taken[at] = self._fit(at, cell)
        row = list(data)
        for at, kind in taken.items():
            self._types[self.columns[at]] = kind
            row[at] = wrapped(kind, row[at], self, self.columns[at])
            if type(data[at]) in _SETTLED and data[at] == data[at] and not isinstance(kind, KeyType):
                self._settled[at].add(class_of(data[at]))
        self.data.append(row)

    def add_row(self, *row: Any) -> None:
        """W&B's older word for `add_data`."""
        self.add_data(*row)

    def _fit(self, at: int, cell: Any) -> ColumnType:
        """The type of the column with this cell. Raise TypeError."""
        column = self.columns[at]
        was = kind = self._types[column]
        if isinstance(cell, TableKey | TableIndex) and was in (UNKNOWN, optional(UNKNOWN)):
            kind = type_of(cell)  # a key is never None
        taken: ColumnType | None = kind.take(cell)
        if taken is None:
            found = type_of(cell)
            raise InvalidTypeError(
                f"Data row contained incompatible types:\n{column!r}: {_shown(cell)} of type {found} is not assignable to {was}",
                hint="allow_mixed_types=True lets everything into a table",
            )
        return taken

    def add_column(self, name: str, data: Any, optional: bool = False) -> None:
        """Add a column of as many cells as there are rows. Raise ValueError for another number or a name that is taken, TypeError
        for cells that do not go together; nothing is added then."""
        if not isinstance(name, str) or name in self.columns:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidValueError(f"a new column needs a name of its own, not {name!r}")
        if not (is_row(data) or is_ndarray(data)):
            raise InvalidTypeError(f"a column is a list or an array, not {type(data)}")
        cells: list[Any] = list(data)
        if self.columns and len(cells) != len(self.data):
            raise InvalidValueError(f"Expected length {len(self.data)}, found {len(cells)}")
        kind = self._fitted(name, _optional(UNKNOWN) if optional else UNKNOWN, cells)
        if not self.columns:
            self.data = [[] for _ in cells]
        self.columns.append(name)
        self._types[name] = kind
        self._settled.append(set())
        for row, cell in zip(self.data, cells, strict=True):
            row.append(wrapped(kind, cell, self, name))

    def _fitted(self, name: Any, kind: ColumnType, cells: Sequence[Any]) -> ColumnType:
        for cell in cells:
            taken = kind.take(cell)
            if taken is None:
                raise InvalidTypeError(
                    f"Existing data {_shown(cell)}, of type {type_of(cell)} cannot be cast to {kind} ({name!r})"
                )
            kind = taken
        return kind

    def add_computed_columns(self, fn: Callable[[int, dict[Any, Any]], Mapping[str, Any]]) -> None:
        """Add the columns that `fn` gives for each row: it is called with the row's number and its cells by column."""
        made: dict[str, list[Any]] = {}
        for index, row in enumerate(self.data):
            for name, cell in fn(index, dict(zip(self.columns, row, strict=True))).items():
                made.setdefault(name, []).append(cell)
        for name, cells in made.items():
            self.add_column(name, cells)

    # -- types --------------------------------------------------------------------------------------------------------
    def cast(self, col_name: Any, dtype: Any, optional: bool = False) -> ColumnType:
        """Restrict a column to a type. Raise TypeError if a cell is not of it, ValueError if there is no such column."""
        at = self._at(col_name)
        kind = type_from_dtype(dtype)
        if isinstance(kind, KeyType) and optional:
            raise InvalidValueError("Primary keys, foreign keys, and foreign indexes cannot be optional.")
        if isinstance(kind, PrimaryKeyType) and any(isinstance(each, PrimaryKeyType) for each in self._types.values()):
            raise InvalidValueError("Cannot have multiple primary keys")
        kind = self._fitted(col_name, _optional(kind) if optional else kind, [row[at] for row in self.data])
        self._types[col_name], self._settled[at] = kind, set()
        for row in self.data:
            row[at] = wrapped(kind, row[at], self, col_name)
        return kind

    def set_pk(self, col_name: Any) -> None:
        """The texts of this column name the rows."""
        self.cast(col_name, PrimaryKeyType())

    def set_fk(self, col_name: Any, table: "Table", table_col: str) -> None:
        """The texts of this column name rows of another table, by one of its columns."""
        if table is self or table_col not in table.columns:
            raise InvalidValueError(f"a foreign key names a column of another table, not {table_col!r} of {table!r}")
        self.cast(col_name, ForeignKeyType(table, table_col))

    # -- reading it ---------------------------------------------------------------------------------------------------
    def _at(self, name: Any) -> int:
        if name not in self.columns:
            raise InvalidValueError(f"{name!r} is none of the columns {self.columns}")
        return self.columns.index(name)

    def get_column(self, name: Any, convert_to: str | None = None) -> Any:
        """The cells of a column; with `convert_to="numpy"` as an array."""
        if convert_to not in (None, "numpy"):
            raise InvalidValueError(f"convert_to must be None or 'numpy', not {convert_to!r}")
        at = self._at(name)
        cells = [row[at] for row in self.data]
        if convert_to is None:
            return cells
        arrays = [cell.to_numpy() if callable(getattr(cell, "to_numpy", None)) else cell for cell in cells]
        return need("numpy", "Table.get_column").array(arrays)

    def iterrows(self) -> Iterator[tuple[TableIndex, list[Any]]]:
        """Number and cells of each row. The number, as a cell of another table, points to the row."""
        for number, row in enumerate(self.data):
            yield index_of(number, self), row

    def get_index(self) -> list[TableIndex]:
        """The numbers of all rows, for a column of another table that points to them."""
        return [index_of(number, self) for number in range(len(self.data))]

    def index_ref(self, index: int) -> TableIndex:
        """The number of one row, for a cell of another table."""
        if not 0 <= index < len(self.data):
            raise InvalidValueError(f"there is no row {index}")
        return index_of(index, self)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`."""
        return frames.to_pandas(self.columns, self.data)

    get_dataframe = to_pandas

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`. Raise TypeError for a column of media or of a mixture."""
        return frames.to_arrow(self.columns, self.data)

    def to_polars(self) -> Any:
        """A `polars.DataFrame`. Raise TypeError for a column of media or of a mixture."""
        return frames.to_polars(self.columns, self.data)

    def to_numpy(self) -> Any:
        """A numpy array (row, column)."""
        return frames.to_numpy(self.columns, self.data)

    # -- into an artifact and out of it -------------------------------------------------------------------------------
    def encode(self, sink: Sink) -> Document:
        from .table_file import encode_table

        return encode_table(self, sink)

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        from .table_file import decode_table

        read = yield from decode_table(document, source)
        table = cls(read.columns, log_mode=read.log_mode)
        if read.types is None:
            for row in read.rows:
                table.add_data(*row)
            return table
        table.data, table._types = read.rows, read.types
        for at, name in enumerate(table.columns):
            if isinstance(kind := read.types[name], KeyType):
                for row in table.data:
                    row[at] = wrapped(kind, row[at], table, name)
        return table


_optional = optional


def _names(columns: Sequence[Any]) -> list[Any]:
    if not is_row(columns):
        raise InvalidTypeError(f"columns argument expects a `list` object, not {type(columns)}")
    names = list(columns)
    if not all(type(name) in (str, int) for name in names):
        raise InvalidTypeError("columns argument expects list of strings or ints")
    if len(set(map(str, names))) < len(names):
        raise InvalidValueError(f"each column needs a name of its own: {names}")
    return names


def _shown(cell: object) -> str:
    text = repr(cell)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _equal_rows(ours: list[Any], theirs: list[Any]) -> bool:
    return len(ours) == len(theirs) and all(itertools.starmap(_equal, zip(ours, theirs, strict=True)))


def _equal(ours: Any, theirs: Any) -> bool:
    if is_ndarray(ours) or is_ndarray(theirs):
        return bool(need("numpy", "comparing arrays").array_equal(ours, theirs))
    return bool(ours == theirs)


MEDIA[Table] = lambda table: TableType(DictType(table.column_types))
