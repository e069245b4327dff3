"""Values become the bytes that W&B writes: digests of SEMANTICS 2.1, and of artifacts that its client 0.31.0 made of the same."""

import base64
import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lading

Write = Callable[[str, bytes], str]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP4z8DA8J+BgYHhPycHOwAaJgMWXFb72AAAAABJRU5ErkJggg=="
)
GREY = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNsYGBiYAAAApIAhPd8o1gAAAAASUVORK5CYII=")
"""Four grey pixels, as Pillow saves `Image.new("L", (2, 2), 128)`: the picture of which SEMANTICS gives the SHA-256."""
BOX = {
    "position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4},
    "class_id": 1,
    "box_caption": "c",
    "scores": {"acc": 0.2},
}
BOXES = {"box_data": [BOX], "class_labels": {0: "person", 1: "car"}}
CLASSES = [{"id": 0, "name": "person"}, {"id": 1, "name": "car"}]
WHEN = datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)  # a time without a zone is taken as UTC
CELLS = [
    [1, "é\n", True, [1, 2], {"k": 1}, WHEN, WHEN.date()],
    [float("nan"), None, None, [3.5, 4], {"k": 2.5}, None, None],
]


class Figure:
    """What Plotly gives of a line of two points."""

    __module__ = "plotly.graph_objs._figure"

    def to_plotly_json(self) -> dict[str, Any]:
        return {"data": [{"x": {"dtype": "i1", "bdata": "AQI="}, "y": [3, 4], "type": "scatter"}], "layout": {}}


TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({"columns": ["a", "b"], "data": [[1, "x"], [2.5, None]]}, "5c079b4439f97f8f4b80faf483b79ae7"),
    "cells": ({"columns": ["n", "s", "b", "l", "d", "t", "day"], "data": CELLS}, "23b18e6c417892dc3503532253be9359"),
    "mixed types": (
        {"columns": ["x"], "data": [[1], ["a"]], "allow_mixed_types": True},
        "600ae6844461f80d76c7487a2345930e",
    ),
    "columns with numbers": ({"columns": [10, 2], "data": [[1, 2]]}, "570f65f4a3155cdbcb8ec8aeb7d7bd14"),
    "no rows": ({"columns": ["x", "y"]}, "f9f29862df732006ec4764a7821094ce"),
    "dtype": (
        {"columns": ["x", "y"], "data": [[1, "a"]], "dtype": [int, str], "optional": [False, True]},
        "f21cfd3f3cb009c0b44313f49d2b1b8d",
    ),
    "texts in lists": ({"columns": ["e"], "data": [[["a", "b"]], [["c"]]]}, "5463dbf8c45dfb3cda948103fd11291d"),
    "dicts in dicts": ({"columns": ["e"], "data": [[{"a": {"b": [1, None]}}]]}, "c7eb738883ea11147552552c4bfd7000"),
    "embeddings": (
        {"columns": ["e"], "data": [[np.arange(3)], [np.arange(3) * 2.5]]},
        "30d99d16355adde7737e9096340bb842",
    ),
    "numpy scalars": (
        {"columns": ["e", "f"], "data": [[np.float32(1.5), np.bool_(True)], [np.int64(3), np.bool_(False)]]},
        "31c9c6364e3ef3a2a3c2bc6954ab1a60",
    ),
    "increments": ({"columns": ["a"], "data": [[1]], "log_mode": "INCREMENTAL"}, "95afa78f1cf46e9035d962b7b74fa4cc"),
    "plots": ({"columns": ["p"], "data": [[lading.Plotly(Figure())], [None]]}, "b22eabe0e1ce09cc434faea093a53867"),
}


def keyed(write: Write) -> lading.Table:
    table = lading.Table(columns=["k", "v"], data=[["a", 1], ["b", 2]])
    table.set_pk("k")
    return table


def images(write: Write) -> lading.Table:
    pictures = [lading.Image(write(f"{folder}/2x2.png", PNG), classes=CLASSES[:1]) for folder in ("one", "two")]
    return lading.Table(columns=["image", "i"], data=[[pictures[0], 1], [pictures[1], 2]])


