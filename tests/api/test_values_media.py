"""Media in artifacts: equal files lie there once, and are what they were when the value was made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lading
from lading.errors import FileChangedError, InvalidValueError

Logged = Callable[..., lading.Artifact]
Picture = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


def test_equal_media_lie_there_once(picture: Picture, stored: Stored, logged: Logged) -> None:
    """SEMANTICS 1.5: `media/images/{sha256[:20]}/{basename}`; classes at one place."""
    classes = [{"id": 0, "name": "person"}]
    same = [lading.Image(str(picture(f"{folder}/p.png")), classes=classes) for folder in ("one", "two")]
    drawn = [lading.Image(np.full((2, 3), 9, np.uint8)) for _ in range(2)]

    artifact = logged(t=lading.Table(["i"], data=[[image] for image in same + drawn]))

    paths = sorted(artifact.manifest.entries)
    assert [path.rpartition("/")[0].split("/")[:2] for path in paths[:-1]] == [["media", "classes"], *[["media", "images"]] * 2]
    assert len(stored("objects")) == 4


def test_a_file_that_was_added_is_not_added_again(home: Path, picture: Picture) -> None:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(picture(), "mine/p.png")

    artifact.add(lading.Image(str(picture())), "i")

    assert sorted(artifact.manifest.entries) == ["i.image-file.json", "mine/p.png"]


def test_masks_and_boxes_need_classes(home: Path, picture: Picture) -> None:
    """SEMANTICS 1.5: masks/boxes need classes (ValueError)."""
    image = lading.Image(str(picture()), masks={"m": {"path": str(picture("mask.png"))}})

    with pytest.raises(InvalidValueError, match=r"classes must be passed to lading\.Image which have masks or bounding boxes"):
        lading.Artifact("ds", "dataset").add(image, "i")


def test_a_file_that_changed_since_is_an_error(home: Path, picture: Picture) -> None:
    image = lading.Image(str(picture()))
    picture(shade=8).touch()

    with pytest.raises(FileChangedError, match=r"picture\.png: changed"):
        lading.Artifact("ds", "dataset").add(image, "i")
