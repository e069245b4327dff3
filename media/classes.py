"""Classes: which ids mean what, for images with boxes and masks, and for columns of ids."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, field

from ..errors import InvalidTypeError, InvalidValueError
from .document import checked
from .shapes import is_mapping, is_sequence
from .value import Document, Reading, Sink, Source, Value

if TYPE_CHECKING:
    from .column_types import ColumnType


class _Document(Struct, frozen=True):
    kind: str = field(name="_type")
    class_set: list[dict[str, Any]]


class Classes(Value):
    """A list of `{"id": …, "name": …}`, where a `color` may follow. Raise ValueError for an item without id or name."""

    log_type = "classes"

    def __init__(self, class_set: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.class_set = list(_items(class_set))

    def __repr__(self) -> str:
        return f"<Classes {self.names()}>"

    def __eq__(self, other: object) -> bool:
        return self.class_set == other.class_set if isinstance(other, Classes) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    def names(self) -> dict[Any, str]:
        """Id → name."""
        return {item["id"]: item["name"] for item in self.class_set}

    @property
    def file_name(self) -> str:
        """Where the classes of an image or of a column lie in an artifact: equal ones at one place."""
        digest = hashlib.md5(str(self.class_set).encode(), usedforsecurity=False).hexdigest()
        return f"media/classes/{digest}_cls"

    def get_type(self) -> "ColumnType":
        """The type of a column of these ids, for `Table(dtype=…)` and `Table.cast`."""
        from .column_media import ClassesType

        return ClassesType(self)

    def encode(self, sink: Sink) -> Document:
        del sink
        return {"_type": self.log_type, "class_set": self.class_set}

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        del source
        yield []
        return cls(checked(document, _Document, "set of classes").class_set)


def _items(class_set: object) -> Iterator[dict[str, Any]]:
    if isinstance(class_set, str) or not is_sequence(class_set):
        raise InvalidTypeError(f"a class set must be a list of dicts, not {type(class_set)}")
    for item in class_set:
        if not is_mapping(item):
            raise InvalidTypeError(f"a class must be a dict with id and name, not {type(item)}")
        plain: dict[str, Any] = dict(item)
        if "id" not in plain or "name" not in plain:
            raise InvalidValueError(f"a class needs an id and a name: {plain!r}")
        yield plain
