"""Notices: what the library has to say, in the command line's manner, or not at all."""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from .phrases import printable


class Notices(logging.Handler):
    """Writes `warning: …` to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{record.levelname.lower()}: {printable(record.getMessage())}\n")


@contextmanager
def spoken(*, quiet: bool) -> Generator[None]:
    """While the block runs, notices go to stderr; if `quiet`, only errors do."""
    log, handler = logging.getLogger("lading"), Notices(logging.ERROR if quiet else logging.WARNING)
    log.addHandler(handler)
    before = os.environ.get("LADING_QUIET")
    if quiet:
        os.environ["LADING_QUIET"] = "1"
    try:
        yield
    finally:
        log.removeHandler(handler)
        if before is None:
            os.environ.pop("LADING_QUIET", None)
        else:
            os.environ["LADING_QUIET"] = before
