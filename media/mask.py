"""Image masks: for each pixel of an image, the class of what it shows."""

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidTypeError
from .boxes import check_labels
from .medium import Medium, text_path
from .optional import need
from .pixels import pillow
from .scratch import Scratch


class ImageMask(Medium):
    """`mask_data`, a 2D array of class ids from 0 to 255, or the `path` of an image of them. `class_labels` maps ids to names
    (default: class_<id>, and none for a path). Raise TypeError for what is no mask."""

    log_type = "mask"
    folder = "media/images/mask"

    def __init__(self, val: Mapping[str, Any], key: str) -> None:
        super().__init__()
        self.key = key
        self.class_labels: dict[Any, str] = check_labels(val.get("class_labels") or {})
        path = text_path(val.get("path"))
        if path is not None:
            self._take_file(path)
        elif "mask_data" in val:
            self._take_scratch(self._drawn(val["mask_data"], labelled="class_labels" in val))
        else:
            raise InvalidTypeError(
                'Missing key "mask_data": An image mask requires mask data: a 2D array representing the predictions'
            )

    def _restore(self, document: dict[str, Any]) -> None:
        del document
        self.key, self.class_labels = "", {}

    def _drawn(self, data: Any, *, labelled: bool) -> Scratch:
        numpy, images = need("numpy", "lading.ImageMask"), pillow("lading.ImageMask")
        array = data.detach().cpu().numpy() if callable(getattr(data, "detach", None)) else numpy.asarray(data)
        if array.ndim != 2:
            raise InvalidTypeError("mask_data must be a 2D array")
        if array.dtype.kind not in "biuf" or not bool(((array >= 0) & (array <= 255)).all()):
            raise InvalidTypeError("Mask data must be integers between 0 and 255")
        array = array.astype(numpy.uint8)
        if not labelled:
            self.class_labels = {number: f"class_{number}" for number in numpy.unique(array).tolist()}
        scratch = Scratch(".mask.png")
        images.fromarray(array).convert("L").save(scratch.path, format="png", transparency=None)
        return scratch
