"""Values go into artifacts and come out: what SEMANTICS 1.1, 1.5 and seed 000 say of `add`, `get`, `artifact[name]`."""

import asyncio
import copy
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lading
from lading.errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    EntryNotFoundError,
    FileChangedError,
    InvalidTypeError,
    InvalidValueError,
    ManifestError,
    NotBuiltError,
)

ROWS = [[i, i * 2, 2**i] for i in range(100)]


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "picture.png", shade: int = 7) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lading.Image(np.full((2, 3), shade, np.uint8)).image.save(path)
        return path

    return make


def table() -> lading.Table:
    return lading.Table(columns=["a", "b", "c"], data=ROWS)


def logged(run: lading.Run, name: str = "my_dataset", **values: Any) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset")
    for key, value in values.items():
        artifact[key] = value
    return run.log_artifact(artifact).wait()


# -- seed 000 ---------------------------------------------------------------------------------------------------------
def test_add_then_get(run: lading.Run) -> None:
    """Seed 000, `add`: `artifact.add(table, "my_table")`, then `artifact.get("my_table")`."""
    artifact = lading.Artifact("my_table", "dataset")
    entry = artifact.add(table(), "my_table")
    run.log_artifact(artifact)

    found = run.use_artifact("my_table:latest").get("my_table")

    assert entry.path == "my_table.table.json"
    assert found == table()
    assert found.data[99][2] == 2**99


def test_setting_and_getting_an_item(run: lading.Run) -> None:
    """Seed 000, `__getitem__`: `artifact["my_table"] = table`, then `artifact["my_table"]`."""
    artifact = logged(run, my_table=table())

    assert artifact["my_table"] == table()


def test_a_value_that_is_not_there_is_none(run: lading.Run) -> None:
    """SEMANTICS 1.1: `get(name)` → WBValue | None, None if missing."""
    artifact = logged(run, t=table())

    assert artifact.get("nothing") is None
    assert artifact["nothing"] is None


def test_get_is_for_logged_artifacts(home: Path) -> None:
    """Seed 000, `get`: ArtifactNotLoggedError where the artifact is not logged."""
    artifact = lading.Artifact("ds", "dataset")
    artifact["t"] = table()

    with pytest.raises(ArtifactNotLoggedError, match=r"'Artifact\.get' used prior to logging"):
        artifact.get("t")


def test_add_is_for_drafts(run: lading.Run) -> None:
    """Seed 000, `add`: ArtifactFinalizedError where the artifact is finalized."""
    artifact = logged(run, t=table())

    with pytest.raises(ArtifactFinalizedError, match=r"'Artifact\.add' used on logged artifact"):
        artifact.add(table(), "u")


async def test_both_faces_are_async_too(run: lading.Run) -> None:
    artifact = lading.Artifact("ds", "dataset")
    await artifact.add_async(table(), "t")
    await run.log_artifact_async(artifact)
    await artifact.wait_async()

    assert await artifact.get_async("t") == table()


# -- names ------------------------------------------------------------------------------------------------------------
def test_the_kind_becomes_part_of_the_name_once(run: lading.Run) -> None:
    """SEMANTICS 1.5: `add(obj, "name")` writes `{name}.{_log_type}.json`."""
    artifact = lading.Artifact("ds", "dataset")
    paths = [artifact.add(value, name).path for value, name in [(table(), "a"), (table(), "b.table.json"), (table(), "c/d")]]
    run.log_artifact(artifact)

    assert paths == ["a.table.json", "b.table.json", "c/d.table.json"]
    assert artifact["b"] == artifact["b.table.json"] == artifact["c/d"] == table()


def test_an_entry_is_found_by_the_name_of_its_value(run: lading.Run) -> None:
    """SEMANTICS 1.1: `get_entry("t")` finds `t.table.json`; KeyError when missing."""
    artifact = logged(run, t=table())

    assert artifact.get_entry("t").path == artifact.get_path("t.table.json").path == "t.table.json"
    with pytest.raises(KeyError, match="Path not contained in artifact: u"):
        artifact.get_entry("u")


