"""Phrases: numbers and names as people read them."""

import time
from datetime import datetime

_UNITS = ((86400 * 365, "y"), (86400 * 30, "mo"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def counted(number: int, noun: str) -> str:
    """1 file, 20,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def readable_seconds(seconds: float) -> str:
    """0.4 s, 12 s, 3:05 min, 2:10 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def age(created_at: str, now: float | None = None) -> str:
    """How long ago an ISO time was, in its largest unit: 5 min, 3 d."""
    seconds = int((time.time() if now is None else now) - datetime.fromisoformat(created_at).timestamp())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


def printable(text: str) -> str:
    """The text without what could steer a terminal or break a line: such characters as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
