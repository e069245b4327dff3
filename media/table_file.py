"""Table files: what W&B writes of a table, and what can be read of it. Arrays of columns lie beside it, and no pickle ever."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, field

from ..errors import InvalidTypeError, InvalidValueError, ManifestError
from .arrays import read_arrays, stack, write_arrays
from .cells import plain_cell, time_of
from .column_of import read_type
from .column_types import BOOLEAN, NONE, NUMBER, STRING, TIMESTAMP, ArrayType, ColumnType, DictType, ListType, UnionType
from .document import Rows, checked, kind_of
from .scratch import Scratch
from .shapes import is_dict
from .value import Document, Reading, Sink, Source, Value, together, wanting

if TYPE_CHECKING:
    from .table import Table

MAX_EMBEDDING = 150  # numbers: shorter arrays of one dimension stay in the rows


class _TableDocument(Struct, frozen=True):
    kind: str = field(name="_type")
    columns: list[str | int]
    data: list[list[Any]]
    column_types: dict[str, Any] | None = None
    log_mode: str | None = None


class TableRead(Struct, frozen=True):
    """What a table file says. Without `types` it is older than W&B's column types."""

    columns: list[Any]
    rows: list[list[Any]]
    types: dict[Any, ColumnType] | None
    log_mode: str | None


# -- writing ----------------------------------------------------------------------------------------------------------
def encode_table(table: "Table", sink: Sink) -> Document:
    """Raise ValueError for too many rows, or a row that is none; TypeError naming the cell that JSON cannot say."""
    columns, rows = table.columns, table.data
    if len(rows) > table.MAX_ARTIFACT_ROWS:
        raise InvalidValueError(
            f"Table row limit exceeded: table has {len(rows)} rows, limit is {table.MAX_ARTIFACT_ROWS}",
            hint="split it (PartitionedTable), or raise lading.Table.MAX_ARTIFACT_ROWS",
        )
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise InvalidValueError(f"row {number} has {len(row)} cells, not {len(columns)}")
    types = {name: _stored_type(table, name, kind, sink) for name, kind in table.column_types.items()}
    elsewhere = {at for at, name in enumerate(columns) if (array := _array(types[name])) and array.serialized}
    # As W&B says it of a table that no run has logged part by part.
    parts: dict[str, Any] = {"increment_num": 0, "previous_increments_paths": []} if table.log_mode == "INCREMENTAL" else {}
    return parts | {
        "_type": table.log_type,
        "column_types": DictType(types).encode(sink),
        "columns": columns,
        "data": Rows(_plain_rows(columns, rows, elsewhere, sink)),
        "log_mode": table.log_mode,
        "ncols": len(columns),
        "nrows": len(rows),
    }


def _array(kind: ColumnType) -> ArrayType | None:
    kinds = kind.allowed if isinstance(kind, UnionType) else (kind,)
    return next((each for each in kinds if isinstance(each, ArrayType)), None)


def _stored_type(table: "Table", name: Any, kind: ColumnType, sink: Sink) -> ColumnType:
    """The type that the file says; the arrays of the column are written."""
    array = _array(kind)
    if array is None:
        return kind
    cells = table.get_column(name)
    if len(array.shape) == 1 and array.shape[0] <= MAX_EMBEDDING:
        embedding = ListType(NUMBER, array.shape[0])
        # W&B says nothing of None here, so that such a table cannot be read again: where there is one, the type says so.
        return _replaced(kind, array, embedding) if any(cell is None for cell in cells) else embedding
    scratch = Scratch(".npz")
    try:
        write_arrays(scratch.path, str(name), stack(cells))
    except (InvalidTypeError, InvalidValueError) as error:
        raise type(error)(f"column {name!r}: {error.message}", hint=error.hint) from error
    stored = sink.file(scratch.path, f"media/serialized_data/{scratch.path.rpartition('/')[2]}", temporary=True)
    sink.keep(scratch)
    return _replaced(kind, array, ArrayType(array.shape, (stored.path, str(name))))


