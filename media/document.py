"""The JSON of values: written byte for byte as W&B writes it, and read as what strangers wrote."""

import json
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar

import msgspec

from ..errors import InvalidTypeError, ManifestError
from .shapes import is_dict, is_mapping
from .value import Document, Found

T = TypeVar("T")


class Rows:
    """A list at the first level of a document, written element by element."""

    def __init__(self, rows: Iterable[list[Any]]) -> None:
        self.rows = rows


def write_document(document: Document, file: TextIO) -> None:
    """Keys sorted, separators `, ` and `: `, as `json.dump` does it. Raise `InvalidTypeError` for what JSON cannot say."""
    if is_dict(document):
        before = "{"
        for key in sorted(document):
            file.write(f"{before}{json.dumps(key)}: ")
            _write(document[key], file)
            before = ", "
        file.write("}" if document else "{}")
    else:
        file.write(_dumped(document))


def _write(value: object, file: TextIO) -> None:
    if not isinstance(value, Rows):
        file.write(_dumped(value))
        return
    before = "["
    for row in value.rows:
        file.write(before + _dumped(row))
        before = ", "
    file.write("]" if before == ", " else "[]")


def _dumped(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTypeError(f"JSON cannot say it: {error}") from error


def compact(value: object) -> bytes:
    """`value` as the JSON of a file beside a document, without spaces. Raise `InvalidTypeError` for what JSON cannot say."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTypeError(f"JSON cannot say it: {error}") from error


def read_document(data: bytes, name: str) -> Any:
    """What `write_document` wrote, numbers of any size and NaN included. Raise `ManifestError` naming the entry."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{name}: not JSON: {error}") from error


def read_local(found: Found, limit: int) -> Any:
    """The document in a file of the artifact. Raise `ManifestError` for one of more than `limit` bytes."""
    name = found.origin.path
    if found.local is None:
        raise ManifestError(f"{name} is a reference to {found.uri}, not a document")
    with open(found.local, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ManifestError(f"{name}: more than {limit} bytes for one document")
    return read_document(data, name)


def checked(document: object, kind: type[T], what: str) -> T:
    """The document as a struct. Raise `ManifestError` if it is none of that kind."""
    try:
        return msgspec.convert(document, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ManifestError(f"not a {what}: {error}") from error


def kind_of(document: object) -> str | None:
    """What a document says that it is; None for other data."""
    kind = document.get("_type") if is_mapping(document) else None
    return kind if isinstance(kind, str) else None
