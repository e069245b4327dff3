"""JoinedTable: two tables of an artifact, to be looked at side by side."""

import base64
from typing import Any, Self

from msgspec import Struct, field

from ..errors import InvalidValueError
from .column_types import MEDIA, Plain
from .document import checked
from .nesting import read_at
from .partitioned import PartitionedTable
from .shapes import is_list
from .table import Table
from .value import Document, Origin, Reading, Sink, Source, Value

_SUFFIX = ".table.json"
_WORD = "JoinedTable {} should be an artifact path to a table or lading.Table object"


class _Document(Struct, frozen=True):
    kind: str = field(name="_type")
    table1: str
    table2: str
    join_key: str | list[str]


class JoinedTable(Value):
    """Two tables and the column they are joined on, or `[column of the first, of the second]`. A table is a Table, a
    PartitionedTable, the path of one in the artifact (`….table.json`), or an entry of another artifact. Raise ValueError."""

    log_type = "joined-table"

    def __init__(self, table1: Any, table2: Any, join_key: str | list[str]) -> None:
        super().__init__()
        keys = [join_key] if isinstance(join_key, str) else join_key
        texts = is_list(keys) and all(isinstance(key, str) for key in keys)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not texts or (keys is join_key and len(keys) != 2):
            raise InvalidValueError("JoinedTable join_key should be a string or a list of two strings")
        self.table1, self.table2, self.join_key = _checked(table1, "table1"), _checked(table2, "table2"), join_key

    def __repr__(self) -> str:
        return f"<JoinedTable of {self.table1!r} and {self.table2!r} on {self.join_key!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JoinedTable):
            return NotImplemented
        return (self.table1, self.table2, self.join_key) == (other.table1, other.table2, other.join_key)

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    def encode(self, sink: Sink) -> Document:
        table1, table2 = (_stored(table, f"t{number}", sink) for number, table in ((1, self.table1), (2, self.table2)))
        return {"_type": self.log_type, "table1": table1, "table2": table2, "join_key": self.join_key}

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        read = checked(document, _Document, "joined table")
        tables: list[Any] = []
        for path in (read.table1, read.table2):
            kind = PartitionedTable if path.endswith(".partitioned-table.json") else Table
            tables.append((yield from read_at(path, kind, source)))
        joined = cls.__new__(cls)
        Value.__init__(joined)
        joined.table1, joined.table2, joined.join_key = *tables, read.join_key
        return joined


def _checked(table: Any, name: str) -> Any:
    if isinstance(table, Table | PartitionedTable) or (isinstance(table, str) and table.endswith(_SUFFIX)):
        return table
    origin = getattr(table, "origin", None)
    if isinstance(origin, Origin) and origin.path.endswith(_SUFFIX):
        return table
    raise InvalidValueError(_WORD.format(name))


def _stored(table: Any, name: str, sink: Sink) -> str:
    """The path of the table in the artifact. Raise ValueError if it names none."""
    if isinstance(table, Value):
        return sink.value(table, f"media/tables/{name}").path
    if not isinstance(table, str):
        return sink.share(table.origin, f"media/tables/{_short(table.origin.digest)}{_SUFFIX}").path
    if not sink.holds(table):
        raise InvalidValueError(
            f"JoinedTable table:{table} not found in artifact. Add a table to the artifact using Artifact#add(<table>, {table}) "
            "before adding this JoinedTable"
        )
    return table


def _short(digest: str) -> str:
    """The start of a digest in hex; MD5 is written in base64."""
    return (base64.b64decode(digest).hex() if digest.endswith("==") else digest)[:20]


MEDIA[JoinedTable] = lambda value: Plain(value.log_type)
MEDIA[PartitionedTable] = lambda value: Plain(value.log_type)
