"""Column types from what people write (`dtype=int`) and from W&B's JSON."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

import msgspec

from ..errors import InvalidValueError, ManifestError
from .audio import Audio
from .bokeh import Bokeh
from .classes import Classes
from .column_media import ClassesType, ImageType
from .column_types import (
    BOOLEAN,
    NONE,
    NUMBER,
    STRING,
    TIMESTAMP,
    UNKNOWN,
    AnyType,
    ArrayType,
    ColumnType,
    ConstType,
    DictType,
    ListType,
    ObjectType,
    OtherType,
    Plain,
    UnionType,
    UnknownType,
)
from .html import Html
from .image import Image
from .keys import ForeignIndexType, ForeignKeyType, PrimaryKeyType
from .nesting import read_at
from .object3d import Object3D
from .shapes import is_dict, is_list
from .value import Reading, Source, together
from .video import Video

MAX_DEPTH = 64

_PLAIN = {kind.kind: kind for kind in (NONE, STRING, NUMBER, BOOLEAN, TIMESTAMP)}
_MEDIA = (Audio, Video, Html, Object3D, Bokeh)
_FILES = {kind.log_type for kind in _MEDIA} | {"joined-table", "partitioned-table"}
_LEGACY = {
    "object": "pythonObject",
    "dictionary": "typedDict",
    "wandb.Image": "image-file",
    "wandb.Table": "table",
    "wandb.Classes_id": "classesId",
    "wandb.TablePrimaryKey": "primaryKey",
    "wandb.TableForeignKey": "foreignKey",
    "wandb.TableForeignIndex": "foreignIndex",
}


def type_from_dtype(dtype: Any) -> ColumnType:
    """The type that people mean: a Python class, a class of media, `[type]`, a union `[type, type]`, `{key: type}`, or a value
    for a constant."""
    if isinstance(dtype, ColumnType):
        return dtype
    if isinstance(dtype, type):
        return _of_class(dtype)
    if is_list(dtype):
        types = [type_from_dtype(each) for each in dtype]
        return UnionType.of(types) if len(types) > 1 else ListType(types[0] if types else UNKNOWN)
    if is_dict(dtype):
        return DictType({key: type_from_dtype(each) for key, each in cast("dict[str, Any]", dtype).items()})
    return ConstType(dtype)


def _of_class(kind: type[Any]) -> ColumnType:
    from datetime import date

    families = ((bool, BOOLEAN), (int, NUMBER), (float, NUMBER), (str, STRING), (date, TIMESTAMP), (type(None), NONE))
    for base, family in families:
        if issubclass(kind, base):
            return family
    if issubclass(kind, Image):
        return ImageType()
    if issubclass(kind, _MEDIA):
        return Plain(kind.log_type)
    if issubclass(kind, list | tuple | set | frozenset):
        return ListType()
    if issubclass(kind, dict):
        return DictType()
    if kind.__module__.partition(".")[0] == "numpy":
        return _numpy(kind)
    return ObjectType(kind.__name__)


def _numpy(kind: type[Any]) -> ColumnType:
    if kind.__name__ == "ndarray":
        raise InvalidValueError("a column of arrays has one shape", hint="leave dtype away: the first array says it")
    names = {base.__name__ for base in kind.__mro__}
    for base, family in (("number", NUMBER), ("bool", BOOLEAN), ("bool_", BOOLEAN), ("datetime64", TIMESTAMP)):
        if base in names:
            return family
    return ObjectType(kind.__name__)


# -- from JSON --------------------------------------------------------------------------------------------------------
def read_type(document: Any, source: Source, depth: int = 0) -> Reading[ColumnType]:
    """The type that W&B's JSON describes; one that is not known here is kept as it is. Raise `ManifestError`."""
    said = document.get("wb_type") if is_dict(document) else None
    if depth > MAX_DEPTH or not isinstance(said, str):
        raise ManifestError("not a column type")
    name = _LEGACY.get(said, said)
    params: object = document.get("params") or {}
    if not is_dict(params):
        raise ManifestError(f"column type {name}: its parameters are no object")
    return (yield from _read(name, cast("dict[str, Any]", params), source, depth + 1))


