"""Sounds, videos, pages, molecules, clouds of points and plots."""

import gc
import io
import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lading.errors import InvalidTypeError, InvalidValueError, LocalFileError, ManifestError
from lading.media.audio import Audio
from lading.media.bokeh import Bokeh
from lading.media.html import Html
from lading.media.medium import Medium
from lading.media.molecule import Molecule
from lading.media.object3d import Object3D, box3d
from lading.media.video import Video

FRAMES = np.arange(2 * 3 * 4 * 6, dtype=np.uint8).reshape(2, 3, 4, 6)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def make(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make


# -- what all have in common ------------------------------------------------------------------------------------------
def every(write: Callable[[str, str], str]) -> list[tuple[Medium, str]]:
    return [
        (Audio(write("a.mp3", "sound"), caption="c"), "media/audio/"),
        (Video(write("v.webm", "video"), caption="c"), "media/videos/"),
        (Html(write("p.html", "<p>"), inject=False), "media/html/"),
        (Html("<p>", inject=False), "media/html/"),
        (Molecule(write("m.pdb", "ATOM"), caption="c"), "media/molecule/"),
        (Object3D(write("o.pts.json", "[]"), caption="c"), "media/object3D/"),
        (Bokeh(write("b.bokeh.json", "{}")), "media/bokeh/"),
    ]


def test_each_kind_has_its_folder_and_comes_back(album: Any, write: Callable[[str, str], str]) -> None:
    """SEMANTICS 1.5: the folders of media files."""
    for number, (medium, folder) in enumerate(every(write)):
        album.files.clear()
        album.value(medium, f"n{number}")

        found = album.get(f"n{number}")

        file, document = sorted(album.files, key=lambda path: not path.startswith("media/"))
        assert file.startswith(folder)
        assert document == f"n{number}.{medium.log_type}.json"
        assert found == medium
        assert found.caption == medium.caption
        assert Path(found.path).read_bytes() == Path(medium.path or "").read_bytes()


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(LocalFileError, match=r"nowhere\.pdb: No such file"):
        Molecule("nowhere.pdb")


def test_media_differ_by_kind_and_bytes_and_caption(write: Callable[[str, str], str]) -> None:
    path = write("a.pdb", "x")

    assert Molecule(path) == Molecule(write("b.pdb", "x"))
    assert Molecule(path) != Molecule(path, caption="c")
    assert Molecule(path) != Html("x", inject=False)
    assert Molecule(path) != "x"


def test_a_caption_is_text() -> None:
    with pytest.raises(InvalidTypeError, match="a caption must be a string"):
        Html("x", inject=False).__class__.__mro__[1](caption=1)


def test_what_was_made_goes_with_the_value() -> None:
    page = Html("<p>")
    path = page.path
    assert path is not None
    assert Path(path).exists()

    del page
    gc.collect()

    assert not Path(path).exists()


def test_nothing_is_left_when_the_process_ends(tmp_path: Path) -> None:
    code = "from lading.media.html import Html; import os; page = Html('x'); pid = os.fork(); os.waitpid(pid, 0) if pid else None"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False, timeout=30)

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "document", [{}, {"_type": "html-file", "path": 1, "sha256": "0" * 64}, {"_type": "html-file", "path": "a"}]
)
def test_a_damaged_document_is_refused(album: Any, document: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="not a html-file"):
        album.finish(Html.decode(document, album))


# -- Audio ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("samples", "stored"),
    [
        (np.array([0.0, 0.5, -0.5, 1.0, -1.0, 2.0]), [0, 16384, -16384, 32767, -32768, 32767]),
        (np.array([0.5], np.float32), [16384]),
        (np.array([1, -2], np.int16), [1, -2]),
        (np.array([1 << 16, -(1 << 16)], np.int32), [1, -1]),
        (np.array([0, 128, 255], np.uint8), [-32768, 0, 32512]),
        ([0.0, 0.5], [0, 16384]),
    ],
)
def test_samples_become_16_bits(samples: Any, stored: list[int]) -> None:
    audio = Audio(samples, sample_rate=8000)
    assert audio.path is not None

    with wave.open(audio.path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert np.frombuffer(file.readframes(100), "<i2").tolist() == stored
    assert audio.duration == len(stored) / 8000


def test_channels_stand_side_by_side() -> None:
    audio = Audio(np.zeros((5, 2)), sample_rate=8000)
    assert audio.path is not None

    with wave.open(audio.path) as file:
        assert (file.getnframes(), file.getnchannels()) == (5, 2)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"data_or_path": [0.0]}, '"sample_rate" is required'),
        ({"data_or_path": [0.0], "sample_rate": 0}, "not a sample rate"),
        ({"data_or_path": [float("nan")], "sample_rate": 1}, "finite"),
        ({"data_or_path": np.zeros((1, 2, 3)), "sample_rate": 1}, "the shape"),
        ({"data_or_path": ["a"], "sample_rate": 1}, "must be floats or signed integers"),
    ],
)
def test_what_is_no_sound_is_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match=match):
        Audio(**arguments)


