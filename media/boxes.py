"""Bounding boxes: rectangles on an image, with the class of what they hold."""

from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any, Self

from ..errors import InvalidTypeError, ManifestError
from .plain import plain
from .shapes import is_dict, is_list, is_mapping
from .value import Document, Reading, Sink, Source, Value

_CORNERS = ("minX", "maxX", "minY", "maxY")


class BoundingBoxes2D(Value):
    """Boxes `{"position": {"minX", "maxX", "minY", "maxY"}, "class_id", "box_caption", "scores", "domain"}`, where the position
    may also be `{"middle": [x, y], "width", "height"}`. Fractions of the image, or pixels with domain "pixel".

    `class_labels` maps class ids to names (default: class_<id>). Raise TypeError for what is no box.
    """

    log_type = "bounding-boxes"

    def __init__(self, val: Mapping[str, Any], key: str) -> None:
        super().__init__()
        self.key = key
        self.boxes = check_boxes(val.get("box_data"))
        labels = val.get("class_labels")
        if labels is None:
            ids = sorted({box["class_id"] for box in self.boxes if "class_id" in box})
            labels = {number: f"class_{number}" for number in ids}
        self.class_labels = check_labels(labels)

    def __repr__(self) -> str:
        return f"<BoundingBoxes2D {self.key!r} [{len(self.boxes)} boxes]>"

    def __eq__(self, other: object) -> bool:
        return self.boxes == other.boxes if isinstance(other, BoundingBoxes2D) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    def encode(self, sink: Sink) -> Document:
        del sink
        return self.boxes

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        del source
        yield []
        return cls.read(document, "")

    @classmethod
    def read(cls, document: Any, key: str) -> Self:
        """The boxes of a document, which is their list. Raise `ManifestError`."""
        try:
            return cls({"box_data": document}, key)
        except (InvalidTypeError, TypeError) as error:
            raise ManifestError(f"not a list of bounding boxes: {error}") from error


def check_labels(labels: object) -> dict[Any, str]:
    """Class id → name. Raise TypeError."""
    if not is_mapping(labels):
        raise InvalidTypeError("Class labels must be a dictionary of numbers to strings")
    names: dict[Any, Any] = dict(labels)
    if not all(isinstance(number, Number) and isinstance(name, str) for number, name in names.items()):
        raise InvalidTypeError("Class labels must be a dictionary of numbers to strings")
    return names


def check_boxes(boxes: object) -> list[dict[str, Any]]:
    """Boxes of plain values. Raise TypeError."""
    if not is_list(boxes):
        raise InvalidTypeError("Boxes must be a list")
    return [_checked(box) for box in boxes]


_OPTIONAL: dict[str, tuple[Callable[[Any], bool], str]] = {
    "class_id": (lambda value: type(value) is int, "A box's class_id must be an integer"),
    "box_caption": (lambda value: isinstance(value, str), "A box's caption must be a string"),
    "domain": (lambda value: value is None or isinstance(value, str), "A box's domain must be a string"),
    "scores": (
        lambda value: (
            is_dict(value) and all(isinstance(name, str) and isinstance(score, Number) for name, score in value.items())
        ),
        "Box scores must be a dictionary of names to numbers",
    ),
}


def _checked(box: object) -> dict[str, Any]:
    if not is_dict(box):
        raise InvalidTypeError("A box must be a dictionary")
    made: dict[str, Any] = plain(box)
    if not _is_position(made.get("position")):
        raise InvalidTypeError("Each box must contain a position with: middle, width, and height or minX, maxX, minY, maxY.")
    for name, (fits, message) in _OPTIONAL.items():
        if name in made and not fits(made[name]):
            raise InvalidTypeError(message)
    return made


def _is_position(position: object) -> bool:
    if not is_dict(position):
        return False
    place: dict[str, Any] = position
    middle = place.get("middle")
    if is_list(middle) and len(middle) == 2 and all(isinstance(at, Number) for at in middle):
        return all(isinstance(place.get(name), Number) for name in ("width", "height"))
    return all(isinstance(place.get(name), Number) for name in _CORNERS)
