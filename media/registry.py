"""All kinds of values, by what their files say they are."""

from .audio import Audio
from .bokeh import Bokeh
from .boxes import BoundingBoxes2D
from .classes import Classes
from .html import Html
from .image import Image
from .joined import JoinedTable
from .mask import ImageMask
from .molecule import Molecule
from .object3d import Object3D, box3d
from .partitioned import PartitionedTable
from .plotly import Plotly
from .table import Table
from .value import Value
from .video import Video

__all__ = [
    "KINDS",
    "VALUES",
    "Audio",
    "Bokeh",
    "BoundingBoxes2D",
    "Classes",
    "Html",
    "Image",
    "ImageMask",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Table",
    "Video",
    "box3d",
    "kind_at",
]

KINDS: tuple[type[Value], ...] = (
    Bokeh,
    JoinedTable,
    PartitionedTable,
    Table,
    Classes,
    ImageMask,
    BoundingBoxes2D,
    Audio,
    Image,
    Video,
    Html,
    Object3D,
    Molecule,
)
"""What artifacts take."""
_CELLS: tuple[type[Value], ...] = (*KINDS, Plotly)
VALUES: dict[str, type[Value]] = {kind.log_type: kind for kind in _CELLS}
"""What cells of tables can hold."""
WBValue = Value
"""W&B's name for what all of them are."""


def kind_at(path: str) -> type[Value] | None:
    """The kind of value in a file of this name; None for any other file."""
    return next((kind for name, kind in VALUES.items() if path.endswith(f"{name}.json")), None)
