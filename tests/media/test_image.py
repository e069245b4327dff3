"""Images, masks, boxes and classes."""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lading.errors import FileChangedError, InvalidTypeError, InvalidValueError, LocalFileError, ManifestError
from lading.media.boxes import BoundingBoxes2D
from lading.media.classes import Classes
from lading.media.image import Image
from lading.media.mask import ImageMask

Picture = Callable[..., Path]
BOX = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 1}


def test_an_array_is_drawn() -> None:
    shades = {(4, 5): "L", (4, 5, 1): "L", (4, 5, 3): "RGB", (4, 5, 4): "RGBA", (1, 4, 5, 3): "RGB"}

    images = [Image(np.full(shape, 9, np.uint8)) for shape in shades]

    assert [image.image.mode for image in images] == list(shades.values())
    assert {(image.width, image.height, image.format) for image in images} == {(5, 4, "png")}
    assert images[2].to_numpy().tolist() == np.full((4, 5, 3), 9).tolist() == images[2].to_data_array()


def test_a_picture_of_one_line_is_one() -> None:
    """W&B takes it for a grey picture of five lines."""
    image = Image(np.zeros((1, 5, 3), np.uint8))

    assert (image.width, image.height, image.image.mode) == (5, 1, "RGB")


class Tensor:
    """What torch gives, as far as an image needs it: (channel, height, width)."""

    def __init__(self, array: Any) -> None:
        self.array, self.ndim = array, array.ndim

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> "Tensor":
        return self

    def permute(self, *axes: int) -> "Tensor":
        return Tensor(self.array.transpose(axes))

    def numpy(self) -> Any:
        return self.array


def test_a_tensor_has_its_channels_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "__module__", "torch")

    image = Image(Tensor(np.zeros((3, 4, 5), np.uint8)))

    assert (image.width, image.height, image.image.mode) == (5, 4, "RGB")


def test_a_figure_its_axes_and_pyplot_are_one_picture() -> None:
    import_module("matplotlib").use("Agg")
    plot = import_module("matplotlib.pyplot")
    figure, axes = plot.subplots(figsize=(1, 1))

    images = [Image(each) for each in (figure, axes, axes.plot([1, 2])[0], plot)]
    plot.close(figure)

    assert {(image.width, image.height) for image in images} == {(100, 100)}


def test_a_picture_of_pillow_keeps_its_pixels() -> None:
    drawn = import_module("PIL.Image").fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))

    assert Image(drawn).to_numpy().tolist() == np.asarray(drawn).tolist()
    assert Image(drawn, file_type="bmp").to_numpy().tolist() == np.asarray(drawn).tolist()


def test_jpeg_has_no_transparency() -> None:
    assert Image(np.zeros((2, 2, 4), np.uint8), file_type="jpg").image.mode == "RGB"
    assert Image(import_module("PIL.Image").new("RGBA", (2, 2)), file_type="jpeg").image.mode == "RGB"


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (np.full((2, 2), 256), "between 0 and 255"),
        (np.full((2, 2), -1), "between 0 and 255"),
        (np.full((2, 2), np.nan), "between 0 and 255"),
        (np.zeros((2, 2, 5), np.uint8), "Un-supported shape"),
        (np.zeros((2, 2, 2, 3), np.uint8), "Un-supported shape"),
        (object(), "takes a path, an array"),
    ],
)
def test_what_is_no_picture_is_refused(data: Any, match: str) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match=match):
        Image(data)


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")

    with pytest.raises(InvalidValueError, match=r"x\.png: not a picture"):
        Image(tmp_path / "x.png")
    with pytest.raises(LocalFileError, match="No such file"):
        Image(tmp_path / "nowhere.png")
    with pytest.raises(InvalidValueError, match="file_type must be one of"):
        Image(np.zeros((2, 2)), file_type="tiff")


def test_another_image_lends_its_pixels(picture: Picture) -> None:
    first = Image(picture(), caption="a", grouping=1, classes=[{"id": 1, "name": "x"}])

    second = Image(first, caption="b")

    assert (second.path, second.caption, second.grouping, second.classes) == (first.path, "b", 1, first.classes)
    assert second != first
    assert Image(first) == first


def test_equal_pixels_in_other_files_are_equal(picture: Picture) -> None:
    first = Image(picture())

    assert Image(first.image, file_type="bmp") == first
    assert Image(first.image, caption="x") != first


