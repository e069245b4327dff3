"""Optional packages: what needs one that is missing says how to get it, and nothing else does."""

import subprocess
import sys

import pytest

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"no {{name}} here")
sys.meta_path.insert(0, Blocked())
import lading
"""
EVERYTHING = ("numpy", "PIL", "pandas", "polars", "pyarrow", "matplotlib", "bokeh", "rdkit", "imageio_ffmpeg", "torch")


def run(code: str, *blocked: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(blocked=blocked) + code], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("package", "code", "what", "install"),
    [
        ("PIL", "lading.Image(__file__ if False else sys.executable)", "lading.Image", "pillow"),
        ("numpy", "lading.ImageMask({'mask_data': [[1]]}, 'm')", "lading.ImageMask", "numpy"),
        ("numpy", "lading.Audio([0.5], sample_rate=1)", "lading.Audio of samples", "numpy"),
        ("pandas", "lading.Table(['a']).to_pandas()", "Table.to_pandas", "pandas"),
        ("polars", "lading.Table(['a']).to_polars()", "Table.to_polars", "polars"),
        ("pyarrow", "lading.Table(['a']).to_arrow()", "Table.to_arrow", "pyarrow"),
        ("rdkit", "lading.Molecule.from_smiles('C')", "Molecule.from_smiles", "rdkit"),
        (
            "imageio_ffmpeg",
            "import numpy; lading.Video(numpy.zeros((1, 3, 2, 2), 'u1'), format='mp4')",
            "lading.Video of frames, but for gif,",
            "imageio-ffmpeg",
        ),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(
    package: str, code: str, what: str, install: str
) -> None:
    printed = run(code, package)

    assert f"{what} needs the package {install}" in printed
    assert printed.rstrip().endswith(f"hint: pip install {install}")


def test_tables_and_files_need_no_other_package() -> None:
    code = """
table = lading.Table(columns=["a"], data=[[1], ["x"]], allow_mixed_types=True)
page = lading.Html("<p>")
boxes = lading.BoundingBoxes2D({"box_data": []}, "b")
print(table, lading.Classes([]), lading.PartitionedTable("p"), lading.JoinedTable(table, table, "a"))
"""

    assert run(code, *EVERYTHING).startswith("<Table ['a'] [2 rows]> ")


def test_no_optional_package_is_imported_before_it_is_needed() -> None:
    code = "from lading.media import registry; print(sorted(set(sys.modules) & set(%r)))" % (EVERYTHING,)  # noqa: UP031

    assert run(code) == "[]\n"