def _replaced(kind: ColumnType, was: ColumnType, now: ColumnType) -> ColumnType:
    return UnionType.of(now if each is was else each for each in kind.allowed) if isinstance(kind, UnionType) else now


def _plain_rows(columns: list[Any], rows: list[list[Any]], elsewhere: set[int], sink: Sink) -> Iterator[list[Any]]:
    for number, row in enumerate(rows):
        try:
            yield [None if at in elsewhere else plain_cell(cell, sink) for at, cell in enumerate(row)]
        except (InvalidTypeError, RecursionError) as error:
            reason = error.message if isinstance(error, InvalidTypeError) else "nested too deep"
            raise InvalidTypeError(f"row {number}: {reason}") from error


# -- reading ----------------------------------------------------------------------------------------------------------
def decode_table(document: Any, source: Source) -> Reading[TableRead]:
    """What the file says, cells of media read. Raise `ManifestError`."""
    read = checked(document, _TableDocument, "table")
    columns, rows = read.columns, read.data
    if len(set(map(str, columns))) < len(columns):
        raise ManifestError("a table with two columns of one name")
    if any(len(row) != len(columns) for row in rows):
        raise ManifestError(f"a table with a row that has not {len(columns)} cells")
    types: dict[Any, ColumnType] | None = None
    if read.column_types is not None:
        types = _by_column(columns, (yield from read_type(read.column_types, source)))
        yield from _restore(columns, rows, types, source)
    yield from _read_media([at for at, name in enumerate(columns) if types is None or _may_hold_media(types[name])], rows, source)
    return TableRead(columns, rows, types, read.log_mode if read.log_mode in ("IMMUTABLE", "MUTABLE", "INCREMENTAL") else None)


def _by_column(columns: list[Any], kind: ColumnType) -> dict[Any, ColumnType]:
    fields = kind.fields if isinstance(kind, DictType) else dict[str, ColumnType]()
    if fields.keys() != set(map(str, columns)):
        raise ManifestError("a table whose column types are not those of its columns")
    return {name: fields[str(name)] for name in columns}


def _restore(columns: list[Any], rows: list[list[Any]], types: dict[Any, ColumnType], source: Source) -> Reading[None]:
    """Times become times, and arrays come back from where they lie."""
    arrays = {at: array for at, name in enumerate(columns) if (array := _array(types[name])) and array.serialized}
    yield [array.serialized[0] for array in arrays.values() if array.serialized]
    for at, array in arrays.items():
        assert array.serialized is not None  # as chosen above
        path, key = array.serialized
        cells = read_arrays(source.file(path), key, (len(rows), *array.shape))
        for row, cell in zip(rows, cells, strict=True):
            row[at] = cell
        name = columns[at]
        types[name] = _replaced(types[name], array, ArrayType(array.shape))
    for at, name in enumerate(columns):
        kind = types[name]
        if TIMESTAMP in (kind.allowed if isinstance(kind, UnionType) else (kind,)):
            for row in rows:
                row[at] = time_of(row[at])


def _may_hold_media(kind: ColumnType) -> bool:
    """A column of dicts holds dicts, whatever is in them."""
    kinds = kind.allowed if isinstance(kind, UnionType) else (kind,)
    return not all(isinstance(each, DictType) or each in (NONE, NUMBER, STRING, BOOLEAN, TIMESTAMP) for each in kinds)


def _read_media(columns: list[int], rows: list[list[Any]], source: Source) -> Reading[None]:
    from .registry import VALUES

    places: list[tuple[list[Any], int]] = []
    readings: list[Reading[Value]] = []
    for row in rows:
        for at in columns:
            if is_dict(cell := row[at]) and (kind := VALUES.get(kind_of(cell) or "")):
                places.append((row, at))
                readings.append(kind.decode(cell, source))
    values = yield from together([*readings, cast("Reading[Value]", wanting([]))])
    for (row, at), value in zip(places, values, strict=False):
        row[at] = value
