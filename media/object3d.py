"""Object3D: a cloud of points, with boxes and vectors."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ..errors import InvalidValueError
from .document import compact
from .medium import Medium, text_path
from .molecule import read_whole
from .optional import is_ndarray, need
from .plain import plain
from .shapes import is_mapping
from .value import Sink

POINTS = "pts.json"
_SHAPES = "[x y z] (n×3), [x y z category] (n×4, categories 1 to 14) or [x y z r g b] (n×6)"


class Object3D(Medium):
    """A cloud of points: an array of [x y z] (n×3), [x y z category] (n×4) or [x y z r g b] (n×6), a scene
    `{"type": "lidar/beta", "points", "boxes", "vectors"}`, or a file of one of `SUPPORTED_TYPES`, open or by its path.

    Artifacts take clouds only, not the other types. Raise ValueError for what is none of these.
    """

    log_type = "object3D-file"
    folder = "media/object3D"
    SUPPORTED_TYPES: ClassVar[frozenset[str]] = frozenset({"obj", "gltf", "glb", "babylon", "stl", POINTS})
    SUPPORTED_POINT_CLOUD_TYPES: ClassVar[frozenset[str]] = frozenset({"lidar/beta"})

    def __init__(self, data_or_path: Any, caption: str | None = None, *, file_type: str | None = None) -> None:
        super().__init__(caption)
        path = text_path(data_or_path) or text_path(getattr(data_or_path, "name", None))
        if path is not None:
            self._check_type(next((known for known in self.SUPPORTED_TYPES if path.endswith(f".{known}")), path))
            self._take_file(path)
        elif callable(getattr(data_or_path, "read", None)):
            if file_type is None:
                raise InvalidValueError("Must pass file type keyword argument when using io objects.")
            self._take_bytes(read_whole(data_or_path), f".{self._check_type(file_type)}")
        elif is_mapping(data_or_path):
            self._take_bytes(compact(_scene(data_or_path)), f".{POINTS}")
        elif is_ndarray(data_or_path):
            if data_or_path.ndim != 2 or data_or_path.shape[1] not in (3, 4, 6):
                raise InvalidValueError(f"The shape of the numpy array must be one of {_SHAPES}")
            self._take_bytes(compact(data_or_path.tolist()), f".{POINTS}")
        else:
            raise InvalidValueError(f"data must be a numpy array, dict or a file object, not {type(data_or_path)}")

    def _check_type(self, file_type: str) -> str:
        if file_type not in self.SUPPORTED_TYPES:
            raise InvalidValueError(
                f"Object3D only supports numpy arrays or files of the type: {', '.join(sorted(self.SUPPORTED_TYPES))}; "
                f"not {file_type!r}"
            )
        return file_type

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Self:
        """Of a path, or of an open file whose `file_type` is given."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_numpy(cls, data: Any) -> Self:
        """Of an array of points. Raise ValueError for anything else."""
        if not is_ndarray(data):
            raise InvalidValueError("`data` must be a numpy array")
        return cls(data)

    @classmethod
    def from_point_cloud(
        cls,
        points: Sequence[Any],
        boxes: Sequence[Mapping[str, Any]],
        vectors: Sequence[Mapping[str, Any]] | None = None,
        point_cloud_type: str = "lidar/beta",
    ) -> Self:
        """Of points, boxes (see `box3d`) and vectors `{"start", "end"}`."""
        if point_cloud_type not in cls.SUPPORTED_POINT_CLOUD_TYPES:
            raise InvalidValueError("Point cloud type not supported")
        return cls({"type": point_cloud_type, "points": points, "boxes": boxes, "vectors": vectors or []})

    def encode(self, sink: Sink) -> dict[str, Any]:
        if not (self._found or (self._local or "").endswith(f".{POINTS}")):
            raise InvalidValueError("Non-point cloud 3D objects are not yet supported with Artifacts")
        return super().encode(sink)


def box3d(
    *, center: Any, size: Any, orientation: Any, color: Sequence[float], label: str | None = None, score: float | None = None
) -> dict[str, Any]:
    """A box of a scene, from its centre, its size along its own axes, and the quaternion [r, x, y, z] that turns it. `color` is
    (r, g, b), each from 0 to 1."""
    numpy = need("numpy", "lading.box3d")
    middle, extent, turn = (numpy.asarray(given, dtype=numpy.float64) for given in (center, size, orientation))
    if (middle.shape, extent.shape, turn.shape) != ((3,), (3,), (4,)):
        raise InvalidValueError("a box needs a center of 3 numbers, a size of 3 and an orientation of 4")
    if not (largest := abs(turn).max()):
        raise InvalidValueError("Unexpected zero quaternion.")
    turn = turn / largest
    r, *axis = turn / numpy.linalg.norm(turn)
    x, y, z = axis
    cross = numpy.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    rotation = numpy.eye(3) + 2 * r * cross + 2 * cross @ cross
    signs = numpy.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    corners = middle + (0.5 * extent * signs) @ rotation
    return {"corners": corners.tolist(), "color": color, "label": label, "score": score}


def _scene(data: Mapping[str, Any]) -> dict[str, Any]:
    if data.get("type") not in Object3D.SUPPORTED_POINT_CLOUD_TYPES:
        raise InvalidValueError("Type not supported, only 'lidar/beta' is currently supported")
    return {"type": data["type"]} | {name: plain(data.get(name, [])) for name in ("vectors", "points", "boxes")}
