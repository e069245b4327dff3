"""Plotly: an interactive plot in a cell of a table."""

from typing import Any

from ..errors import InvalidValueError
from .document import compact
from .medium import Medium
from .optional import comes_from
from .plain import plain


class Plotly(Medium):
    """A Plotly figure, for a cell of a Table: an artifact takes none on its own. Raise ValueError for anything else."""

    log_type = "plotly-file"
    folder = "media/plotly"

    def __init__(self, val: Any) -> None:
        super().__init__()
        if not (comes_from(val, "plotly") and callable(getattr(val, "to_plotly_json", None))):
            raise InvalidValueError(
                f"Logged plots must be plotly figures, not {type(val)}", hint="lading.Image takes figures of matplotlib"
            )
        self._take_bytes(compact(plain(val.to_plotly_json())), ".plotly.json")