def test_below_media_tables_the_digest_is_the_name(home: Path) -> None:
    """SEMANTICS 1.5: names that start with `media/tables` are treated as temporary names."""
    artifact = lading.Artifact("ds", "dataset", digest_algorithm="MD5")

    first, second = (artifact.add(table(), f"media/tables/{name}") for name in ("t_1", "t_2"))

    assert first.path == second.path
    assert first.path.startswith("media/tables/")
    assert len(first.path) == len("media/tables/") + 20 + len(".table.json")


def test_a_name_that_cannot_be_a_path_is_refused(home: Path) -> None:
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(InvalidValueError, match="Invalid artifact path"):
        artifact.add(table(), "../t")
    assert len(artifact.manifest) == 0


# -- what is there already --------------------------------------------------------------------------------------------
def test_what_is_called_so_already_stays(home: Path) -> None:
    """SEMANTICS 1.1: existing name without overwrite returns the old entry silently."""
    artifact = lading.Artifact("ds", "dataset")
    first = artifact.add(lading.Table(["a"], data=[[1]]), "t")

    again = artifact.add(lading.Table(["a"], data=[[2]]), "t")
    replaced = artifact.add(lading.Table(["a"], data=[[2]]), "t", overwrite=True)

    assert again == first
    assert replaced != first
    assert len(artifact.manifest) == 1


def test_the_same_object_has_one_name(home: Path) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = table()

    first, second = artifact.add(value, "a"), artifact.add(value, "b")

    assert (first.path, second.path) == ("a.table.json", "a.table.json")


def test_an_object_that_was_changed_is_another(home: Path) -> None:
    """W&B returns the old entry, and the new rows are lost."""
    artifact = lading.Artifact("ds", "dataset")
    value = table()
    artifact.add(value, "a")
    value.add_data(1, 2, 3)

    assert artifact.add(value, "b").path == "b.table.json"


def test_an_object_that_was_removed_can_be_added_again(home: Path) -> None:
    """W&B returns an entry that is in no manifest."""
    artifact = lading.Artifact("ds", "dataset")
    value = table()
    artifact.remove(artifact.add(value, "a"))

    assert artifact.add(value, "b").path == "b.table.json"
    assert list(artifact.manifest.entries) == ["b.table.json"]


def test_equal_media_lie_there_once(run: lading.Run, picture: Callable[..., Path], stored: Callable[..., dict[str, int]]) -> None:
    """SEMANTICS 1.5: `media/images/{sha256[:20]}/{basename}`; classes at one place."""
    classes = [{"id": 0, "name": "person"}]
    same = [lading.Image(str(picture(f"{folder}/p.png")), classes=classes) for folder in ("one", "two")]
    drawn = [lading.Image(np.full((2, 3), 9, np.uint8)) for _ in range(2)]

    artifact = logged(run, t=lading.Table(["i"], data=[[image] for image in same + drawn]))

    paths = sorted(artifact.manifest.entries)
    assert [path.rpartition("/")[0].split("/")[:2] for path in paths[:-1]] == [["media", "classes"], *[["media", "images"]] * 2]
    assert len(stored("objects")) == 4


def test_a_file_that_was_added_is_not_added_again(home: Path, picture: Callable[..., Path]) -> None:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(picture(), "mine/p.png")

    artifact.add(lading.Image(str(picture())), "i")

    assert sorted(artifact.manifest.entries) == ["i.image-file.json", "mine/p.png"]


def test_eight_threads_add_the_same(home: Path) -> None:
    """SEMANTICS 2.4: 8 threads adding the same concurrently must leave one entry."""
    artifact = lading.Artifact("ds", "dataset")
    threads = [threading.Thread(target=artifact.add, args=(table(), "t")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(artifact.manifest.entries) == ["t.table.json"]


# -- what cannot be added ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [object(), {"a": 1}, [1], "text", None])
def test_what_is_no_value_is_refused(home: Path, value: Any) -> None:
    """SEMANTICS 1.5: allowed types, else TypeError."""
    with pytest.raises(InvalidTypeError, match=r"^Found object of type .*, expected one of: Audio, Bokeh, BoundingBoxes2D, "):
        lading.Artifact("ds", "dataset").add(value, "x")


@pytest.mark.parametrize("name", ["Plotly", "Histogram", "Graph"])
def test_what_wandb_has_for_dashboards_is_not_there(name: str) -> None:
    """SEMANTICS 1.5: not allowed: Plotly, Histogram, Graph."""
    with pytest.raises(NotBuiltError, match=f"lading.{name}"):
        getattr(lading, name)


def test_all_of_it_gets_in_or_nothing(home: Path, picture: Callable[..., Path]) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = lading.Table(["i"], data=[[lading.Image(str(picture()))], [None]], allow_mixed_types=False)
    value.data.append([object()])

    with pytest.raises(InvalidTypeError, match="row 2: JSON cannot say <class 'object'>"):
        artifact.add(value, "t")
    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []


def test_more_rows_than_an_artifact_takes_are_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEMANTICS 1.5: ≤ 200,000 rows in an artifact. W&B cuts the rest off and says so in a log; here nothing is lost."""
    assert lading.Table.MAX_ARTIFACT_ROWS == 200_000
    monkeypatch.setattr(lading.Table, "MAX_ARTIFACT_ROWS", 99)

    with pytest.raises(InvalidValueError, match="Table row limit exceeded: table has 100 rows, limit is 99"):
        lading.Artifact("ds", "dataset").add(table(), "t")


def test_masks_and_boxes_need_classes(home: Path, picture: Callable[..., Path]) -> None:
    """SEMANTICS 1.5: masks/boxes need classes (ValueError)."""
    image = lading.Image(str(picture()), masks={"m": {"path": str(picture("mask.png"))}})

    with pytest.raises(InvalidValueError, match=r"classes must be passed to lading\.Image which have masks or bounding boxes"):
        lading.Artifact("ds", "dataset").add(image, "i")


def test_a_file_that_changed_since_is_an_error(home: Path, picture: Callable[..., Path]) -> None:
    image = lading.Image(str(picture()))
    picture(shade=8).touch()

    with pytest.raises(FileChangedError, match=r"picture\.png: changed"):
        lading.Artifact("ds", "dataset").add(image, "i")


# -- from other artifacts ---------------------------------------------------------------------------------------------
def test_a_value_of_another_artifact_is_a_reference_to_it(run: lading.Run) -> None:
    """SEMANTICS 1.5: an object that came from another artifact is stored as a reference entry; 2.3: digest copied, size 0."""
    first = logged(run, t=table())
    second = lading.Artifact("other", "dataset")

    entry = second.add(first["t"], "again")

    assert entry.path == "again.table.json"
    assert entry.ref == first.get_entry("t").ref_url() == f"lading-artifact://{first.id}/t.table.json"
    assert (entry.digest, entry.size) == (first.get_entry("t").digest, 0)
    assert run.log_artifact(second).wait()["again"] == table()


def test_a_reference_to_a_reference_is_one_to_the_first(run: lading.Run) -> None:
    """SEMANTICS 2.3: resolved recursively to the concrete entry."""
    first = logged(run, t=table())
    second = logged(run, "second", u=first["t"])

    third = lading.Artifact("third", "dataset")
    entry = third.add(second["u"], "v")

    assert entry.ref == f"lading-artifact://{first.id}/t.table.json"


def test_a_value_that_was_logged_is_a_reference_in_the_next_artifact(run: lading.Run) -> None:
    value = table()
    first = logged(run, t=value)

    entry = lading.Artifact("other", "dataset").add(value, "t")

    assert entry.ref == f"lading-artifact://{first.id}/t.table.json"


def test_a_value_that_was_changed_since_is_stored_whole(run: lading.Run) -> None:
    """W&B stores a reference to the old rows."""
    value = logged(run, t=table())["t"]
    value.data[0][0] = -1
    second = lading.Artifact("other", "dataset")

    entry = second.add(value, "t")

    assert entry.ref is None
    assert run.log_artifact(second).wait()["t"].data[0] == [-1, 0, 1]


def test_media_of_another_artifact_are_references_in_a_new_table(run: lading.Run, picture: Callable[..., Path]) -> None:
    first = logged(
        run,
        t=lading.Table(
            ["i"],
            data=[
                [
                    lading.Image(
                        str(
                            picture(f"{n}.png"),
                        ),
                        caption=str(n),
                    )
                ]
                for n in range(3)
            ],
        ),
    )
    rows = first["t"].data
    second = lading.Artifact("other", "dataset")
    second["u"] = lading.Table(["i", "n"], data=[[rows[0][0], 1], [rows[2][0], 2]])

    refs = {path: entry.ref for path, entry in second.manifest.entries.items()}
    found = run.log_artifact(second).wait()["u"]

    assert [refs[path] is not None for path in sorted(refs)] == [True, True, False]
    assert found.data[1][0].image.size == (3, 2)
    assert found.data[1][0] == rows[2][0]


def test_what_refers_to_other_artifacts_is_downloaded_with_the_rest(run: lading.Run, tmp_path: Path) -> None:
    first = logged(run, t=table())
    second = lading.Artifact("other", "dataset")
    second.add(first["t"], "deep/t")
    with second.new_file("note.txt") as file:
        file.write("n")
    run.log_artifact(second).wait()

    for root in (second.download(str(tmp_path / "out")), second.checkout(str(tmp_path / "checked"))):
        assert json.loads((Path(root) / "deep/t.table.json").read_text())["nrows"] == 100
        assert (Path(root) / "note.txt").read_text() == "n"
    assert Path(second.get_entry("deep/t").download(str(tmp_path / "one"))).exists()


def test_a_value_of_a_deleted_artifact_is_gone(run: lading.Run) -> None:
    first = logged(run, t=table())
    second = logged(run, "other", t=first["t"])
    first.delete(delete_aliases=True)

    with pytest.raises(EntryNotFoundError, match="which was deleted"):
        second.get("t")
    with pytest.raises(FileNotFoundError):
        second.download()


def test_a_joined_table_of_two_artifacts(run: lading.Run) -> None:
    """SEMANTICS 1.5: JoinedTable: table paths or artifact refs + join_key."""
    first = logged(run, "first", t=lading.Table(["k", "v"], data=[["a", 1]]))
    second = logged(run, "second", t=lading.Table(["k", "w"], data=[["a", 2]]))
    joined = logged(run, "joined", j=lading.JoinedTable(first.get_entry("t"), second["t"], "k"))

    found = joined["j"]

    assert [found.table1.data, found.table2.data, found.join_key] == [[["a", 1]], [["a", 2]], "k"]
    assert sorted(entry.ref is not None for entry in joined.manifest.entries.values()) == [False, True, True]


def test_a_joined_table_names_tables_of_its_artifact(run: lading.Run) -> None:
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


def test_labels_do_not_come_between_equal_files(run: lading.Run, picture: Callable[..., Path]) -> None:
    """One artifact shows MD5, the other BLAKE3: what decides is the content."""
    image = lading.Image(str(picture()))
    for first_label, second_label in (("MD5", "BLAKE3"), ("BLAKE3", "MD5")):
        first = lading.Artifact("first", "dataset", digest_algorithm=first_label)
        first["t"] = lading.Table(["i"], data=[[image]])
        run.log_artifact(first).wait()
        second = lading.Artifact("second", "dataset", digest_algorithm=second_label)
        second["own"] = image
        second["shared"] = lading.Table(["i", "n"], data=[[first["t"].data[0][0], 1]])

        entry = second.add(first["t"], "all")

        assert entry.ref == first.get_entry("t").ref_url()
        assert len(second.manifest) == 4
        assert run.log_artifact(second).wait()["shared"].data[0][0] == image


def test_a_recursive_download_brings_the_other_artifacts(run: lading.Run) -> None:
    """DESIGN 7: `download(recursive=True)` also downloads the artifacts that entries refer to."""
    first = lading.Artifact("first", "dataset")
    first["t"] = table()
    with first.new_file("more.txt") as file:
        file.write("m")
    run.log_artifact(first).wait()
    second = logged(run, "second", t=first["t"])

    second.download(recursive=True)

    assert (Path(first.default_root()) / "more.txt").read_text() == "m"


async def test_an_add_that_is_given_up_adds_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = lading.Table(["c"], data=[[lading.Html(f"<p>{n}", inject=False)] for n in range(50)])
    reached = threading.Event()

    def slow(self: lading.Html, sink: Any, encode: Any = lading.Html.encode) -> Any:
        reached.set()
        time.sleep(0.005)
        return encode(self, sink)

    monkeypatch.setattr(lading.Html, "encode", slow)
    adding = asyncio.create_task(artifact.add_async(value, "t"))
    await asyncio.to_thread(reached.wait, 10)

    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding

    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []


def test_a_folder_in_the_way_leaves_everything_as_it_was(home: Path, picture: Callable[..., Path]) -> None:
    artifact = lading.Artifact("ds", "dataset")
    with artifact.new_file("t.table.json/inside") as file:
        file.write("x")
    value = lading.Table(["i"], data=[[lading.Image(str(picture()), classes=[{"id": 0, "name": "p"}])]])

    with pytest.raises(InvalidValueError, match=r"'t\.table\.json': it is a folder"):
        artifact.add(value, "t")

    assert list(artifact.manifest.entries) == ["t.table.json/inside"]
    assert len(list((home / "tmp").iterdir())) == 1


def test_a_copy_of_a_value_lives_on_its_own(run: lading.Run) -> None:
    value = lading.Table(["p", "n"], data=[[lading.Html("<p>"), 1]])
    logged(run, t=value)

    other = copy.deepcopy(value)
    other.data[0][1] = 2
    path = value.data[0][0].path
    del value

    assert other.data[0][0].path == path
    assert logged(run, "other", t=other)["t"].data[0][1] == 2


# -- documents of strangers -------------------------------------------------------------------------------------------
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


def test_what_could_not_be_read_again_is_not_added(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (lading.Classes.max_size, lading.Table.max_size) == (64 << 20, 1 << 30)
    monkeypatch.setattr(lading.Table, "max_size", 1000)

    with pytest.raises(InvalidValueError, match=r"t\.table\.json would be \d+ bytes of JSON, more than the 1000 of one value"):
        lading.Artifact("ds", "dataset").add(table(), "t")


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


def test_arrays_of_objects_are_never_pickled(home: Path) -> None:
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(InvalidTypeError, match="column 'a': arrays of objects cannot be stored"):
        artifact.add(lading.Table(["a"], data=[[np.array([[object()]])]]), "t")


async def test_many_values_are_got_at_the_same_time(run: lading.Run) -> None:
    """More than there are threads of any kind."""
    artifact = lading.Artifact("ds", "dataset")
    for n in range(40):
        await artifact.add_async(lading.Table(["n"], data=[[n]]), f"t{n}")
    await run.log_artifact_async(artifact)
    await artifact.wait_async()

    tables = await asyncio.wait_for(asyncio.gather(*(artifact.get_async(f"t{n}") for n in range(40))), 30)

    assert [found.data for found in tables if isinstance(found, lading.Table)] == [[[n]] for n in range(40)]


def test_classes_of_a_table_that_became_a_reference_are_written_for_the_next(
    run: lading.Run, picture: Callable[..., Path]
) -> None:
    classes = [{"id": 0, "name": "person"}]
    first = logged(run, t=lading.Table(["i"], data=[[lading.Image(str(picture()), classes=classes)]]))
    fresh = lading.Table(["i"], data=[[lading.Image(str(picture("other.png", shade=9)), classes=classes)]])

    joined = logged(run, "joined", j=lading.JoinedTable(first["t"], fresh, "i"))["j"]

    assert joined.table2 == fresh


def test_a_thousand_values_take_a_thousand_times_one(home: Path) -> None:
    artifact = lading.Artifact("ds", "dataset")

    def add(first: int) -> float:
        began = time.process_time()
        for n in range(first, first + 100):
            artifact.add(lading.Html(f"<p>{n}"), f"p{n}")
        return time.process_time() - began

    early = add(0)
    for n in range(1000):
        artifact.draft.manifest.add_entry(f"more/{n}", artifact.draft.entry("p0.html-file.json"))
    for n in range(100, 500, 100):
        add(n)
    late = add(500)

    assert late < 3 * early + 0.1
