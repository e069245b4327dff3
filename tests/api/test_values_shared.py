"""Values of other artifacts: they become references to the entries that they came from."""

import json
from collections.abc import Callable
from pathlib import Path

import lading

Logged = Callable[..., lading.Artifact]
MakeTable = Callable[[], lading.Table]
Picture = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


def test_a_value_of_another_artifact_is_a_reference_to_it(run: lading.Run, table: MakeTable, logged: Logged) -> None:
    """SEMANTICS 1.5: an object that came from another artifact is stored as a reference entry; 2.3: digest copied, size 0."""
    first = logged(t=table())
    second = lading.Artifact("other", "dataset")

    entry = second.add(first["t"], "again")

    assert entry.path == "again.table.json"
    assert entry.ref == first.get_entry("t").ref_url() == f"lading-artifact://{first.id}/t.table.json"
    assert (entry.digest, entry.size) == (first.get_entry("t").digest, 0)
    assert run.log_artifact(second).wait()["again"] == table()


def test_a_reference_to_a_reference_is_one_to_the_first(table: MakeTable, logged: Logged) -> None:
    """SEMANTICS 2.3: resolved recursively to the concrete entry."""
    first = logged(t=table())
    second = logged("second", u=first["t"])

    third = lading.Artifact("third", "dataset")
    entry = third.add(second["u"], "v")

    assert entry.ref == f"lading-artifact://{first.id}/t.table.json"


def test_a_value_that_was_logged_is_a_reference_in_the_next_artifact(table: MakeTable, logged: Logged) -> None:
    value = table()
    first = logged(t=value)

    entry = lading.Artifact("other", "dataset").add(value, "t")

    assert entry.ref == f"lading-artifact://{first.id}/t.table.json"


def test_a_value_whose_artifact_is_not_committed_is_stored_whole(run: lading.Run, table: MakeTable, stored: Stored) -> None:
    """SEMANTICS 1.5: "when the source is not yet committed, `wandb-client-artifact://…` resolved at commit". Here there is
    nothing to resolve and nothing to wait for: content is known by its digest, and lies in the store once."""
    value = table()
    lading.Artifact("draft", "dataset").add(value, "t")
    second = lading.Artifact("other", "dataset")

    entry = second.add(value, "t")

    assert entry.ref is None
    assert run.log_artifact(second).wait()["t"] == table()
    third = lading.Artifact("third", "dataset")
    third.add(table(), "t")
    run.log_artifact(third).wait()
    assert len(stored("objects")) == 1


def test_a_value_that_was_changed_since_is_stored_whole(run: lading.Run, table: MakeTable, logged: Logged) -> None:
    """W&B stores a reference to the old rows."""
    value = logged(t=table())["t"]
    value.data[0][0] = -1
    second = lading.Artifact("other", "dataset")

    entry = second.add(value, "t")

    assert entry.ref is None
    assert run.log_artifact(second).wait()["t"].data[0] == [-1, 0, 1]


def test_media_of_another_artifact_are_references_in_a_new_table(run: lading.Run, picture: Picture, logged: Logged) -> None:
    images = [lading.Image(str(picture(f"{n}.png")), caption=str(n)) for n in range(3)]
    first = logged(t=lading.Table(["i"], data=[[image] for image in images]))
    rows = first["t"].data
    second = lading.Artifact("other", "dataset")
    second["u"] = lading.Table(["i", "n"], data=[[rows[0][0], 1], [rows[2][0], 2]])

    refs = {path: entry.ref for path, entry in second.manifest.entries.items()}
    found = run.log_artifact(second).wait()["u"]

    assert [refs[path] is not None for path in sorted(refs)] == [True, True, False]
    assert found.data[1][0].image.size == (3, 2)
    assert found.data[1][0] == rows[2][0]


def test_labels_do_not_come_between_equal_files(run: lading.Run, picture: Picture) -> None:
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


def test_what_refers_to_other_artifacts_is_downloaded_with_the_rest(
    run: lading.Run, tmp_path: Path, table: MakeTable, logged: Logged
) -> None:
    first = logged(t=table())
    second = lading.Artifact("other", "dataset")
    second.add(first["t"], "deep/t")
    with second.new_file("note.txt") as file:
        file.write("n")
    run.log_artifact(second).wait()

    for root in (second.download(str(tmp_path / "out")), second.checkout(str(tmp_path / "checked"))):
        assert json.loads((Path(root) / "deep/t.table.json").read_text())["nrows"] == 100
        assert (Path(root) / "note.txt").read_text() == "n"
    assert Path(second.get_entry("deep/t").download(str(tmp_path / "one"))).exists()


def test_a_recursive_download_brings_the_other_artifacts(run: lading.Run, table: MakeTable, logged: Logged) -> None:
    """DESIGN 7: `download(recursive=True)` also downloads the artifacts that entries refer to."""
    first = lading.Artifact("first", "dataset")
    first["t"] = table()
    with first.new_file("more.txt") as file:
        file.write("m")
    run.log_artifact(first).wait()
    second = logged("second", t=first["t"])

    second.download(recursive=True)

    assert (Path(first.default_root()) / "more.txt").read_text() == "m"


def test_a_value_of_a_deleted_artifact_stays_for_those_that_refer_to_it(tmp_path: Path, table: MakeTable, logged: Logged) -> None:
    first = logged(t=table())
    second = logged("other", t=first["t"])

    first.delete(delete_aliases=True)

    assert second.get("t") == table()
    assert (Path(second.download(str(tmp_path / "out"))) / "t.table.json").exists()
