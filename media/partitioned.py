"""PartitionedTable: a table in parts, which are the tables in a folder of the artifact."""

from collections.abc import Iterator
from typing import Any, Self

from msgspec import Struct, field

from ..errors import InvalidTypeError, InvalidValueError, UsageError
from .document import checked
from .table import Table
from .value import Document, Reading, Sink, Source, Value


class _Document(Struct, frozen=True):
    kind: str = field(name="_type")
    parts_path: str


class PartitionedTable(Value):
    """The tables below the folder `parts_path` of the artifact, one after another."""

    log_type = "partitioned-table"

    def __init__(self, parts_path: str) -> None:
        super().__init__()
        if not isinstance(parts_path, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidTypeError(f"parts_path must be a string, not {type(parts_path)}")
        self.parts_path = parts_path
        self._source: Source | None = None

    def __repr__(self) -> str:
        return f"<PartitionedTable {self.parts_path!r}>"

    def __eq__(self, other: object) -> bool:
        return self.parts_path == other.parts_path if isinstance(other, PartitionedTable) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Number and cells of each row, part by part: one part at a time is read, and held. It blocks. Raise ValueError for parts
        with other columns than the first, `UsageError` before it was got from an artifact."""
        if self._source is None:
            raise UsageError(f"the parts of {self!r} lie in an artifact", hint="add it, log the artifact, and get it from there")
        columns: list[Any] | None = None
        number = 0
        for path in self._source.below(self.parts_path):
            part = self._source.load(path) if path.endswith(".table.json") else None
            if not isinstance(part, Table):
                continue
            if columns is not None and part.columns != columns:
                raise InvalidValueError(f"Table parts have non-matching columns. {columns} != {part.columns}")
            columns = part.columns
            for row in part.data:
                yield number, row
                number += 1

    def encode(self, sink: Sink) -> Document:
        del sink
        return {"_type": self.log_type, "parts_path": self.parts_path}

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        yield []
        table = cls(checked(document, _Document, "partitioned table").parts_path)
        table._source = source
        return table