def test_a_sound_elsewhere_is_a_reference(album: Any) -> None:
    album.value(Audio("gs://bucket/a.wav"), "a")

    assert album.get("a").path == "gs://bucket/a.wav"


# -- Video ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("format", "start"), [("gif", b"GIF89a"), ("mp4", b"ftyp"), ("webm", b"webm"), ("ogg", b"OggS")])
def test_frames_become_a_video(album: Any, format: str, start: bytes) -> None:
    video = Video(FRAMES, fps=2, format=format)
    album.value(video, "v")
    assert video.path is not None

    assert start in Path(video.path).read_bytes()[:64]
    assert (album.get("v").width, album.get("v").height) == (6, 4)


def test_a_gif_has_every_frame() -> None:
    video = Video(FRAMES, format="gif")

    with import_module("PIL.Image").open(video.path) as image:
        assert (image.n_frames, image.size, image.info["duration"]) == (2, (6, 4), 250)


def test_a_batch_becomes_tiles_and_odd_sizes_are_filled() -> None:
    video = Video(np.zeros((3, 2, 1, 5, 7), np.uint8), format="mp4")

    assert (video.width, video.height) == (28, 5)  # three and an empty one
    assert Video(np.zeros((2, 4, 5, 7), np.uint8), format="mp4").width == 7


def test_bytes_of_a_video_are_kept() -> None:
    video = Video(io.BytesIO(b"bytes"), format="ogg")
    assert video.path is not None

    assert Path(video.path).read_bytes() == b"bytes"


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"data_or_path": "v.avi"}, "accepts gif, mp4, webm, ogg formats"),
        ({"data_or_path": FRAMES}, "requires a `format` argument"),
        ({"data_or_path": io.BytesIO(b"")}, "requires a `format` argument"),
        ({"data_or_path": FRAMES, "format": "avi"}, "formats, not 'avi'"),
        ({"data_or_path": FRAMES[0], "format": "gif"}, "at least 4 dimensions"),
        ({"data_or_path": FRAMES.astype(float) + 200, "format": "gif"}, "between 0 and 255"),
        ({"data_or_path": FRAMES[:, :2], "format": "gif"}, "1, 3 or 4 channels"),
        ({"data_or_path": [1], "format": "gif"}, "accepts a file path or numpy"),
    ],
)
def test_what_is_no_video_is_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidValueError, match=match):
        Video(**arguments)


# -- Html -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("<b>x</b>", '<base target="_blank"><b>x</b>'),
        ("<html><body>", '<html><head><base target="_blank"></head><body>'),
        ("<html><head><title>", '<html><head><base target="_blank"><title>'),
    ],
)
def test_links_of_a_page_open_elsewhere_and_nothing_is_loaded(text: str, page: str) -> None:
    assert Html(text).html == page
    assert Html(io.StringIO(text), inject=False).html == text


def test_a_path_may_be_text(write: Callable[[str, str], str]) -> None:
    path = write("p.html", "<p>")

    assert Html(path, inject=False).html == "<p>"
    assert Html(path, inject=False, data_is_not_path=True).html == path
    with pytest.raises(InvalidValueError, match="must be a string or an io object"):
        Html(1)


