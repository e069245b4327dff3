"""Cells: what of a row JSON can say, and what a row of JSON says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast

from ..errors import InvalidTypeError, ManifestError
from .document import Rows
from .shapes import class_of, is_dict, is_row, is_set
from .value import Document, Sink, Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_AS_IT_IS = (str, int, bool, type(None))


def plain_cell(value: Any, sink: Sink) -> Any:
    """JSON for a cell. Times become milliseconds since 1970, those without a zone taken as UTC; NaN becomes null. Raise TypeError
    for what JSON cannot say."""
    kind = class_of(value)
    if kind in _AS_IT_IS:
        return value
    if isinstance(value, float):
        return None if value != value else float(value)
    if isinstance(value, Value):
        return inlined(value.encode(sink))
    if is_dict(value):
        return {_key(key): plain_cell(item, sink) for key, item in value.items()}
    if isinstance(value, date):
        return milliseconds(value)
    if is_row(value):
        return [plain_cell(item, sink) for item in cast("list[Any]", value)]
    if is_set(value):
        return sorted(
            (plain_cell(item, sink) for item in cast("set[Any]", value)), key=lambda item: (class_of(item).__name__, item)
        )
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str | int):  # subclasses: keys and indexes of tables, strings of numpy
        return str(value) if isinstance(value, str) else int(value)
    if isinstance(value, Decimal):
        return plain_cell(float(value), sink)
    if isinstance(value, bytes):
        return _text(value)
    return _foreign(value, sink)


def inlined(document: Document) -> Document:
    """The document of a value that lies inside of another, whole."""
    if is_dict(document):
        return {key: list(item.rows) if isinstance(item, Rows) else item for key, item in document.items()}
    return document


def milliseconds(value: date) -> int:
    """Since 1970; what is finer is lost."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def time_of(cell: Any) -> Any:
    """The time, in UTC, that a cell of a column of times stands for. Raise `ManifestError` for a year that cannot be."""
    if type(cell) not in (int, float):
        return cell
    try:
        return _EPOCH + timedelta(milliseconds=cell)
    except (OverflowError, ValueError) as error:
        raise ManifestError(f"{cell} is not a time in milliseconds") from error


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidTypeError("bytes in a table must be UTF-8", hint="add them as a file, or encode them as text") from error


def _key(key: Any) -> Any:
    return key.item() if callable(getattr(key, "item", None)) else key


def _foreign(value: Any, sink: Sink) -> Any:
    if type(value).__name__ == "datetime64":
        # NaT alone differs from itself.
        return None if value != value else int(value.astype("datetime64[ms]").astype("int64"))
    plain = value.tolist() if callable(getattr(value, "tolist", None)) else value
    if type(plain) is type(value):
        raise InvalidTypeError(f"JSON cannot say {type(value)}")
    return plain_cell(plain, sink)