def media(write: Write) -> lading.Table:
    video, page = lading.Video(write("v.mp4", b"a video")), lading.Html(write("p.html", b"<html></html>"), inject=False)
    return lading.Table(columns=["v", "h", "m"], data=[[video, page, lading.Molecule(write("m.pdb", b"ATOM"))]])


SAMPLES = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 0.33, 2.0, -0.33])
MEDIA: dict[str, tuple[Callable[[Write], Any], str]] = {
    "primary key": (keyed, "410877f9b863d9cd0f73eea7b85369e0"),
    "image": (
        lambda write: lading.Image(write("one/2x2.png", PNG), caption="cap", classes=CLASSES, grouping=2),
        "87ffa84adcb764717a1e5a796fce54df",
    ),
    "image with boxes": (
        lambda write: lading.Image(write("one/2x2.png", PNG), boxes={"pred": BOXES}),
        "f7919fef3478061e1ef04539724daf80",
    ),
    "image with a mask": (
        lambda write: lading.Image(write("one/2x2.png", PNG), masks={"m": {"path": write("two/2x2.png", PNG)}}, classes=CLASSES),
        "59a5454e7d6480ef25b50437010d1cd0",
    ),
    "table of images": (images, "7b4f95bccd9a2a3c5eaac6164a89cafc"),
    "table of boxes": (
        lambda write: lading.Table(columns=["image"], data=[[lading.Image(write("one/2x2.png", PNG), boxes={"pred": BOXES})]]),
        "5bf12335ee4910d60a9e499bf346cf88",
    ),
    "table of media": (media, "395cbe8dabc0f696a8dedbbe9d9b8ede"),
    "mask": (lambda write: lading.ImageMask({"path": write("one/2x2.png", PNG)}, "k"), "284c4db9a48c26f4c2c6f45b12c555e0"),
    "boxes": (lambda write: lading.BoundingBoxes2D(BOXES, "k"), "5e74da97b5a6c3d42d365f7f4fbe4189"),
    "classes": (lambda write: lading.Classes(CLASSES), "c54b15936bbcff110e217e5711edfe8b"),
    "partitioned table": (lambda write: lading.PartitionedTable("dataset_parts"), "c56508c36fcee3421ed027ed970f4b02"),
    "samples": (
        lambda write: lading.Audio(SAMPLES, sample_rate=8000, caption="beep"),
        "cfb5fbece01a97a2d20c4179f3f57c0e",
    ),
    "samples of integers": (
        lambda write: lading.Audio(np.array([0, 5000, -5000], dtype=np.int16), sample_rate=8000),
        "da2d6b40fafc6675bcb12ab80c7b8208",
    ),
    "video": (lambda write: lading.Video(write("v.mp4", b"a video"), caption="v"), "471269cb28b2f8b6f27b987ed1377191"),
    "page": (lambda write: lading.Html(write("p.html", b"<html></html>"), inject=False), "bef1498309dac6ac121bc190f625920b"),
    "text of a page": (lambda write: lading.Html("<b>x</b>", inject=False), "a6a72d853b080302966ae3b21de4e8be"),
    "points": (lambda write: lading.Object3D(np.array([[1.0, 2, 3], [4, 5, 6]])), "c31d9c0b3d8c582101b9905a77f857bf"),
    "molecule": (lambda write: lading.Molecule(write("m.pdb", b"ATOM"), caption="m"), "c9640426fe96ae9e255d05d181af4cc3"),
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, data: bytes) -> str:
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    return make


def artifact_with(value: Any, name: str) -> lading.Artifact:
    artifact = lading.Artifact("x", "dataset", digest_algorithm="MD5")
    artifact.add(value, name)
    return artifact


@pytest.mark.parametrize("name", TABLES)
def test_an_artifact_with_a_table_has_wandbs_digest(home: Path, name: str) -> None:
    arguments, digest = TABLES[name]

    assert artifact_with(lading.Table(**arguments), "n").digest == digest


