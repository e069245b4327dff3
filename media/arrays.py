"""Arrays: the column of a table as a NumPy file in a ZIP, as `numpy.savez_compressed` makes it. Objects are neither written nor
read: that would be a pickle."""

import zipfile
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidTypeError, InvalidValueError, ManifestError
from .optional import need
from .value import Found

MAX_BYTES = 4 << 30
"""Of all arrays of a column: more is neither written nor read."""


def stack(cells: Sequence[Any]) -> Any:
    """The cells as one array. Raise ValueError unless all are of one shape."""
    numpy = need("numpy", "a column of arrays")
    for number, cell in enumerate(cells):
        if cell is None:
            raise InvalidValueError(f"row {number} is None, but arrays are stored as one, all of a shape")
    try:
        return numpy.stack([numpy.asarray(cell) for cell in cells])
    except ValueError as error:
        raise InvalidValueError(f"its arrays have different shapes: {error}") from error


def write_arrays(path: str, key: str, array: Any) -> None:
    """Raise TypeError for an array of objects, ValueError for one that is too large."""
    numpy = need("numpy", "a column of arrays")
    if array.nbytes > MAX_BYTES:
        raise InvalidValueError(
            f"arrays of {array.nbytes} bytes are more than {MAX_BYTES}", hint="add them as files of their own"
        )
    if array.dtype.hasobject:
        raise InvalidTypeError("arrays of objects cannot be stored: that would need pickle", hint="use lists instead")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        # A ZipInfo of a fixed time: equal arrays become equal files.
        info = zipfile.ZipInfo(f"{key}.npy")
        info.compress_type = zipfile.ZIP_DEFLATED
        with file.open(info, "w", force_zip64=True) as member:
            numpy.lib.format.write_array(member, numpy.asanyarray(array), allow_pickle=False)


def read_arrays(found: Found, key: str, shape: tuple[int, ...]) -> Any:
    """The array under `key`. Raise `ManifestError` unless it has this shape."""
    name = found.origin.path
    numpy = need("numpy", "a table with a column of arrays")
    if found.local is None:
        raise ManifestError(f"{name} is a reference, not arrays")
    try:
        with zipfile.ZipFile(found.local) as file:
            info = file.getinfo(f"{key}.npy")
            _check_size(info.file_size, name)
            with file.open(info) as member:
                _check_header(numpy, member, name, shape)
            with file.open(info) as member:
                return numpy.lib.format.read_array(member, allow_pickle=False)
    except ManifestError:
        raise
    except Exception as error:  # ZIP, each way to compress, and NumPy's parser of headers have errors of their own
        raise ManifestError(f"{name}: not the arrays {key!r}: {error}") from error


def _check_header(numpy: Any, member: Any, name: str, shape: tuple[int, ...]) -> None:
    """Before anything is reserved for it."""
    version = numpy.lib.format.read_magic(member)
    if version not in ((1, 0), (2, 0)):
        raise ManifestError(f"{name}: NumPy format {version}")
    read = numpy.lib.format.read_array_header_1_0 if version == (1, 0) else numpy.lib.format.read_array_header_2_0
    found, _, dtype = read(member)
    if dtype.hasobject:
        raise ManifestError(f"{name} holds Python objects: they are never unpickled")
    if found != shape:
        raise ManifestError(f"{name} holds arrays of the shape {found}, not {shape}")
    count = 1
    for length in shape:
        count *= length
    _check_size(count * dtype.itemsize, name)


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise ManifestError(f"{name}: arrays of {size} bytes are more than {MAX_BYTES}")
