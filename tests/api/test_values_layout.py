"""Where values lie in an artifact, and what their files say: the table of SEMANTICS 1.5, row by row."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lading

Write = Callable[[str], str]

SHADES = np.zeros((2, 3), np.uint8)
PEOPLE = [{"id": 0, "name": "person"}, {"id": 1, "name": "car", "color": "#fff"}]
BOX = {"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4}, "class_id": 1}
TABLE = lading.Table(["k"], data=[["a"]])

LAYOUT: dict[str, tuple[Callable[[Write], Any], list[str]]] = {
    "Table: `n.table.json`": (lambda write: TABLE, [r"n\.table\.json"]),
    "Table: ndarray columns → `media/serialized_data/{col}_{id}.npz` (is_tmp)": (
        lambda write: lading.Table(["a"], data=[[SHADES]]),
        [r"media/serialized_data/[0-9a-f]{20}\.npz", r"n\.table\.json"],
    ),
    "JoinedTable: `n.joined-table.json`, table paths": (
        lambda write: lading.JoinedTable(TABLE, lading.Table(["k"], data=[["b"]]), "k"),
        [r"media/tables/[0-9a-f]{20}\.table\.json", r"media/tables/[0-9a-f]{20}\.table\.json", r"n\.joined-table\.json"],
    ),
    "PartitionedTable: `n.partitioned-table.json`": (
        lambda write: lading.PartitionedTable("parts"),
        [r"n\.partitioned-table\.json"],
    ),
    "Classes: `n.classes.json`": (lambda write: lading.Classes(PEOPLE), [r"n\.classes\.json"]),
    "Image: `n.image-file.json`, `media/images/{sha256[:20]}/{basename}`": (
        lambda write: lading.Image(write("p.png")),
        [r"media/images/SHA256/p\.png", r"n\.image-file\.json"],
    ),
    "Image: made of pixels": (
        lambda write: lading.Image(SHADES, file_type="bmp"),
        [r"media/images/[0-9a-f]{20}\.bmp", r"n\.image-file\.json"],
    ),
    "Image: classes at `media/classes/{md5(str(class_set))}_cls.classes.json`": (
        lambda write: lading.Image(write("p.png"), classes=PEOPLE[:1]),
        [
            rf"media/classes/{hashlib.md5(str(PEOPLE[:1]).encode()).hexdigest()}_cls\.classes\.json",
            r"media/images/SHA256/p\.png",
            r"n\.image-file\.json",
        ],
    ),
    "ImageMask: `n.mask.json`, `media/images/mask`": (
        lambda write: lading.ImageMask({"path": write("p.png")}, "m"),
        [r"media/images/mask/SHA256/p\.png", r"n\.mask\.json"],
    ),
    "ImageMask: `.mask.png`": (
        lambda write: lading.ImageMask({"mask_data": SHADES}, "m"),
        [r"media/images/mask/[0-9a-f]{20}\.mask\.png", r"n\.mask\.json"],
    ),
    "BoundingBoxes2D: `n.bounding-boxes.json`": (
        lambda write: lading.BoundingBoxes2D({"box_data": [BOX]}, "b"),
        [r"n\.bounding-boxes\.json"],
    ),
    "Audio: `audio-file`, `media/audio`": (
        lambda write: lading.Audio(write("a.mp3")),
        [r"media/audio/SHA256/a\.mp3", r"n\.audio-file\.json"],
    ),
    "Video: `video-file`, `media/videos`": (
        lambda write: lading.Video(write("v.mp4")),
        [r"media/videos/SHA256/v\.mp4", r"n\.video-file\.json"],
    ),
    "Html: `html-file`, `media/html`": (
        lambda write: lading.Html("<p>"),
        [r"media/html/[0-9a-f]{20}\.html", r"n\.html-file\.json"],
    ),
    "Object3D: `object3D-file`, `media/object3D` (.pts.json in artifacts)": (
        lambda write: lading.Object3D(np.zeros((1, 3))),
        [r"media/object3D/[0-9a-f]{20}\.pts\.json", r"n\.object3D-file\.json"],
    ),
    "Molecule: `molecule-file`, `media/molecule`": (
        lambda write: lading.Molecule(io.StringIO("ATOM"), file_type="pdb"),
        [r"media/molecule/[0-9a-f]{20}\.pdb", r"n\.molecule-file\.json"],
    ),
    "Bokeh: `bokeh-file`, `media/bokeh` (`.bokeh.json`)": (
        lambda write: lading.Bokeh(write("b.bokeh.json")),
        [r"media/bokeh/SHA256/b\.bokeh\.json", r"n\.bokeh-file\.json"],
    ),
}


@pytest.fixture
def write(tmp_path: Path, picture: Callable[..., Path]) -> Write:
    def make(name: str) -> str:
        if name.endswith(".png"):
            return str(picture(name))
        (tmp_path / name).write_text("{}")
        return str(tmp_path / name)

    return make


def documents(value: object) -> tuple[list[str], Any]:
    """The paths of the artifact that a value is added to as `n`, and what its own file says."""
    artifact = lading.Artifact("x", "dataset", digest_algorithm="MD5")
    entry = artifact.add(value, "n")  # type: ignore[arg-type]
    return sorted(artifact.manifest.entries), json.loads(Path(entry.local_path or "").read_text())


@pytest.mark.parametrize("row", LAYOUT)
def test_each_kind_has_its_files(home: Path, write: Write, row: str) -> None:
    make, patterns = LAYOUT[row]

    paths, document = documents(make(write))

    start = document["sha256"][:20] if "sha256" in document else ""
    assert len(paths) == len(patterns)
    for path, pattern in zip(paths, patterns, strict=True):
        assert re.fullmatch(pattern.replace("SHA256", start), path)


def test_videos_are_of_four_formats(home: Path, write: Write) -> None:
    """SEMANTICS 1.5: "gif mp4 webm ogg"."""
    paths = [documents(lading.Video(write(f"v.{format}")))[0][0] for format in ("gif", "mp4", "webm", "ogg")]

    assert [Path(path).name for path in paths] == ["v.gif", "v.mp4", "v.webm", "v.ogg"]
    with pytest.raises(ValueError, match="accepts gif, mp4, webm, ogg formats"):
        lading.Video(write("v.avi"))


def test_what_the_files_say(home: Path, write: Write) -> None:
    """SEMANTICS 1.5: the column "JSON file" and the notes."""
    image = lading.Image(write("p.png"), caption="c", grouping=2, classes=PEOPLE, boxes={"b": {"box_data": [BOX]}})
    masked = lading.Image(write("q.png"), masks={"m": {"path": write("m.png")}}, classes=PEOPLE)
    joined = documents(lading.JoinedTable(TABLE, TABLE, ["k", "k"]))

    assert sorted(documents(TABLE)[1]) == ["_type", "column_types", "columns", "data", "log_mode", "ncols", "nrows"]
    assert documents(lading.PartitionedTable("a/b"))[1] == {"_type": "partitioned-table", "parts_path": "a/b"}
    assert documents(lading.Classes(PEOPLE))[1] == {"_type": "classes", "class_set": PEOPLE}
    assert documents(lading.BoundingBoxes2D({"box_data": [BOX]}, "b"))[1] == [BOX]
    assert joined[1] == {"_type": "joined-table", "table1": joined[0][0], "table2": joined[0][0], "join_key": ["k", "k"]}
    kept = ["_type", "boxes", "caption", "classes", "format", "grouping", "height", "path", "sha256", "width"]
    assert sorted(documents(image)[1]) == kept
    assert documents(masked)[1]["masks"]["m"]["path"].startswith("media/images/mask/")


@pytest.mark.parametrize("caption", [None, "c"])
def test_media_say_their_path_and_sha256(home: Path, write: Write, caption: str | None) -> None:
    """SEMANTICS 1.5: `{"_type","path","sha256"[,"caption"]…}`; only the run-side JSON also has "size"."""
    path = write("a.wav")

    _, document = documents(lading.Audio(path, caption=caption))

    sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    plain = {"_type": "audio-file", "path": f"media/audio/{sha256[:20]}/a.wav", "sha256": sha256}
    assert document == (plain if caption is None else plain | {"caption": caption})
