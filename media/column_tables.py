"""Column types of tables: whole tables as cells."""

from dataclasses import dataclass
from typing import Any

from .column_types import UNKNOWN, ColumnType, DictType
from .value import Sink


@dataclass(frozen=True, repr=False)
class TableType(ColumnType):
    """Tables with these columns."""

    name = "table"
    columns: ColumnType = UNKNOWN

    def accept(self, other: ColumnType) -> ColumnType | None:
        columns = self.columns.accept(other.columns) if isinstance(other, TableType) else None
        return TableType(columns) if isinstance(columns, DictType) else None

    def params(self, sink: Sink) -> dict[str, Any]:
        return {"column_types": self.columns.encode(sink)}
