"""The kinds of values, and where people find them."""

import subprocess
import sys

import lading
import lading.api
from lading.manifest.targets import NAMING
from lading.media import registry
from lading.media.registry import KINDS, VALUES, kind_at


def test_every_kind_is_there_under_wandbs_names() -> None:
    """SEMANTICS 1.5: the allowed types, but for saved models, which would be unpickled."""
    names = "Audio Bokeh BoundingBoxes2D Classes Html Image ImageMask JoinedTable Molecule Object3D PartitionedTable Table Video"

    assert sorted(kind.__name__ for kind in KINDS) == names.split()
    for name in names.split():
        assert getattr(lading, name) is getattr(lading.data_types, name)


def test_all_of_them_are_what_wandb_calls_a_value() -> None:
    """SEMANTICS 1.1: `get(name)` gives a WBValue or None; seed 000 calls it so, too."""
    assert all(issubclass(kind, lading.data_types.WBValue) for kind in VALUES.values())


def test_files_say_what_they_hold() -> None:
    assert sorted(VALUES) == sorted(
        [
            *("audio-file", "bokeh-file", "bounding-boxes", "classes", "html-file", "image-file", "joined-table", "mask"),
            *("molecule-file", "object3D-file", "partitioned-table", "plotly-file", "table", "video-file"),
        ]
    )
    assert kind_at("a/t.table.json") is lading.Table
    assert kind_at("a/t.joined-table.json") is lading.JoinedTable
    assert kind_at("a/t.partitioned-table.json") is lading.PartitionedTable
    assert kind_at("a/t.json") is None


def test_values_that_name_other_files_are_known_by_their_names_where_these_are_kept() -> None:
    alone = (lading.Classes, lading.BoundingBoxes2D)

    assert set(NAMING) == {f"{name}.json" for name, kind in VALUES.items() if kind not in alone}


def test_importing_lading_imports_no_values() -> None:
    code = "import lading, sys; assert not [name for name in sys.modules if name.startswith('lading.media')]; lading.Table"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_top_of_the_package_offers_all_of_them() -> None:
    names = {name for name in registry.__all__ if name[0].isupper() and not name.isupper()} | {"box3d"}

    assert names <= set(lading.api.__all__)
    assert all(getattr(lading.api, name) is getattr(registry, name) for name in names)
