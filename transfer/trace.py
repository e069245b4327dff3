"""What transfers say of themselves to whoever listens: the logger `lading`, and OpenTelemetry where the application uses it."""

import contextlib
import logging
import sys
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from .lanes import cores
from .progress import Meter
from .verdict import verdict

logger = logging.getLogger("lading")
logger.addHandler(logging.NullHandler())


class Seldom:
    """Says when it is time to say something again: every so many seconds."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._next = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.every
        return True


@contextlib.contextmanager
def traced(name: str, store: str, meter: Meter, *, near: bool) -> Generator[None]:
    """A span `name` and a line in the log around the block, with what the `meter` counted meanwhile."""
    before, began = meter.statistics(), time.monotonic()
    with _span(name) as span:
        try:
            yield
        finally:
            after, seconds = meter.statistics(), time.monotonic() - began
            bound = verdict(after.gauges.since(before.gauges), seconds=seconds, cores=cores(), near=near)
            parts = urlsplit(store)
            facts: dict[str, str | int | float] = {
                "bytes": after.bytes_moved - before.bytes_moved,
                "files": after.files_done - before.files_done,
                "seconds": seconds,
                "store": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",  # the rest may be secret
                "bound_by": bound.bound_by,
            }
            logger.debug("%s: %s", name, facts)
            if span is not None:
                span.set_attributes(facts)


@contextlib.contextmanager
def _span(name: str) -> Generator[Any]:
    # Without an application that set it up, spans go nowhere; and one that did has imported it, which costs us nothing then.
    opentelemetry = sys.modules.get("opentelemetry.trace")
    if opentelemetry is None:
        yield None
        return
    with opentelemetry.get_tracer("lading").start_as_current_span(name) as span:
        yield span
