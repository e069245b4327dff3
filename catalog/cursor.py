"""Where a page of a list ended: the last row's sort key, as text that callers hand back unread."""

import json
from typing import Any

from ..errors import InvalidValueError


def encode(*key: str | float) -> str:
    return json.dumps(key, separators=(",", ":"))


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The key that `encode` was given. Raise `InvalidValueError` if its parts are not of these kinds."""
    try:
        key: tuple[object, ...] = tuple(json.loads(cursor))
    except (ValueError, TypeError):
        key = ()
    if tuple(type(part) for part in key) != kinds:
        raise InvalidValueError(
            f"'{cursor}' does not continue this list", hint="pass on the cursor of the page before, unchanged"
        )
    return key
