"""Html: a page."""

import os
from typing import Any

from ..errors import InvalidValueError, LocalFileError
from .medium import Medium, text_path


class Html(Medium):
    """A page: text, an open file, or the path of a local `.html` file unless `data_is_not_path`.

    With `inject`, links open in a new tab: a `<base target="_blank">` is put into its head. Nothing else is added, and nothing is
    loaded from anywhere else. Raise ValueError for what is no text.
    """

    log_type = "html-file"
    folder = "media/html"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        super().__init__()
        path = text_path(data)
        if path is not None and not data_is_not_path and path.endswith(".html") and os.path.isfile(path):
            if not inject:
                self._take_file(path)
                return
            text = _read(path)
        elif isinstance(data, str):
            text = data
        else:
            text = _text_of(data)
        self._take_bytes((_injected(text) if inject else text).encode(), ".html")

    @property
    def html(self) -> str:
        """The page."""
        return _read(self._local) if self._local is not None else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalFileError(f"{path}: {error}") from error


def _text_of(data: Any) -> str:
    if callable(getattr(data, "read", None)):
        if callable(getattr(data, "seek", None)):
            data.seek(0)
        read = data.read()
        if isinstance(read, str | bytes):
            return read if isinstance(read, str) else read.decode()
    raise InvalidValueError(f"data must be a string or an io object, not {type(data)}")


_BASE = '<base target="_blank">'


def _injected(text: str) -> str:
    for tag, before, after in (("<head>", "<head>", ""), ("<html>", "<html><head>", "</head>")):
        if tag in text:
            start, rest = text.split(tag, 1)
            return f"{start}{before}{_BASE}{after}{rest}".strip()
    return (_BASE + text).strip()
