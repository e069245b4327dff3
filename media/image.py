"""Image: a picture, with a caption, classes, boxes and masks."""

import os
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, field

from ..errors import InvalidTypeError, InvalidValueError
from .boxes import BoundingBoxes2D
from .classes import Classes
from .document import checked, read_local
from .mask import ImageMask
from .medium import FileDocument, Medium, suffix_of, text_path
from .optional import need
from .pixels import FORMATS, guess_mode, pillow, to_pillow
from .scratch import Scratch
from .shapes import is_mapping
from .value import Reading, Sink, Source, together, wanting

_Pixels = Annotated[int, Meta(ge=0, le=1 << 31)]


class _ClassesFile(Struct, frozen=True):
    path: str


class _ImageDocument(FileDocument, frozen=True):
    format: str | None = None
    width: _Pixels | None = None
    height: _Pixels | None = None
    grouping: int | None = None
    classes: _ClassesFile | None = None
    boxes: dict[str, Any] = field(default_factory=dict[str, Any])
    masks: dict[str, Any] = field(default_factory=dict[str, Any])


class Image(Medium):
    """A picture: a local file, a `gs`, `s3` or `http(s)` reference, an array (height, width, channel) or tensor (channel, height,
    width) of values from 0 to 255, a Pillow image, a matplotlib figure, or another Image with its pixels.

    `mode` is Pillow's. `file_type` is what data is stored as: png, jpg, jpeg or bmp. With `boxes` or `masks`, an artifact needs
    `classes`, or labels with them. Raise ValueError and TypeError for what is no picture.
    """

    log_type = "image-file"
    folder = "media/images"

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Classes | Sequence[Mapping[str, Any]] | None = None,
        boxes: Mapping[str, BoundingBoxes2D | Mapping[str, Any]] | None = None,
        masks: Mapping[str, ImageMask | Mapping[str, Any]] | None = None,
        file_type: str | None = None,
    ) -> None:
        super().__init__(caption)
        self.format: str | None = None
        self.width: int | None = None
        self.height: int | None = None
        self.grouping = grouping
        self.classes: Classes | None = None
        self._take(data_or_path, mode, file_type)
        self.boxes = _overlays(boxes, BoundingBoxes2D, "boxes")
        self.masks = _overlays(masks, ImageMask, "masks")
        self._name_classes(classes)

    def _take(self, data: Any, mode: str | None, file_type: str | None) -> None:
        path = text_path(data)
        if isinstance(data, Image):
            self._take_image(data)
        elif path is not None and self.path_is_reference(path):
            self._take_reference(path)
            self.format = suffix_of(urllib.parse.urlsplit(path).path)
        elif path is not None:
            local = self._take_file(path)
            self.format = os.path.splitext(local)[1][1:]
            with _opened(local) as image:
                self.width, self.height = image.size
        else:
            self._draw(data, mode, file_type or "png")

    def _take_image(self, other: "Image") -> None:
        self._take_other(other)
        self.caption = other.caption if self.caption is None else self.caption
        self.grouping = other.grouping if self.grouping is None else self.grouping
        self.format, self.width, self.height, self.classes = other.format, other.width, other.height, other.classes

    def _draw(self, data: Any, mode: str | None, file_type: str) -> None:
        if file_type not in FORMATS:
            raise InvalidValueError(f"file_type must be one of {list(FORMATS)}")
        image = to_pillow(data, mode, file_type)
        if file_type in ("jpg", "jpeg") and image.mode in ("RGBA", "LA", "P"):
            image = image.convert("RGB")
        self.format, (self.width, self.height) = file_type, image.size
        scratch = Scratch(f".{file_type}")
        image.save(scratch.path, transparency=None)
        self._take_scratch(scratch)

    def _name_classes(self, classes: Classes | Sequence[Mapping[str, Any]] | None) -> None:
        names: dict[Any, str] = {}
        for overlay in (*self.boxes.values(), *self.masks.values()):
            names.update(overlay.class_labels)
        if classes is not None:
            names.update((classes if isinstance(classes, Classes) else Classes(classes)).names())
        if names:
            self.classes = Classes([{"id": number, "name": name} for number, name in names.items()])

    def __eq__(self, other: object) -> bool:
        """Whether caption, size, classes and pixels are equal."""
        if not isinstance(other, Image):
            return NotImplemented
        ours = (self.caption, self.grouping, self.width, self.height, self.classes)
        if ours != (other.caption, other.grouping, other.width, other.height, other.classes):
            return False
        if self.sha256 == other.sha256:
            return True
        here = self._local is not None and other._local is not None
        return here and self._pixels() == other._pixels()

    __hash__ = None  # equal by what can still change

    @property
    def image(self) -> Any:
        """As a Pillow image; None of a reference. It is read anew each time."""
        if self._local is None:
            return None
        with _opened(self._local) as image:
            image.load()
            return image

    def _pixels(self) -> bytes:
        pixels: bytes = self.image.convert("RGBA").tobytes()
        return pixels

    def to_data_array(self) -> list[Any]:
        """The pixels: a list of rows."""
        array: list[Any] = self.to_numpy().tolist()
        return array

    def to_numpy(self) -> Any:
        """The pixels as an array (height, width) or (height, width, channel). Raise ValueError of a reference."""
        if (image := self.image) is None:
            raise InvalidValueError(f"{self._uri} is a reference: its pixels are not here")
        return need("numpy", "Image.to_numpy").asarray(image)

    @staticmethod
    def guess_mode(data: Any, file_type: str | None = None) -> str:
        """Pillow's mode for an array."""
        return guess_mode(data, file_type)

    # -- into an artifact and out of it -------------------------------------------------------------------------------
    def encode(self, sink: Sink) -> dict[str, Any]:
        if (self.boxes or self.masks) and self.classes is None:
            raise InvalidValueError(
                "classes must be passed to lading.Image which have masks or bounding boxes when adding to artifacts"
            )
        document = super().encode(sink) | {"format": self.format}
        sizes = {"width": self.width, "height": self.height, "grouping": self.grouping or None}
        document |= {name: value for name, value in sizes.items() if value is not None}
        if self.classes is not None:
            stored = sink.value(self.classes, self.classes.file_name)
            document["classes"] = {"type": "classes-file", "path": stored.path, "digest": stored.digest}
        if self.boxes:
            document["boxes"] = {key: boxes.encode(sink) for key, boxes in self.boxes.items()}
        if self.masks:
            document["masks"] = {key: mask.encode(sink) for key, mask in self.masks.items()}
        return document

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        read = checked(document, _ImageDocument, cls.log_type)
        files = wanting([read.path, *([read.classes.path] if read.classes else [])])
        _, *masks = yield from together([files, *(ImageMask.decode(mask, source) for mask in read.masks.values())])
        image = cls.__new__(cls)
        Medium.__init__(image, read.caption)
        image._take_found(source.file(read.path), read.sha256)
        image.format, image.width, image.height, image.grouping = read.format, read.width, read.height, read.grouping
        image.boxes = {key: BoundingBoxes2D.read(boxes, key) for key, boxes in read.boxes.items()}
        image.masks = dict(zip(read.masks, masks, strict=True))
        for key, mask in image.masks.items():
            mask.key = key
        image.classes = None
        if read.classes:
            image.classes = yield from Classes.decode(read_local(source.file(read.classes.path), Classes.max_size), source)
        return image


def _overlays(given: Any, kind: Any, name: str) -> dict[str, Any]:
    if not given:
        return {}
    if not is_mapping(given):
        raise InvalidValueError(f'Images "{name}" argument must be a dictionary')
    overlays: Mapping[str, Any] = given
    return {key: value if isinstance(value, kind) else kind(_dict(value, name), key) for key, value in overlays.items()}


def _dict(value: object, name: str) -> Mapping[str, Any]:
    if not is_mapping(value):
        raise InvalidTypeError(f"Images {name!r} must be dictionaries, not {type(value)}")
    return value


def _opened(path: str) -> Any:
    images = pillow()
    try:
        return images.open(path)
    except (OSError, images.DecompressionBombError) as error:
        raise InvalidValueError(f"{path}: not a picture that Pillow can read: {error}") from error
