"""Bokeh: an interactive plot."""

import json
import os
from typing import Any

from ..errors import InvalidTypeError, InvalidValueError, LocalFileError
from .medium import Medium, text_path
from .optional import comes_from, need
from .shapes import is_dict

_SUFFIX = ".bokeh.json"


class Bokeh(Medium):
    """A Bokeh model or document, or the path of a local `.bokeh.json` file. Raise TypeError for anything else."""

    log_type = "bokeh-file"
    folder = "media/bokeh"

    def __init__(self, data_or_path: Any) -> None:
        super().__init__()
        path = text_path(data_or_path)
        if path is not None:
            if not path.endswith(_SUFFIX):
                raise InvalidValueError(f"{path}: not a {_SUFFIX} file")
            _parsed(self._take_file(path))
        elif comes_from(data_or_path, "bokeh"):
            self._take_bytes(json.dumps(_document_json(data_or_path)).encode(), _SUFFIX)
        else:
            raise InvalidTypeError(f"Bokeh takes a Bokeh document or model, or a path to Bokeh json, not {type(data_or_path)}")

    @property
    def b_obj(self) -> Any:
        """As a `bokeh.document.Document`."""
        if self._local is None:
            raise InvalidValueError(f"{self._uri} is a reference: the plot is not here")
        return need("bokeh.document", "Bokeh.b_obj").Document.from_json(_parsed(self._local))


def _parsed(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            found = json.load(file)
    except OSError as error:
        raise LocalFileError(f"{os.fspath(path)}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"{path}: not JSON: {error}") from error
    if not is_dict(found):
        raise InvalidValueError(f"{path}: not the JSON of a Bokeh document")
    return found


def _document_json(plot: Any) -> Any:
    documents = need("bokeh.document", "lading.Bokeh")
    document = plot
    if not isinstance(plot, documents.Document):
        document = documents.Document()
        document.add_root(plot)
    try:
        return document.to_json(deferred=False)
    except TypeError:  # before 3.9, which cannot defer
        return document.to_json()