# -- Molecule ---------------------------------------------------------------------------------------------------------
def test_molecules_come_from_files_and_text(write: Callable[[str, str], str]) -> None:
    path = write("m.sdf", "text")
    with open(path) as file:  # noqa: PTH123
        assert Molecule(file) == Molecule(path) == Molecule(io.StringIO("text"), file_type="sdf")
    for given, match in [(io.StringIO(""), "Must pass file_type"), ("m.txt", "only supports files"), (1, "file name or a file")]:
        with pytest.raises(InvalidValueError, match=match):
            Molecule(given)


def test_rdkit_makes_molecules(tmp_path: Path) -> None:
    molecule = Molecule.from_smiles("CCO", caption="ethanol")
    chem = import_module("rdkit.Chem")
    chem.MolToMolFile(chem.MolFromSmiles("CO"), str(tmp_path / "m.mol"))
    read = Molecule.from_rdkit(str(tmp_path / "m.mol"), convert_to_3d_and_optimize=False)

    assert (molecule.caption, Path(molecule.path or "").suffix) == ("ethanol", ".pdb")
    assert "HETATM" in Path(molecule.path or "").read_text()
    assert "HETATM" in Path(read.path or "").read_text()
    with pytest.raises(InvalidValueError, match="only supports files of the type: mol, sdf"):
        Molecule.from_rdkit("m.xyz")


# -- Object3D ---------------------------------------------------------------------------------------------------------
def test_clouds_of_points_are_written(album: Any) -> None:
    box = box3d(center=(0, 0, 0), size=(2, 2, 2), orientation=(1, 0, 0, 0), color=(1, 0, 0), label="b")
    scene = Object3D.from_point_cloud(points=[(0, 0, 1)], boxes=[box])
    album.value(Object3D(np.zeros((2, 6))), "o")

    written = json.loads(Path(scene.path or "").read_text())
    assert (written["type"], written["points"], written["vectors"]) == ("lidar/beta", [[0, 0, 1]], [])
    assert sorted(written["boxes"][0]["corners"])[0] == [-1, -1, -1]
    assert json.loads(Path(album.get("o").path).read_text()) == [[0] * 6] * 2


def test_a_box_is_turned() -> None:
    """A quarter turn about z: what was long in x is long in y."""
    half = 2**-0.5
    box = box3d(center=(0, 0, 0), size=(4, 2, 2), orientation=(half, 0, 0, half), color=(0, 0, 0))

    assert np.abs(box["corners"]).max(axis=0).round(6).tolist() == [1, 2, 1]
    with pytest.raises(InvalidValueError, match="zero quaternion"):
        box3d(center=(0, 0, 0), size=(1, 1, 1), orientation=(0, 0, 0, 0), color=(0, 0, 0))


def test_other_kinds_of_objects_are_not_for_artifacts(album: Any, write: Callable[[str, str], str]) -> None:
    """SEMANTICS 1.5: `.pts.json` in artifacts."""
    with pytest.raises(InvalidValueError, match="Non-point cloud 3D objects are not yet supported with Artifacts"):
        album.value(Object3D(write("o.obj", "v 0 0 0")), "o")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (np.zeros((2, 5)), "The shape of the numpy array"),
        (np.zeros(3), "The shape of the numpy array"),
        ({"type": "lidar/gamma"}, "only 'lidar/beta'"),
        ("o.txt", "only supports numpy arrays or files"),
        (io.StringIO(""), "Must pass file type"),
        (1, "must be a numpy array, dict or a file"),
    ],
)
def test_what_is_no_cloud_is_refused(data: Any, match: str) -> None:
    with pytest.raises(InvalidValueError, match=match):
        Object3D(data)


# -- Bokeh ------------------------------------------------------------------------------------------------------------
def test_a_plot_is_written_and_drawn_again(album: Any) -> None:
    plot = import_module("bokeh.plotting").figure(title="a plot")
    album.value(Bokeh(plot), "b")

    found = album.get("b")

    assert found.b_obj.roots[0].title.text == "a plot"
    assert Bokeh(found.b_obj).b_obj.roots[0].title.text == "a plot"


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_is_no_plot_is_refused(write: Callable[[str, str], str], text: str) -> None:
    with pytest.raises(InvalidValueError):
        Bokeh(write("b.bokeh.json", text))
    with pytest.raises(InvalidValueError, match=r"not a \.bokeh\.json file"):
        Bokeh("b.json")
    with pytest.raises(InvalidTypeError, match="Bokeh takes"):
        Bokeh(1)
