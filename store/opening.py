"""Opening stores by their URL: what stands before `://` says which kind it is, and only that kind is loaded."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

from ..errors import SettingsError, UsageError
from .folder import FolderStore
from .http.request import shown_url
from .journal import Journal
from .store import Store

_EXTRAS = {"s3": "s3", "gs": "gcs"}


def open_store(url: str, options: Mapping[str, str] | None = None, *, journal: Journal | None = None) -> Store:
    """The store at a URL (`file://`, `s3://`, `gs://`, `http://`, `https://`), or in the folder of a path. `options` are added to
    those of the URL's query, which go before them; with a `journal`, uploads that a dead process began are gone on with. Nothing
    is asked of a network yet.

    Raise `SettingsError` for a URL that cannot be, `UsageError` if the part of lading that it needs is not installed."""
    if "://" not in url:
        return FolderStore(Path(url).expanduser())
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise SettingsError(f"'{shown_url(url)}' does not name a folder", hint="write file:///absolute/path")
        return FolderStore(unquote(parts.path))
    if parts.scheme in ("s3", "gs", "http", "https"):
        try:
            return _remote(parts.scheme, _with_options(url, options or {}), journal)
        except ImportError as error:
            extra = _EXTRAS.get(parts.scheme)
            raise UsageError(
                f"{parts.scheme}:// stores need {error.name or 'a package'}, which is not installed",
                hint=f"pip install 'lading[{extra}]'" if extra else "pip install --force-reinstall lading",
            ) from error
    raise SettingsError(
        f"'{shown_url(url)}' is not the URL of a store", hint="write s3://…, gs://…, file:///absolute/path, or a path"
    )


def _remote(scheme: str, url: str, journal: Journal | None) -> Store:
    # Here, and not above: each of them takes longer to load than a command that does without it takes to run.
    if scheme == "s3":
        from .s3.store import open_s3

        return open_s3(url, journal=journal)
    if scheme == "gs":
        from .gcs.store import GcsStore

        return GcsStore(url)
    from .http.store import HttpStore

    return HttpStore(url)


def _with_options(url: str, options: Mapping[str, str]) -> str:
    """The URL with those of these options that its query does not have."""
    place, _, query = url.partition("?")
    said = {each.partition("=")[0] for each in query.split("&")}
    added = urlencode({name: value for name, value in options.items() if name not in said})
    query = "&".join(filter(None, (query, added)))
    return f"{place}?{query}" if query else place