@pytest.mark.parametrize("name", MEDIA)
def test_an_artifact_with_a_medium_has_wandbs_digest(home: Path, write: Write, name: str) -> None:
    make, digest = MEDIA[name]

    assert artifact_with(make(write), "n").digest == digest


# SEMANTICS 2.1, golden values.


def test_the_table_of_semantics(home: Path) -> None:
    artifact = artifact_with(lading.Table(columns=["a", "b"], data=[[1, "x"], [2.5, None]]), "t")
    entry = artifact.manifest.entries["t.table.json"]

    assert (artifact.digest, entry.size, entry.digest) == (
        "c89e48a573b31a821a12359e0e70c0ee",
        395,
        "CSrOgOQc5xdP3AupUd2BAg==",
    )
    assert Path(entry.local_path or "").read_text() == (
        '{"_type": "table", "column_types": {"params": {"type_map": {"a": {"params": {"allowed_types": [{"wb_type": "none"}, '
        '{"wb_type": "number"}]}, "wb_type": "union"}, "b": {"params": {"allowed_types": [{"wb_type": "none"}, {"wb_type": '
        '"string"}]}, "wb_type": "union"}}}, "wb_type": "typedDict"}, "columns": ["a", "b"], "data": [[1, "x"], [2.5, null]], '
        '"log_mode": "IMMUTABLE", "ncols": 2, "nrows": 2}'
    )


def test_the_partitioned_table_of_semantics(home: Path) -> None:
    artifact = artifact_with(lading.PartitionedTable("dataset_parts"), "dataset")
    entry = artifact.manifest.entries["dataset.partitioned-table.json"]

    assert (artifact.digest, entry.size, entry.digest) == (
        "c6a4d80ed84fd68df380425ded894b19",
        61,
        "uo/SjoAO+O7pcSfg+yhlDg==",
    )


def test_the_image_of_semantics(home: Path, write: Write) -> None:
    """ "Image(2x2.png, classes person) as my-image", "3 entries; JSON 346 B", and the bytes of that JSON."""
    assert hashlib.sha256(GREY).hexdigest() == "641e917f31888a48f54688c2dec6c93487a23008db71fbabf48bd855c7e2dbe2"

    artifact = artifact_with(lading.Image(write("2x2.png", GREY), classes=[{"id": 0, "name": "person"}]), "my-image")

    assert artifact.digest == "7772370e2243066215a845a34f3cc42c"
    entries = artifact.manifest.entries
    assert {path: (entry.size, entry.digest) for path, entry in entries.items()} == {
        "media/classes/65347c6442e21b09b198d62e080e46ce_cls.classes.json": (64, "eG00DqdCcCBqphilriLNfw=="),
        "media/images/641e917f31888a48f546/2x2.png": (71, "L1pBeGPxG+6XVRQk4WuvdQ=="),
        "my-image.image-file.json": (346, "IcEgVbPW7fE1a+g577K+VQ=="),
    }
    assert Path(entries["my-image.image-file.json"].local_path or "").read_text() == (
        '{"_type": "image-file", "classes": {"digest": "eG00DqdCcCBqphilriLNfw==", '
        '"path": "media/classes/65347c6442e21b09b198d62e080e46ce_cls.classes.json", "type": "classes-file"}, "format": "png", '
        '"height": 2, "path": "media/images/641e917f31888a48f546/2x2.png", '
        '"sha256": "641e917f31888a48f54688c2dec6c93487a23008db71fbabf48bd855c7e2dbe2", "width": 2}'
    )


def test_the_table_of_two_such_images_of_semantics(home: Path, write: Write) -> None:
    """ "my-table.table.json 1476 B": the same image in both rows."""
    image = lading.Image(write("2x2.png", GREY), classes=[{"id": 0, "name": "person"}])

    artifact = artifact_with(lading.Table(["examples"], data=[[image], [image]]), "my-table")

    entry = artifact.manifest.entries["my-table.table.json"]
    assert (len(artifact.manifest), entry.size, entry.digest) == (3, 1476, "4cthfS5X+SxpFwajjuhrMw==")
