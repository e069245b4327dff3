"""Column types of media: what an image column says of boxes, masks and classes, and columns of class ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .audio import Audio
from .bokeh import Bokeh
from .classes import Classes
from .column_types import MEDIA, ColumnType, ConstType, Plain, UnionType
from .html import Html
from .image import Image
from .object3d import Object3D
from .value import Sink
from .video import Video

_Names = Mapping[str, Mapping[str, str]]
_Layers = Mapping[str, frozenset[Any]]


@dataclass(frozen=True, repr=False)
class ImageType(ColumnType):
    """Images: which boxes and masks they have, and what the ids in them mean."""

    name = "image-file"
    box_layers: _Layers = field(default_factory=dict[str, frozenset[Any]])
    box_score_keys: frozenset[str] = frozenset()
    mask_layers: _Layers = field(default_factory=dict[str, frozenset[Any]])
    box_class_maps: _Names = field(default_factory=dict[str, dict[str, str]])
    mask_class_maps: _Names = field(default_factory=dict[str, dict[str, str]])
    class_map: Mapping[str, str] = field(default_factory=dict[str, str])

    @staticmethod
    def of(image: Image) -> "ImageType":
        boxes, masks = image.boxes, image.masks
        return ImageType(
            box_layers={str(key): frozenset(each.class_labels) for key, each in boxes.items()},
            box_score_keys=frozenset(key for each in boxes.values() for box in each.boxes for key in box.get("scores", {})),
            mask_layers={str(key): frozenset(each.class_labels) for key, each in masks.items()},
            box_class_maps={str(key): _names(each.class_labels) for key, each in boxes.items()},
            mask_class_maps={str(key): _names(each.class_labels) for key, each in masks.items() if each.class_labels},
            class_map=_names(image.classes.names()) if image.classes else {},
        )

    def accept(self, other: ColumnType) -> ColumnType | None:
        if self == other:
            return self
        if not isinstance(other, ImageType):
            return None
        return ImageType(
            box_layers=_joined(self.box_layers, other.box_layers),
            box_score_keys=self.box_score_keys | other.box_score_keys,
            mask_layers=_joined(self.mask_layers, other.mask_layers),
            box_class_maps=_merged(self.box_class_maps, other.box_class_maps),
            mask_class_maps=_merged(self.mask_class_maps, other.mask_class_maps),
            class_map={**other.class_map, **self.class_map},
        )

    def params(self, sink: Sink) -> dict[str, Any]:
        said = {
            "box_layers": {key: _listed(ids) for key, ids in self.box_layers.items()},
            "box_score_keys": _listed(self.box_score_keys),
            "mask_layers": {key: _listed(ids) for key, ids in self.mask_layers.items()},
            "box_class_maps": self.box_class_maps,
            "mask_class_maps": self.mask_class_maps,
            "class_map": self.class_map,
        }
        return {key: ConstType(value, key == "box_score_keys").encode(sink) for key, value in said.items()}


@dataclass(frozen=True, repr=False)
class ClassesType(ColumnType):
    """Ids of one set of classes."""

    name = "classesId"
    classes: Classes

    def _valid(self) -> UnionType:
        return UnionType.of(ConstType(item["id"]) for item in self.classes.class_set)

    def accept(self, other: ColumnType) -> ColumnType | None:
        return self if self._valid().accept(other) else None

    def take(self, value: object) -> ColumnType | None:
        return self.accept(ConstType(value))

    def params(self, sink: Sink) -> dict[str, Any]:
        stored = sink.value(self.classes, self.classes.file_name)
        file = {"type": "classes-file", "path": stored.path, "digest": stored.digest}
        return {"valid_ids": self._valid().encode(sink), "classes_obj": file}


def _names(labels: Mapping[Any, str]) -> dict[str, str]:
    return {str(number): name for number, name in labels.items()}


def _joined(ours: _Layers, theirs: _Layers) -> dict[str, frozenset[Any]]:
    return {key: ours.get(key, frozenset()) | theirs.get(key, frozenset()) for key in ours.keys() | theirs.keys()}


def _merged(ours: _Names, theirs: _Names) -> dict[str, dict[str, str]]:
    return {key: {**theirs.get(key, {}), **ours.get(key, {})} for key in ours.keys() | theirs.keys()}


def _listed(ids: Iterable[Any]) -> list[Any]:
    return sorted(ids, key=lambda each: (isinstance(each, str), each))


MEDIA[Image] = ImageType.of
MEDIA[Classes] = ClassesType
MEDIA.update({kind: lambda value: Plain(value.log_type) for kind in (Audio, Video, Html, Object3D, Bokeh)})