def test_an_image_comes_back_with_all_that_belongs_to_it(album: Any, picture: Picture) -> None:
    boxes = {"box_data": [BOX], "class_labels": {1: "one"}}
    mask = {"mask_data": np.array([[0, 1], [1, 0]]), "class_labels": {0: "zero", 1: "one"}}
    image = Image(picture(), caption="c", grouping=2, boxes={"b": boxes}, masks={"m": mask}, classes=[{"id": 2, "name": "two"}])
    album.value(image, "i")

    found = album.get("i")

    assert found == image
    assert found.boxes == {"b": BoundingBoxes2D(boxes, "b")}
    assert found.masks["m"].sha256 == image.masks["m"].sha256
    assert found.classes.names() == {1: "one", 0: "zero", 2: "two"}
    assert len(album.fetched) == 1  # all files at once
    assert found.image.size == (2, 2)
    album.files.pop("i.image-file.json")
    album.value(found, "i")  # from another artifact: nothing is stored again
    assert len(album.references) == 2


def test_a_reference_is_stored_as_one(album: Any) -> None:
    """SEMANTICS 1.5: Audio/Image may be gs/s3/http references."""
    image = Image("s3://bucket/a/b.png?versionId=1")
    album.value(image, "i")

    ((name, uri),) = album.references.items()

    assert (name.rpartition("/")[2], uri) == ("b.png?versionId=1", "s3://bucket/a/b.png?versionId=1")
    assert (image.format, image.width, image.image) == ("png", None, None)
    assert album.get("i").path == uri
    with pytest.raises(InvalidValueError, match="its pixels are not here"):
        image.to_numpy()


def test_files_of_one_name_do_not_meet(album: Any, tmp_path: Path, picture: Picture) -> None:
    first, second = picture("a/p.png"), tmp_path / "b/p.png"
    second.parent.mkdir()
    import_module("PIL.Image").new("L", (9, 9)).save(second)

    for name, path in (("i", first), ("j", second)):
        album.value(Image(path), name)

    assert len(album.files) == 4


def test_a_file_that_changes_before_it_is_stored_is_an_error(album: Any, tmp_path: Path, picture: Picture) -> None:
    image = Image(picture())
    import_module("PIL.Image").new("L", (9, 9)).save(tmp_path / "other.png")
    shutil.copy(tmp_path / "other.png", picture())

    with pytest.raises(FileChangedError):
        album.value(image, "i")


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        ({"mask_data": np.zeros(3)}, "2D array"),
        ({"mask_data": np.full((2, 2), 256)}, "between 0 and 255"),
        ({}, 'Missing key "mask_data"'),
        ({"mask_data": np.zeros((2, 2)), "class_labels": {"a": "b"}}, "numbers to strings"),
    ],
)
def test_what_is_no_mask_is_refused(mask: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidTypeError, match=match):
        ImageMask(mask, "m")


def test_ids_above_127_stay_in_a_mask() -> None:
    """W&B draws them black."""
    mask = ImageMask({"mask_data": np.array([[0, 200]])}, "m")

    assert np.asarray(import_module("PIL.Image").open(mask.path)).tolist() == [[0, 200]]
    assert mask.class_labels == {0: "class_0", 200: "class_200"}


@pytest.mark.parametrize(
    ("box", "match"),
    [
        ("box", "must be a dictionary"),
        ({"position": {"minX": 1}}, "position"),
        ({"position": {"middle": [1], "width": 1, "height": 1}}, "position"),
        (BOX | {"class_id": "a"}, "class_id must be an integer"),
        (BOX | {"box_caption": 1}, "caption must be a string"),
        (BOX | {"scores": {"a": "b"}}, "scores"),
    ],
)
def test_what_is_no_box_is_refused(album: Any, box: Any, match: str) -> None:
    with pytest.raises(InvalidTypeError, match=match):
        BoundingBoxes2D({"box_data": [box]}, "b")
    with pytest.raises(ManifestError, match="not a list of bounding boxes"):
        BoundingBoxes2D.read([box], "b")


def test_boxes_take_the_numbers_of_numpy(album: Any) -> None:
    position = {"middle": np.array([1.5, 2]), "width": np.float32(3), "height": 4}
    boxes = BoundingBoxes2D({"box_data": [{"position": position, "class_id": np.int64(7)}]}, "b")
    album.value(boxes, "b")

    assert album.get("b") == boxes
    assert boxes.class_labels == {7: "class_7"}


@pytest.mark.parametrize("classes", ["ab", [1], [{"id": 1}], [{"name": "x"}]])
def test_what_are_no_classes_is_refused(classes: Any) -> None:
    with pytest.raises((InvalidTypeError, InvalidValueError)):
        Classes(classes)


def test_classes_keep_their_colours(album: Any) -> None:
    classes = Classes([{"id": 1, "name": "x", "color": "#fff"}])
    album.value(classes, "c")

    assert album.get("c") == classes
