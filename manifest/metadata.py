"""Metadata: what people write about an artifact, as plain JSON values."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from ..errors import InvalidTypeError, InvalidValueError

MAX_KEYS = 100
_MAX_DEPTH = 64


def metadata(value: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """A deep copy of `value` in plain JSON values; a string is parsed as JSON, None is empty.

    NaN becomes None, tuples and arrays become lists, slices become maps, dates become ISO text, and keys that are numbers,
    booleans or None become what JSON makes of them. Raise `InvalidTypeError` for what JSON cannot hold, naming where it
    lies, and `InvalidValueError` for ±Inf and for more than 100 keys.
    """
    if value is None:
        return {}
    parsed = _parse(value) if isinstance(value, str) else value
    if not isinstance(parsed, Mapping):
        raise InvalidTypeError(f"metadata must be a dict, not {type(parsed)}")
    plain = _map(cast("Any", parsed), "metadata", 0)
    if len(plain) > MAX_KEYS:
        raise InvalidValueError(
            f"metadata has {len(plain)} keys, more than {MAX_KEYS}", hint="nest them, or put them into a file"
        )
    return plain


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"metadata is not JSON: {error}") from error


def _plain(value: Any, place: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise InvalidValueError(f"{place[:80]}… is nested too deep, or contains itself")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, place)
        case int():
            return int(value)
        case float():
            return _float(value, place)
        case Mapping():
            return _map(cast("Any", value), place, depth)
        case list() | tuple():
            return _list(cast("Any", value), place, depth)
        case slice():
            cut = cast("Any", value)
            return _map({"slice_start": cut.start, "slice_stop": cut.stop, "slice_step": cut.step}, place, depth)
        case date():
            return value.isoformat()
        case _:
            return _foreign(value, place, depth)


def _list(value: Sequence[Any], place: str, depth: int) -> list[Any]:
    return [_plain(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value)]


def _map(value: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        text = _key(key, place)
        if text in plain:
            raise InvalidValueError(f"{place} has the key {text!r} twice")
        plain[text] = _plain(item, f"{place}.{text}", depth + 1)
    return plain


def _key(key: Any, place: str) -> str:
    plain = key.tolist() if hasattr(key, "tolist") else key
    match plain:
        case str():
            return _text(plain, place)
        case bool() | None:
            return json.dumps(plain)
        case int() | float():
            return str(plain)
        case _:
            raise InvalidTypeError(f"{place} has a key of {type(key)}: {key!r}", hint="use strings as keys")


def _text(text: str, place: str) -> str:
    try:
        return text.encode().decode()
    except UnicodeEncodeError:
        raise InvalidValueError(f"{place} holds text that is not UTF-8: {text!r}") from None


def _float(value: float, place: str) -> float | None:
    if math.isinf(value):
        raise InvalidValueError(f"{place} is {value}: JSON has no infinity")
    return None if math.isnan(value) else float(value)


def _foreign(value: Any, place: str, depth: int) -> Any:
    # Arrays and scalars of numpy, torch and their kin, without importing any of them.
    plain = value.tolist() if callable(getattr(value, "tolist", None)) else value
    if type(plain) is type(value):
        raise InvalidTypeError(f"{place} is a {type(value)}, which JSON cannot hold")
    return _plain(plain, place, depth + 1)
