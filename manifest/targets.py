"""Targets: the URIs that name one entry of another version, `lading-artifact://<version id>/<path>`."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from ..errors import ManifestError
from .entry import Entry
from .paths import check_path

SCHEME = "lading-artifact://"
_URI = re.compile(rf"{SCHEME}([0-9A-Za-z_-]{{1,128}})/(.+)\Z").match
NAMING = (
    *("audio-file.json", "bokeh-file.json", "html-file.json", "image-file.json", "joined-table.json", "mask.json"),
    *("molecule-file.json", "object3D-file.json", "partitioned-table.json", "plotly-file.json", "table.json", "video-file.json"),
)
"""How the names of files end that hold a value and name other files of their version."""


def artifact_uri(version_id: str, path: str) -> str:
    """The name of one entry among all versions of a catalogue."""
    return f"{SCHEME}{version_id}/{quote(path)}"


def is_target(entry: Entry) -> bool:
    """Whether it refers to an entry of another artifact."""
    return entry.ref is not None and entry.ref.startswith(SCHEME)


def names_others(path: str) -> bool:
    """Whether the file under this path may need other files of its version."""
    return path.endswith(NAMING)


def parse_uri(uri: str) -> tuple[str, str]:
    """Version id and path. Raise `ManifestError`."""
    found = _URI(uri)
    if found is None:
        raise ManifestError(f"{uri!r} names no entry of an artifact")
    path = unquote(found[2], errors="strict")
    check_path(path)
    return found[1], path


def targets_of(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Version id and path of each entry of another artifact that these refer to. What names none is left out."""
    found = set[tuple[str, str]]()
    for entry in entries:
        if is_target(entry):
            try:
                found.add(parse_uri(entry.ref or ""))
            except ValueError:  # a `ManifestError`, or bytes that are no text
                continue
    return found