def _read(name: str, params: dict[str, Any], source: Source, depth: int) -> Reading[ColumnType]:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _FILES:
        return Plain(name)
    match name:
        case "union":
            allowed = _get(params, "allowed_types", list[Any])
            return UnionType.of((yield from together([read_type(each, source, depth) for each in allowed])))
        case "list":
            return (yield from _read_list(params, source, depth))
        case "typedDict":
            fields = _get(params, "type_map", dict[str, Any])
            types = yield from together([read_type(each, source, depth) for each in fields.values()])
            return DictType(dict(zip(fields, types, strict=True)))
        case "table":
            from .column_tables import TableType

            columns = yield from read_type(params.get("column_types", {"wb_type": "unknown"}), source, depth)
            return TableType(columns) if isinstance(columns, DictType | UnknownType) else _refuse("table")
        case "foreignKey" | "foreignIndex":
            return (yield from _read_key(name, params, source))
        case "classesId":
            return (yield from _read_classes(params, source))
        case _:
            simple = _SIMPLE.get(name)
            return simple(params) if simple else OtherType(name, params)


def _read_list(params: dict[str, Any], source: Source, depth: int) -> Reading[ColumnType]:
    document = params.get("element_type", {"wb_type": "unknown"})
    if is_dict(document) and document.get("wb_type") == "invalid":
        return ListType(None, _get(params, "length", int | None))
    return ListType((yield from read_type(document, source, depth)), _get(params, "length", int | None))


def _read_key(name: str, params: dict[str, Any], source: Source) -> Reading[ColumnType]:
    from .table import Table

    table = cast("Table", (yield from read_at(_get(params, "table", str), Table, source)))
    if name == "foreignIndex":
        return ForeignIndexType(table)
    column = _get(params, "col_name", str)
    return ForeignKeyType(table, column) if column in table.columns else _refuse(f"foreignKey to {column!r}")


def _read_classes(params: dict[str, Any], source: Source) -> Reading[ColumnType]:
    given = _get(params, "classes_obj", dict[str, Any])
    if given.get("type") == "classes-file":
        return ClassesType(cast("Classes", (yield from read_at(_get(given, "path", str), Classes, source))))
    return ClassesType((yield from Classes.decode(given, source)))


def _array(params: dict[str, Any]) -> ColumnType:
    shape = _get(params, "shape", list[int])
    if min(shape, default=0) < 0:
        return _refuse("ndarray")
    place = _get(params, "serialization_path", dict[str, str] | None)
    return ArrayType(tuple(shape), (_get(place, "path", str), _get(place, "key", str)) if place else None)


def _image(params: dict[str, Any]) -> ColumnType:
    def const(name: str, kind: Any) -> Any:
        given = params.get(name)
        if is_dict(given) and given.get("wb_type") == "const":
            given = _get(given, "params", dict[str, Any]).get("val")
        return _convert(given, kind, name) if given else kind()

    layers, names = dict[str, list[Any]], dict[str, dict[str, str]]
    return ImageType(
        {key: frozenset(map(_scalar, ids)) for key, ids in const("box_layers", layers).items()},
        frozenset(const("box_score_keys", list[str])),
        {key: frozenset(map(_scalar, ids)) for key, ids in const("mask_layers", layers).items()},
        const("box_class_maps", names),
        const("mask_class_maps", names),
        const("class_map", dict[str, str]),
    )


def _scalar(value: object) -> Any:
    return value if isinstance(value, int | float | str) else _refuse("image-file")


_SIMPLE: dict[str, Callable[[dict[str, Any]], ColumnType]] = {
    "any": lambda params: AnyType(),
    "unknown": lambda params: UNKNOWN,
    "primaryKey": lambda params: PrimaryKeyType(),
    "pythonObject": lambda params: ObjectType(_get(params, "class_name", str)),
    "const": lambda params: ConstType(params.get("val"), _get(params, "is_set", bool | None) or False),
    "ndarray": _array,
    "image-file": _image,
}


def _get(params: Mapping[str, Any], name: str, kind: Any) -> Any:
    return _convert(params.get(name), kind, name)


def _convert(value: Any, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ManifestError(f"column type: {name}: {error}") from error


def _refuse(what: str) -> NoReturn:
    raise ManifestError(f"column type: not a {what}")
