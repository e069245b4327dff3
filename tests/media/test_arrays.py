"""Columns of arrays, in files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lading.errors import InvalidTypeError, InvalidValueError
from lading.media import arrays
from lading.media.arrays import read_arrays, stack, write_arrays
from lading.media.value import Found, Origin


@pytest.mark.parametrize(
    "array", [np.eye(3), np.zeros((2, 0)), np.array([[True]]), np.array(["a", "bc"]), np.zeros(2, "datetime64[s]")]
)
@pytest.mark.parametrize("key", ["a", "file", "a/b", "../a", "ä"])
def test_what_is_written_is_read(tmp_path: Path, array: Any, key: str) -> None:
    path = str(tmp_path / "a.npz")
    write_arrays(path, key, array)

    read = read_arrays(Found(path, None, Origin("", "a.npz", "")), key, array.shape)

    assert (read.dtype, read.tolist()) == (array.dtype, array.tolist())
    with np.load(path) as numpys_own:
        assert numpys_own[key].tolist() == array.tolist()


def test_equal_arrays_become_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_arrays(str(tmp_path / name), "k", np.arange(10))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_objects_and_giants_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MAX_BYTES", 79)

    with pytest.raises(InvalidTypeError, match="that would need pickle"):
        write_arrays(str(tmp_path / "a"), "k", np.array([object()]))
    with pytest.raises(InvalidValueError, match="arrays of 80 bytes are more than 79"):
        write_arrays(str(tmp_path / "a"), "k", np.zeros(10))


def test_a_column_has_arrays_of_one_shape() -> None:
    assert stack([np.zeros(2), [1, 2]]).shape == (2, 2)
    with pytest.raises(InvalidValueError, match="different shapes"):
        stack([np.zeros(2), np.zeros(3)])
    with pytest.raises(InvalidValueError, match="row 1 is None"):
        stack([np.zeros(2), None])
