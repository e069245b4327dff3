"""What cannot be added leaves the artifact as it was."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.errors import InvalidTypeError, InvalidValueError, NotBuiltError

MakeTable = Callable[[], lading.Table]
Picture = Callable[..., Path]


@pytest.mark.parametrize("value", [object(), {"a": 1}, [1], "text", None])
def test_what_is_no_value_is_refused(home: Path, value: Any) -> None:
    """SEMANTICS 1.5: allowed types, else TypeError."""
    with pytest.raises(InvalidTypeError, match=r"^Found object of type .*, expected one of: Audio, Bokeh, BoundingBoxes2D, "):
        lading.Artifact("ds", "dataset").add(value, "x")


@pytest.mark.parametrize("name", ["Histogram", "Graph"])
def test_what_wandb_has_for_dashboards_is_not_there(name: str) -> None:
    """SEMANTICS 1.5: not allowed: Plotly, Histogram, Graph."""
    with pytest.raises(NotBuiltError, match=f"lading.{name}"):
        getattr(lading, name)


def test_a_plot_is_for_cells_of_tables(home: Path) -> None:
    """SEMANTICS 1.5: not allowed: Plotly, which "may sit inside Table cells"."""

    class Figure:
        __module__ = "plotly.graph_objs"

        def to_plotly_json(self) -> dict[str, Any]:
            return {"data": []}

    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(InvalidTypeError, match=r"^Found object of type <class 'lading\.media\.plotly\.Plotly'>, expected one of"):
        artifact.add(lading.Plotly(Figure()), "p")
    assert artifact.add(lading.Table(["p"], data=[[lading.Plotly(Figure())]]), "t").path == "t.table.json"


def test_all_of_it_gets_in_or_nothing(home: Path, picture: Picture) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = lading.Table(["i"], data=[[lading.Image(str(picture()))], [None]], allow_mixed_types=False)
    value.data.append([object()])

    with pytest.raises(InvalidTypeError, match="row 2: JSON cannot say <class 'object'>"):
        artifact.add(value, "t")
    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []


def test_a_folder_in_the_way_leaves_everything_as_it_was(home: Path, picture: Picture) -> None:
    artifact = lading.Artifact("ds", "dataset")
    with artifact.new_file("t.table.json/inside") as file:
        file.write("x")
    value = lading.Table(["i"], data=[[lading.Image(str(picture()), classes=[{"id": 0, "name": "p"}])]])

    with pytest.raises(InvalidValueError, match=r"'t\.table\.json': it is a folder"):
        artifact.add(value, "t")

    assert list(artifact.manifest.entries) == ["t.table.json/inside"]
    assert len(list((home / "tmp").iterdir())) == 1


def test_what_could_not_be_read_again_is_not_added(home: Path, monkeypatch: pytest.MonkeyPatch, table: MakeTable) -> None:
    assert (lading.Classes.max_size, lading.Table.max_size) == (64 << 20, 1 << 30)
    monkeypatch.setattr(lading.Table, "max_size", 1000)

    with pytest.raises(InvalidValueError, match=r"t\.table\.json would be \d+ bytes of JSON, more than the 1000 of one value"):
        lading.Artifact("ds", "dataset").add(table(), "t")


async def test_an_add_that_is_given_up_adds_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = lading.Table(["c"], data=[[lading.Html(f"<p>{n}", inject=False)] for n in range(300)])
    reached = threading.Event()

    def slow(self: lading.Html, sink: Any, encode: Any = lading.Html.encode) -> Any:
        reached.set()
        time.sleep(0.005)
        return encode(self, sink)

    monkeypatch.setattr(lading.Html, "encode", slow)
    adding = asyncio.create_task(artifact.add_async(value, "t"))
    await asyncio.to_thread(reached.wait, 10)

    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding

    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []
