"""Tables in artifacts: their limits, and the tables that name other tables."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lading
from lading.errors import InvalidTypeError, InvalidValueError

Logged = Callable[..., lading.Artifact]
MakeTable = Callable[[], lading.Table]
Picture = Callable[..., Path]


def test_more_rows_than_an_artifact_takes_are_an_error(home: Path, monkeypatch: pytest.MonkeyPatch, table: MakeTable) -> None:
    """SEMANTICS 1.5: ≤ 200,000 rows in an artifact. W&B cuts the rest off and says so in a log; here nothing is lost."""
    assert lading.Table.MAX_ARTIFACT_ROWS == 200_000
    monkeypatch.setattr(lading.Table, "MAX_ARTIFACT_ROWS", 99)

    with pytest.raises(InvalidValueError, match="Table row limit exceeded: table has 100 rows, limit is 99"):
        lading.Artifact("ds", "dataset").add(table(), "t")


def test_arrays_of_objects_are_never_pickled(home: Path) -> None:
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(InvalidTypeError, match="column 'a': arrays of objects cannot be stored"):
        artifact.add(lading.Table(["a"], data=[[np.array([[object()]])]]), "t")


def test_columns_of_different_classes_keep_their_own(logged: Logged) -> None:
    """W&B writes the classes of every column to `media/cls.classes.json`, and only the first stay."""
    classes = [lading.Classes([{"id": n, "name": name} for n, name in enumerate(names)]) for names in ("ab", "xy")]
    table = lading.Table(["first", "second"], data=[[0, 1]])
    for column, each in zip(table.columns, classes, strict=True):
        table.cast(column, each.get_type())

    found = logged(t=table)["t"]

    assert found == table
    assert [kind.classes for kind in found.column_types.values()] == classes


def test_a_joined_table_of_two_artifacts(logged: Logged) -> None:
    """SEMANTICS 1.5: JoinedTable: table paths or artifact refs + join_key."""
    first = logged("first", t=lading.Table(["k", "v"], data=[["a", 1]]))
    second = logged("second", t=lading.Table(["k", "w"], data=[["a", 2]]))
    joined = logged("joined", j=lading.JoinedTable(first.get_entry("t"), second["t"], "k"))

    found = joined["j"]

    assert [found.table1.data, found.table2.data, found.join_key] == [[["a", 1]], [["a", 2]], "k"]
    assert sorted(entry.ref is not None for entry in joined.manifest.entries.values()) == [False, True, True]


def test_a_joined_table_names_tables_of_its_artifact(run: lading.Run, table: MakeTable) -> None:
    artifact = lading.Artifact("ds", "dataset")
    with pytest.raises(InvalidValueError, match=r"JoinedTable table:t\.table\.json not found in artifact"):
        artifact.add(lading.JoinedTable("t.table.json", table(), "a"), "j")
    artifact.add(table(), "t")
    artifact.add(lading.JoinedTable("t.table.json", lading.Table(["x"], data=[[1]]), ["a", "x"]), "j")

    joined = run.log_artifact(artifact).wait()["j"]

    assert joined.table1 == table()
    assert joined.table2.data == [[1]]


def test_a_partitioned_table_is_read_part_by_part(run: lading.Run) -> None:
    artifact = lading.Artifact("ds", "dataset")
    for part in range(3):
        artifact.add(lading.Table(["n"], data=[[part * 10 + n] for n in range(2)]), f"parts/{part}")
    artifact["whole"] = lading.PartitionedTable("parts")
    run.log_artifact(artifact).wait()

    rows = list(artifact["whole"].iterrows())

    assert rows == [(0, [0]), (1, [1]), (2, [10]), (3, [11]), (4, [20]), (5, [21])]


def test_classes_of_a_table_that_became_a_reference_are_written_for_the_next(picture: Picture, logged: Logged) -> None:
    classes = [{"id": 0, "name": "person"}]
    first = logged(t=lading.Table(["i"], data=[[lading.Image(str(picture()), classes=classes)]]))
    fresh = lading.Table(["i"], data=[[lading.Image(str(picture("other.png", shade=9)), classes=classes)]])

    joined = logged("joined", j=lading.JoinedTable(first["t"], fresh, "i"))["j"]

    assert joined.table2 == fresh
