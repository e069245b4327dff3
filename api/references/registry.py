"""Which handler knows a scheme: ours, those that other packages register under `lading.references`, and whatever fsspec knows."""

import re
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

from ...errors import InvalidValueError, UsageError
from ...store.http.request import shown_url
from .handler import Context, Handler

GROUP = "lading.references"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://").match
_OURS = {
    "file": ("files", "Files"),
    "http": ("web", "Web"),
    "https": ("web", "Web"),
    "s3": ("s3", "S3"),
    "gs": ("gs", "Gcs"),
}
_EXTRAS = {"gs": "gcs"}

Maker = Callable[[Context], Handler]


def scheme_of(uri: str) -> str:
    """In lower case. Raise ValueError for what has none."""
    found = _SCHEME(uri)
    if found is None:
        raise InvalidValueError(f"References must be URIs. To reference a local file, use file://: {uri!r}")
    return found[1].lower()


def shown(uri: str) -> str:
    """The URI for people: of a web address without what may be a secret."""
    return shown_url(uri) if scheme_of(uri) in ("http", "https") else uri


def handler_for(scheme: str, context: Context) -> Handler | None:
    """None for a scheme that nobody knows: then a reference is a URI, and no more. Raise `UsageError` if what it needs is not
    installed."""
    if scheme in _OURS:
        module, name = _OURS[scheme]
        try:
            made: Handler = getattr(import_module(f"{__package__}.{module}"), name)(context)
        except ImportError as error:
            raise UsageError(
                f"{scheme}:// references need {error.name or 'a package'}, which is not installed",
                hint=f"pip install 'lading[{_EXTRAS.get(scheme, scheme)}]'",
            ) from error
        return made
    for point in entry_points(group=GROUP, name=scheme):
        maker: Maker = point.load()
        return maker(context)
    if find_spec("fsspec") is None:
        return None
    from .systems import system_for

    return system_for(scheme, context)


class Handlers:
    """The handlers of some URIs, one for each scheme."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, Handler | None] = {}

    def of(self, uri: str) -> Handler | None:
        """As `handler_for`."""
        scheme = scheme_of(uri)
        if scheme not in self._known:
            self._known[scheme] = handler_for(scheme, self._context)
        return self._known[scheme]
