"""Keys: cells that name rows of tables, and the types of such columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .column_types import MEDIA, NUMBER, STRING, ColumnType
from .value import Sink

if TYPE_CHECKING:
    from .table import Table


class TableKey(str):
    """A text that names a row of a table by a column of it."""

    table: "Table | None" = None
    column: str = ""

    def get_row(self) -> dict[Any, Any] | None:
        """The first row with this key; None if there is none."""
        if self.table is None:
            return None
        at = self.table.columns.index(self.column)
        return next((dict(zip(self.table.columns, row, strict=True)) for row in self.table.data if row[at] == self), None)


class TableIndex(int):
    """The number of a row of a table."""

    table: "Table | None" = None

    def get_row(self) -> dict[Any, Any]:
        """The row."""
        return dict(zip(self.table.columns, self.table.data[self], strict=True)) if self.table is not None else {}


def key_of(text: str, table: "Table", column: str) -> TableKey:
    key = TableKey(text)
    key.table, key.column = table, column
    return key


def index_of(number: int, table: "Table") -> TableIndex:
    index = TableIndex(number)
    index.table = table
    return index


@dataclass(frozen=True, repr=False)
class PrimaryKeyType(ColumnType):
    """Texts that name the rows of their own table."""

    name = "primaryKey"

    def accept(self, other: ColumnType) -> ColumnType | None:
        return self if other in (STRING, self) or isinstance(other, ForeignKeyType) else None


@dataclass(frozen=True, repr=False)
class ForeignKeyType(ColumnType):
    """Texts that name rows of another table."""

    name = "foreignKey"
    table: "Table"
    column: str

    def accept(self, other: ColumnType) -> ColumnType | None:
        same = isinstance(other, ForeignKeyType) and other.table is self.table and other.column == self.column
        return self if same or other == STRING else None

    def params(self, sink: Sink) -> dict[str, Any]:
        return {"table": _stored(self.table, sink), "col_name": self.column}


@dataclass(frozen=True, repr=False)
class ForeignIndexType(ColumnType):
    """Numbers of rows of another table."""

    name = "foreignIndex"
    table: "Table"

    def accept(self, other: ColumnType) -> ColumnType | None:
        same = isinstance(other, ForeignIndexType) and other.table is self.table
        return self if same or other == NUMBER else None

    def params(self, sink: Sink) -> dict[str, Any]:
        return {"table": _stored(self.table, sink)}


KeyType = PrimaryKeyType | ForeignKeyType | ForeignIndexType


def wrapped(kind: ColumnType | None, value: Any, own: "Table", column: Any) -> Any:
    """The cell of a column of this type."""
    match kind:
        case PrimaryKeyType():
            return key_of(value, own, column)
        case ForeignKeyType(table=table, column=key):
            return key_of(value, table, key)
        case ForeignIndexType(table=table):
            return index_of(value, table)
        case _:
            return value


def _stored(table: "Table", sink: Sink) -> str:
    return sink.value(table, "media/tables/t").path


def _key_type(key: TableKey) -> ColumnType:
    return ForeignKeyType(key.table, key.column) if key.table is not None else STRING


def _index_type(index: TableIndex) -> ColumnType:
    return ForeignIndexType(index.table) if index.table is not None else NUMBER


MEDIA[TableKey] = _key_type
MEDIA[TableIndex] = _index_type
