"""Column types: what the cells of a column are, as W&B's tables say it. Immutable; a cell that widens a type makes a new one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isnan
from typing import Any, ClassVar

from .optional import comes_from
from .shapes import class_of, is_dict, is_items
from .value import Sink


@dataclass(frozen=True, eq=True, repr=False)
class ColumnType:
    """What the cells of a column may be."""

    name: ClassVar[str] = ""

    def __repr__(self) -> str:
        return self.wb_type.capitalize()

    @property
    def wb_type(self) -> str:
        """W&B's name."""
        return self.name

    def params(self, sink: Sink) -> dict[str, Any]:
        """What W&B's JSON says beside the name."""
        del sink
        return {}

    def encode(self, sink: Sink) -> dict[str, Any]:
        """W&B's JSON."""
        params = self.params(sink)
        return {"wb_type": self.wb_type} | ({"params": params} if params else {})

    def accept(self, other: "ColumnType") -> "ColumnType | None":
        """The type of what is of this type or of the other; None if such a mixture cannot be."""
        return self if other == self else None

    def take(self, value: object) -> "ColumnType | None":
        """The type once `value` is among the cells; None if it cannot be."""
        return self.accept(type_of(value))


@dataclass(frozen=True, repr=False)
class Plain(ColumnType):
    """A type with a name and nothing else: none, string, number, boolean, timestamp, or a kind of medium."""

    kind: str

    @property
    def wb_type(self) -> str:
        return self.kind


NONE, STRING, NUMBER = Plain("none"), Plain("string"), Plain("number")
BOOLEAN, TIMESTAMP = Plain("boolean"), Plain("timestamp")


@dataclass(frozen=True, repr=False)
class AnyType(ColumnType):
    """Everything but None."""

    name = "any"

    def accept(self, other: ColumnType) -> ColumnType | None:
        return None if other == NONE else self


@dataclass(frozen=True, repr=False)
class UnknownType(ColumnType):
    """Nothing yet: the first cell that is not None decides."""

    name = "unknown"

    def accept(self, other: ColumnType) -> ColumnType | None:
        return None if other == NONE else other


UNKNOWN = UnknownType()


@dataclass(frozen=True, repr=False)
class ObjectType(ColumnType):
    """Python objects of one class."""

    name = "pythonObject"
    class_name: str

    def __repr__(self) -> str:
        return f"Pythonobject(class_name:{self.class_name})"

    def params(self, sink: Sink) -> dict[str, Any]:
        del sink
        return {"class_name": self.class_name}


@dataclass(frozen=True, repr=False)
class ConstType(ColumnType):
    """One value and no other, or a set of values."""

    name = "const"
    val: Any
    is_set: bool = False

    def __repr__(self) -> str:
        return str(set(self.val) if self.is_set else self.val)

    def params(self, sink: Sink) -> dict[str, Any]:
        del sink
        return {"val": self.val, "is_set": self.is_set}

    def take(self, value: object) -> ColumnType | None:
        return self.accept(ConstType(value))


@dataclass(frozen=True, repr=False)
class UnionType(ColumnType):
    """One of several types."""

    name = "union"
    allowed: tuple[ColumnType, ...] = ()

    @staticmethod
    def of(types: Iterable[ColumnType]) -> "UnionType":
        """Unions among them are taken apart. W&B sorts them by how they are shown."""
        return UnionType(tuple(sorted(_flat(types), key=repr)))

    def __repr__(self) -> str:
        return " or ".join(map(repr, self.allowed))

    def params(self, sink: Sink) -> dict[str, Any]:
        return {"allowed_types": [kind.encode(sink) for kind in self.allowed]}

    def accept(self, other: ColumnType) -> "UnionType | None":
        union: UnionType | None = self
        for each in other.allowed if isinstance(other, UnionType) else (other,):
            union = union._widened(each, each) if union else None
        return union

    def take(self, value: object) -> "UnionType | None":
        return self._widened(value, type_of(value))

    def _widened(self, value: object, kind: ColumnType) -> "UnionType | None":
        """The first type that accepts it, unknown ones last, is replaced by what it becomes."""
        unknown = [index for index, each in enumerate(self.allowed) if each is UNKNOWN]
        for index in (*(at for at in range(len(self.allowed)) if at not in unknown), *unknown):
            each = self.allowed[index]
            taken = each.accept(kind) if value is kind or isinstance(each, Plain | UnknownType) else each.take(value)
            if taken is not None:
                same = taken is each or taken == each
                return self if same else UnionType.of((*self.allowed[:index], taken, *self.allowed[index + 1 :]))
        return None


def optional(kind: ColumnType) -> UnionType:
    """This or None."""
    return UnionType.of([kind, NONE])


def _flat(types: Iterable[ColumnType]) -> Iterable[ColumnType]:
    for kind in types:
        if isinstance(kind, UnionType):
            yield from _flat(kind.allowed)
        else:
            yield kind


