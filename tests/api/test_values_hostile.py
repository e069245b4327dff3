"""Documents of strangers: what an artifact says of its values is checked, and nothing in it is ever unpickled."""

from pathlib import Path

import numpy as np
import pytest

import lading
from lading.errors import ManifestError


def hostile(run: lading.Run, name: str, text: str) -> lading.Artifact:
    artifact = lading.Artifact("hostile", "dataset")
    with artifact.new_file(name) as file:
        file.write(text)
    return run.log_artifact(artifact).wait()


TABLE = '{"_type": "table", "columns": ["a"], "data": [[%s]], "ncols": 1, "nrows": 1}'
IMAGE = '{"_type": "image-file", "path": "%s", "sha256": "' + "0" * 64 + '"}'


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("t.table.json", "[", "not JSON"),
        ("t.table.json", "[]", "not a table"),
        ("t.table.json", '{"_type": "table", "columns": ["a", "a"], "data": []}', "two columns of one name"),
        ("t.table.json", '{"_type": "table", "columns": ["a"], "data": [[1, 2]]}', "has not 1 cells"),
        ("t.table.json", TABLE % (IMAGE % "nowhere.png"), "'nowhere.png', which is not in the artifact"),
        ("t.table.json", TABLE % (IMAGE % "../../../etc/passwd"), "Invalid artifact path"),
        ("t.table.json", TABLE % (IMAGE % "/etc/passwd"), "Invalid artifact path"),
        ("t.table.json", "[" * 100_000, "not JSON"),
        ("i.image-file.json", IMAGE % "/etc/passwd", "Invalid artifact path"),
        ("i.image-file.json", IMAGE.replace("0" * 64, "../" * 21 + "0") % "i.image-file.json", "not a image-file"),
        ("j.joined-table.json", '{"_type": "joined-table", "table1": "a", "table2": "b", "join_key": 1}', "not a joined table"),
        ("c.classes.json", '{"_type": "classes", "class_set": [{"id": 1}]}', "a class needs an id and a name"),
        ("b.bounding-boxes.json", '[{"position": 1}]', "not a list of bounding boxes"),
        ("p.partitioned-table.json", '{"_type": "partitioned-table"}', "not a partitioned table"),
        (
            "t.table.json",
            TABLE[:-1] % 1 + ', "column_types": {"wb_type": "typedDict", "params": {"type_map": {"a": {"wb_type": "foreignKey", '
            '"params": {"table": "t.table.json", "col_name": "a"}}}}}}',
            "contains itself",
        ),
    ],
)
def test_a_hostile_document_names_its_entry(run: lading.Run, name: str, text: str, reason: str) -> None:
    artifact = hostile(run, name, text)

    with pytest.raises(ManifestError, match=f"hostile:v0: {name}: .*{reason}"):
        artifact.get(name)


def test_a_document_that_is_too_large_is_not_even_fetched(run: lading.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = hostile(run, "c.classes.json", '{"_type": "classes", "class_set": []}')
    monkeypatch.setattr(lading.Classes, "max_size", 10)

    with pytest.raises(ManifestError, match="37 bytes are more than the 10 of one document"):
        artifact.get("c")
    assert not Path(artifact.default_root()).exists()


def test_arrays_of_objects_are_never_unpickled(run: lading.Run, tmp_path: Path) -> None:
    """Nothing is ever unpickled (DESIGN 7)."""
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([object()], dtype=object))
    artifact = lading.Artifact("hostile", "dataset")
    artifact.add_file(path, "a.npz")
    kind = '{"wb_type": "ndarray", "params": {"shape": [], "serialization_path": {"path": "a.npz", "key": "a"}}}'
    types = '{"wb_type": "typedDict", "params": {"type_map": {"a": ' + kind + "}}}"
    with artifact.new_file("t.table.json") as file:
        file.write(f'{TABLE[:-1] % "null"}, "column_types": {types}}}')
    run.log_artifact(artifact).wait()

    with pytest.raises(ManifestError, match=r"t\.table\.json: a\.npz holds Python objects: they are never unpickled"):
        artifact.get("t")
