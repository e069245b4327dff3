"""Pixels: what people hold of an image (arrays, tensors, figures) as an image of Pillow."""

import io
from typing import Any

from ..errors import InvalidTypeError, InvalidValueError
from .optional import comes_from, is_ndarray, need

FORMATS = ("png", "jpg", "jpeg", "bmp")


def pillow(what: str = "lading.Image") -> Any:
    """`PIL.Image`."""
    return need("PIL.Image", what)


def to_pillow(data: object, mode: str | None, file_type: str) -> Any:
    """The image of a Pillow image, a matplotlib figure or a part of one, a tensor (channel, height, width) or an array
    (height, width, channel) of values from 0 to 255. Raise TypeError for anything else, ValueError for shapes and values that
    make no image."""
    images = pillow()
    if isinstance(data, images.Image):
        return data
    if comes_from(data, "matplotlib"):
        buffer = io.BytesIO()
        _figure(data).savefig(buffer, format=file_type)
        return images.open(buffer)
    array = to_array(data)
    while array.ndim > 3 and array.shape[0] == 1:  # a batch of one
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or not array.size:
        raise InvalidValueError(f"Un-supported shape for image conversion {list(array.shape)}")
    guessed = guess_mode(array, file_type)
    return images.fromarray(to_bytes(array)).convert(mode or guessed)


def to_array(data: Any) -> Any:
    """A numpy array (height, width, channel) of an array or tensor. Raise TypeError."""
    if comes_from(data, "torch"):
        tensor = data.detach().cpu()
        return (tensor.permute(1, 2, 0) if tensor.ndim == 3 else tensor).numpy()
    array = data.numpy() if callable(getattr(data, "numpy", None)) else data
    if not is_ndarray(array):
        raise InvalidTypeError(f"lading.Image takes a path, an array, a tensor, a PIL image or a figure, not {type(data)}")
    return array


def to_bytes(array: Any) -> Any:
    """The array as uint8. Raise ValueError for values that would wrap around."""
    numpy = need("numpy", "lading.Image of an array")
    if array.size and not bool(((array >= 0) & (array <= 255)).all()):
        raise InvalidValueError("pixels must lie between 0 and 255", hint="scale them: (data * 255).clip(0, 255)")
    return array.astype(numpy.uint8)


def guess_mode(array: Any, file_type: str | None = None) -> str:
    """L, RGB or RGBA, by the number of channels. JPEG has no transparency: RGB."""
    channels = array.shape[-1] if array.ndim > 2 else 1
    modes = {1: "L", 3: "RGB", 4: "RGB" if file_type in ("jpg", "jpeg") else "RGBA"}
    if channels not in modes:
        raise InvalidValueError(f"Un-supported shape for image conversion {list(array.shape)}")
    return modes[channels]


def _figure(data: Any) -> Any:
    """The figure that an axes, an artist or `matplotlib.pyplot` itself belongs to."""
    if callable(getattr(data, "gcf", None)):
        return data.gcf()
    figure = data if callable(getattr(data, "savefig", None)) else getattr(data, "figure", None)
    if not callable(getattr(figure, "savefig", None)):
        raise InvalidTypeError(f"{type(data)} belongs to no figure")
    return figure
