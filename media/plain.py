"""Plain data: numbers, lists and dicts instead of the scalars, arrays and tensors of numpy and its kin."""

from typing import Any

from .shapes import is_mapping, is_row


def plain(value: Any) -> Any:
    """The same data, as far down as there are dicts and lists; what has no plain form stays what it is."""
    if is_mapping(value):
        return {key: plain(item) for key, item in value.items()}
    listed = value.tolist() if callable(getattr(value, "tolist", None)) else value
    return [plain(item) for item in listed] if is_row(listed) else listed
