"""Whatever a document says, it is read, or it is a `ManifestError`."""

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lading.errors import InvalidTypeError, InvalidValueError, ManifestError
from lading.media.arrays import read_arrays, write_arrays
from lading.media.registry import KINDS, VALUES
from lading.media.shapes import is_dict
from lading.media.value import Found, Origin

WORDS = some.sampled_from(
    [
        *("_type", "path", "sha256", "caption", "columns", "data", "column_types", "wb_type", "params", "type_map", "a"),
        *("allowed_types", "element_type", "class_set", "id", "name", "boxes", "masks", "classes", "table1", "join_key"),
        *("union", "list", "typedDict", "number", "ndarray", "shape", "serialization_path", "key", "const", "val", "is_set"),
        *("timestamp", "image-file", "classesId", "foreignKey", "table", "classes_obj", "box_layers", "0" * 64, "x.json"),
    ]
)
SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | WORDS
JSON: some.SearchStrategy[Any] = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(WORDS, inner, max_size=6), max_leaves=25
)
TYPES: some.SearchStrategy[Any] = some.recursive(
    some.fixed_dictionaries({"wb_type": WORDS}),
    lambda inner: some.fixed_dictionaries(
        {"wb_type": WORDS, "params": some.dictionaries(WORDS, inner | some.lists(inner, max_size=3) | JSON, max_size=2)}
    ),
    max_leaves=6,
)
ERRORS = (ManifestError, InvalidValueError, InvalidTypeError)  # the latter two become the first where entries have names


class Nowhere:
    """A source in which every file is a small document."""

    def __init__(self, folder: Path, document: object) -> None:
        self.local = folder / "x.json"
        self.local.write_text(json.dumps(document))

    def file(self, path: str) -> Found:
        return Found(str(self.local), None, Origin(path, path, ""))

    def below(self, folder: str) -> list[str]:
        return []

    def beyond(self, path: str) -> Any:
        raise AssertionError("every file is here")

    def load(self, path: str) -> Any:
        raise AssertionError("nothing is loaded before it is asked for")


def read(kind: Any, document: object, source: Nowhere) -> None:
    with contextlib.suppress(*ERRORS):
        for _ in kind.decode(document, source):
            pass


@pytest.mark.parametrize("kind", KINDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(document=JSON, other=JSON)
def test_any_document(tmp_path: Path, kind: Any, document: Any, other: object) -> None:
    if is_dict(document):
        document = {"_type": kind.log_type, "path": "x.json", "sha256": "0" * 64} | document

    read(kind, document, Nowhere(tmp_path, other))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=120)
@given(kind=TYPES, cells=some.lists(JSON, max_size=4), other=JSON)
def test_any_column_type(tmp_path: Path, kind: object, cells: list[Any], other: object) -> None:
    document = {
        "_type": "table",
        "columns": ["a"],
        "data": [[cell] for cell in cells],
        "column_types": {"wb_type": "typedDict", "params": {"type_map": {"a": kind}}},
    }

    read(VALUES["table"], document, Nowhere(tmp_path, other))


def test_a_type_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    kind: dict[str, Any] = {"wb_type": "number"}
    for _ in range(200):
        kind = {"wb_type": "list", "params": {"element_type": kind}}
    document = {
        "_type": "table",
        "columns": ["a"],
        "data": [],
        "column_types": {"wb_type": "typedDict", "params": {"type_map": {"a": kind}}},
    }

    with pytest.raises(ManifestError, match="not a column type"):
        list(VALUES["table"].decode(document, Nowhere(tmp_path, {})))


@pytest.mark.parametrize("time", [1e300, -1e300, 10**30, float("inf")])
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, time: float) -> None:
    document = {
        "_type": "table",
        "columns": ["a"],
        "data": [[time]],
        "column_types": {"wb_type": "typedDict", "params": {"type_map": {"a": {"wb_type": "timestamp"}}}},
    }

    with pytest.raises(ManifestError, match="is not a time in milliseconds"):
        list(VALUES["table"].decode(document, Nowhere(tmp_path, {})))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1 << 40,)])
def test_arrays_of_another_shape_are_refused_before_they_are_read(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_arrays(str(tmp_path / "a.npz"), "a", np.zeros(2))

    with pytest.raises(ManifestError, match="holds arrays of the shape"):
        read_arrays(Found(str(tmp_path / "a.npz"), None, Origin("", "a.npz", "")), "a", shape)


def npz(header: bytes, way: int = zipfile.ZIP_STORED, *, damaged: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", way) as made:
        made.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    data = bytearray(file.getvalue())
    if damaged:
        data[50:200] = b"\xff" * 150
    return bytes(data)


DEEP = b"{'descr': " + b"[" * 9000
FEW = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} " + bytes(range(256))
SHREDS = [npz(FEW * 9, way, damaged=True) for way in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)]


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + b"\0" * 18, b"no zip", npz(DEEP), *SHREDS], ids=range(7))
def test_a_file_that_holds_no_arrays_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)

    with pytest.raises(ManifestError, match=r"a\.npz: not the arrays 'a'"):
        read_arrays(Found(str(tmp_path / "a.npz"), None, Origin("", "a.npz", "")), "a", (2,))