@dataclass(frozen=True, repr=False)
class ListType(ColumnType):
    """Lists of one type of element; their `length` if all are of one."""

    name = "list"
    element: ColumnType | None = UNKNOWN
    """None where the elements of a cell did not go together."""
    length: int | None = None

    def __repr__(self) -> str:
        return f"{self.element or 'Invalid'}[]"

    def params(self, sink: Sink) -> dict[str, Any]:
        element = self.element.encode(sink) if self.element else {"wb_type": "invalid"}
        return {"element_type": element, "length": self.length}

    def accept(self, other: ColumnType) -> ColumnType | None:
        if not isinstance(other, ListType) or self.element is None or other.element is None:
            return None
        element = self.element.accept(other.element)
        return element and ListType(element, self.length if self.length == other.length else None)

    def take(self, value: Any) -> ColumnType | None:
        cells: object = value.tolist() if type(value).__name__ == "ndarray" else value
        if not is_items(cells):
            return None
        items: list[object] = list(cells)
        element = elements(items, self.element)
        return element and ListType(element, len(items))


def elements(items: Sequence[object], element: ColumnType | None) -> ColumnType | None:
    """The type of the elements once these are among them."""
    if (element is NUMBER or element is UNKNOWN) and items and _are_numbers(items):
        return NUMBER
    for item in items:
        if element is None:
            return None
        element = element.take(item)
    return element


@dataclass(frozen=True, repr=False)
class ArrayType(ColumnType):
    """Arrays of one shape. `serialized` says in which file and under which key the arrays of a column lie."""

    name = "ndarray"
    shape: tuple[int, ...]
    serialized: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Ndarray(shape:{list(self.shape)})"

    def params(self, sink: Sink) -> dict[str, Any]:
        del sink
        where = {"path": self.serialized[0], "key": self.serialized[1]} if self.serialized else None
        return {"shape": list(self.shape), "serialization_path": where}

    def accept(self, other: ColumnType) -> ColumnType | None:
        same = isinstance(other, ArrayType) and other.shape == self.shape
        return self if same or isinstance(other, ListType) else None


@dataclass(frozen=True, repr=False)
class DictType(ColumnType):
    """Dicts, with a type for each key. A key that is missing is None."""

    name = "typedDict"
    fields: Mapping[str, ColumnType] = field(default_factory=dict[str, ColumnType])

    def __repr__(self) -> str:
        return str(dict(self.fields))

    def params(self, sink: Sink) -> dict[str, Any]:
        mixed = len(set(map(type, self.fields))) > 1  # JSON has one kind of key, and sorts no other
        return {"type_map": {str(key) if mixed else key: kind.encode(sink) for key, kind in self.fields.items()}}

    def accept(self, other: ColumnType) -> ColumnType | None:
        if not isinstance(other, DictType) or not other.fields.keys() <= self.fields.keys():
            return None
        return self._each({key: kind.accept(other.fields.get(key, UNKNOWN)) for key, kind in self.fields.items()})

    def take(self, value: object) -> ColumnType | None:
        if not is_dict(value) or not value.keys() <= self.fields.keys():
            return None
        return self._each({key: kind.take(value.get(key)) for key, kind in self.fields.items()})

    def _each(self, taken: Mapping[str, ColumnType | None]) -> ColumnType | None:
        fields = {key: kind for key, kind in taken.items() if kind is not None}
        return DictType(fields) if len(fields) == len(taken) else None


@dataclass(frozen=True, repr=False)
class OtherType(ColumnType):
    """A type that only W&B knows, kept as it was read."""

    kind: str
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def wb_type(self) -> str:
        return self.kind

    def params(self, sink: Sink) -> dict[str, Any]:
        del sink
        return dict(self.said)


MEDIA: dict[type, Callable[[Any], ColumnType]] = {}
"""Of a class of values, the type of one of them; filled by the modules that know these classes."""
_BUILT_IN: dict[type, ColumnType] = {
    type(None): NONE,
    str: STRING,
    bool: BOOLEAN,
    int: NUMBER,
    datetime: TIMESTAMP,
    date: TIMESTAMP,
}


def type_of(value: Any) -> ColumnType:
    """The type of one cell. NaN counts as None."""
    kind = class_of(value)
    if (known := _BUILT_IN.get(kind)) is not None:
        return known
    if kind is float:
        return NONE if value != value else NUMBER
    if kind is list:
        return _list_type(value)
    if (of := MEDIA.get(kind)) is not None:
        return of(value)
    if is_items(value):
        return _list_type(list(value))
    if is_dict(value):
        return DictType({key: type_of(item) for key, item in value.items()})
    if comes_from(value, "numpy"):
        return _numpy_type(value)
    families = ((bool, BOOLEAN), (int, NUMBER), (float, NUMBER), (str, STRING), (date, TIMESTAMP))
    return next((family for base, family in families if isinstance(value, base)), ObjectType(kind.__name__))


def _list_type(items: list[object]) -> ListType:
    if items and _are_numbers(items):
        return ListType(NUMBER, len(items))
    element: ColumnType = optional(UNKNOWN) if any(item is None for item in items) else UNKNOWN
    return ListType(elements(items, element), len(items))


def _numpy_type(value: Any) -> ColumnType:
    if type(value).__name__ == "ndarray":
        return ArrayType(tuple(value.shape))
    families = {"b": BOOLEAN, "M": TIMESTAMP, "U": STRING} | dict.fromkeys("iufc", NUMBER)
    return families.get(value.dtype.kind, ObjectType(type(value).__name__))


def _are_numbers(items: Sequence[Any]) -> bool:
    """Whether all are numbers of Python, and none is NaN."""
    kinds = set(map(type, items))
    if kinds == {float}:
        return not any(map(isnan, items))
    return kinds <= {int, float} and all(item == item for item in items)
