"""Ending: whether this process ends well, as far as the interpreter tells before it is over."""

import functools
import sys
import threading
from typing import Any, NoReturn

_statuses: list[Any] = []


def watch_ending() -> None:
    """From now on note what `sys.exit` is given: the interpreter tells nobody."""
    if getattr(sys.exit, "noted", False):
        return
    plain = sys.exit

    @functools.wraps(plain)
    def exit(status: Any = None, /) -> NoReturn:
        if threading.current_thread() is threading.main_thread():  # another's ends alone
            _statuses[:] = [status]
        plain(status)

    exit.noted = True  # type: ignore[attr-defined]
    sys.exit = exit


def ended_well() -> bool:
    """Whether the process, which is about to end, does so neither by an exception nor by `sys.exit` with anything but success. (A
    `raise SystemExit` of one's own leaves no trace.)"""
    return getattr(sys, "last_value", None) is None and (not _statuses or _statuses[-1] in (None, 0))
