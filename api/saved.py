"""What is saved of a config or summary: plain JSON values."""

from collections.abc import Mapping
from typing import Any


def jsonable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Config and summary as they can be saved: what is not JSON becomes its text."""
    import msgspec

    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(values), enc_hook=_plain))
    return plain


def _plain(value: Any) -> Any:
    """Arrays and scalars of numpy and its kin as what they hold."""
    return value.tolist() if callable(getattr(value, "tolist", None)) else str(value)
