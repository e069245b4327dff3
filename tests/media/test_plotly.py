"""Plots in cells of tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lading.errors import InvalidValueError
from lading.media.plotly import Plotly
from lading.media.table import Table


class Figure:
    """What Plotly gives, as far as a table needs it."""

    __module__ = "plotly.graph_objs._figure"

    def to_plotly_json(self) -> dict[str, Any]:
        return {"data": [{"type": "scatter", "x": np.array([1, 2]), "y": (3, 4.5)}], "layout": {"title": "é"}}


def test_a_plot_may_sit_inside_a_cell(album: Any) -> None:
    """SEMANTICS 1.5: "Plotly may sit inside Table cells"."""
    album.value(Table(["plot"], data=[[Plotly(Figure())], [None]]), "t")

    found = album.get("t").data[0][0]

    assert isinstance(found, Plotly)
    assert Path(found.path or "").read_text() == ('{"data":[{"type":"scatter","x":[1,2],"y":[3,4.5]}],"layout":{"title":"é"}}')
    assert sorted(path.partition(".")[2] for path in album.files if path.startswith("media/plotly/")) == ["plotly.json"]


@pytest.mark.parametrize("value", [None, [1], {"data": []}, "plot.plotly.json"])
def test_what_is_no_plot_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"Logged plots must be plotly figures, not .*\n *hint: lading\.Image takes"):
        Plotly(value)
