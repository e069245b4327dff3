"""Values go into artifacts and come out: what SEMANTICS 1.1, 1.5 and seed 000 say of `add`, `get`, `artifact[name]`."""

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import ArtifactFinalizedError, ArtifactNotLoggedError, InvalidValueError

Logged = Callable[..., lading.Artifact]
MakeTable = Callable[[], lading.Table]


# -- seed 000 ---------------------------------------------------------------------------------------------------------
def test_add_then_get(run: lading.Run, table: MakeTable) -> None:
    """Seed 000, `add`: `artifact.add(table, "my_table")`, then `artifact.get("my_table")`."""
    artifact = lading.Artifact("my_table", "dataset")
    entry = artifact.add(table(), "my_table")
    run.log_artifact(artifact)

    found = run.use_artifact("my_table:latest").get("my_table")

    assert entry.path == "my_table.table.json"
    assert found == table()
    assert found.data[99][2] == 2**99


def test_setting_and_getting_an_item(table: MakeTable, logged: Logged) -> None:
    """Seed 000, `__getitem__`: `artifact["my_table"] = table`, then `artifact["my_table"]`."""
    artifact = logged(my_table=table())

    assert artifact["my_table"] == table()


def test_a_value_that_is_not_there_is_none(table: MakeTable, logged: Logged) -> None:
    """SEMANTICS 1.1: `get(name)` → WBValue | None, None if missing."""
    artifact = logged(t=table())

    assert artifact.get("nothing") is None
    assert artifact["nothing"] is None


def test_get_is_for_logged_artifacts(home: Path, table: MakeTable) -> None:
    """Seed 000, `get`: ArtifactNotLoggedError where the artifact is not logged."""
    artifact = lading.Artifact("ds", "dataset")
    artifact["t"] = table()

    with pytest.raises(ArtifactNotLoggedError, match=r"'Artifact\.get' used prior to logging"):
        artifact.get("t")


def test_add_is_for_drafts(table: MakeTable, logged: Logged) -> None:
    """Seed 000, `add`: ArtifactFinalizedError where the artifact is finalized."""
    artifact = logged(t=table())

    with pytest.raises(ArtifactFinalizedError, match=r"'Artifact\.add' used on logged artifact"):
        artifact.add(table(), "u")


async def test_both_faces_are_async_too(run: lading.Run, table: MakeTable) -> None:
    artifact = lading.Artifact("ds", "dataset")
    await artifact.add_async(table(), "t")
    await run.log_artifact_async(artifact)
    await artifact.wait_async()

    assert await artifact.get_async("t") == table()


# -- names ------------------------------------------------------------------------------------------------------------
def test_the_kind_becomes_part_of_the_name_once(run: lading.Run, table: MakeTable) -> None:
    """SEMANTICS 1.5: `add(obj, "name")` writes `{name}.{_log_type}.json`."""
    artifact = lading.Artifact("ds", "dataset")
    paths = [artifact.add(value, name).path for value, name in [(table(), "a"), (table(), "b.table.json"), (table(), "c/d")]]
    run.log_artifact(artifact)

    assert paths == ["a.table.json", "b.table.json", "c/d.table.json"]
    assert artifact["b"] == artifact["b.table.json"] == artifact["c/d"] == table()


def test_an_entry_is_found_by_the_name_of_its_value(table: MakeTable, logged: Logged) -> None:
    """SEMANTICS 1.1: `get_entry("t")` finds `t.table.json`; KeyError when missing."""
    artifact = logged(t=table())

    assert artifact.get_entry("t").path == artifact.get_path("t.table.json").path == "t.table.json"
    with pytest.raises(KeyError, match="Path not contained in artifact: u"):
        artifact.get_entry("u")


def test_below_media_tables_the_digest_is_the_name(home: Path, table: MakeTable) -> None:
    """SEMANTICS 1.5: names that start with `media/tables` are treated as temporary names."""
    artifact = lading.Artifact("ds", "dataset", digest_algorithm="MD5")

    first, second = (artifact.add(table(), f"media/tables/{name}") for name in ("t_1", "t_2"))

    assert first.path == second.path
    assert first.path.startswith("media/tables/")
    assert len(first.path) == len("media/tables/") + 20 + len(".table.json")


def test_a_name_that_cannot_be_a_path_is_refused(home: Path, table: MakeTable) -> None:
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


def test_the_same_object_has_one_name(home: Path, table: MakeTable) -> None:
    artifact = lading.Artifact("ds", "dataset")
    value = table()

    first, second = artifact.add(value, "a"), artifact.add(value, "b")

    assert (first.path, second.path) == ("a.table.json", "a.table.json")


def test_an_object_that_was_changed_is_another(home: Path, table: MakeTable) -> None:
    """W&B returns the old entry, and the new rows are lost."""
    artifact = lading.Artifact("ds", "dataset")
    value = table()
    artifact.add(value, "a")
    value.add_data(1, 2, 3)

    assert artifact.add(value, "b").path == "b.table.json"


def test_an_object_that_was_removed_can_be_added_again(home: Path, table: MakeTable) -> None:
    """W&B returns an entry that is in no manifest."""
    artifact = lading.Artifact("ds", "dataset")
    value = table()
    artifact.remove(artifact.add(value, "a"))

    assert artifact.add(value, "b").path == "b.table.json"
    assert list(artifact.manifest.entries) == ["b.table.json"]


def test_a_copy_of_a_value_lives_on_its_own(logged: Logged) -> None:
    value = lading.Table(["p", "n"], data=[[lading.Html("<p>"), 1]])
    logged(t=value)

    other = copy.deepcopy(value)
    other.data[0][1] = 2
    path = value.data[0][0].path
    del value

    assert other.data[0][0].path == path
    assert logged("other", t=other)["t"].data[0][1] == 2


# -- many -------------------------------------------------------------------------------------------------------------
def test_eight_threads_add_the_same(home: Path, table: MakeTable) -> None:
    """SEMANTICS 2.4: 8 threads adding the same concurrently must leave one entry."""
    artifact = lading.Artifact("ds", "dataset")
    threads = [threading.Thread(target=artifact.add, args=(table(), "t")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(artifact.manifest.entries) == ["t.table.json"]


async def test_many_values_are_got_at_the_same_time(run: lading.Run) -> None:
    """More than there are threads of any kind."""
    artifact = lading.Artifact("ds", "dataset")
    for n in range(40):
        await artifact.add_async(lading.Table(["n"], data=[[n]]), f"t{n}")
    await run.log_artifact_async(artifact)
    await artifact.wait_async()

    tables = await asyncio.wait_for(asyncio.gather(*(artifact.get_async(f"t{n}") for n in range(40))), 30)

    assert [found.data for found in tables if isinstance(found, lading.Table)] == [[[n]] for n in range(40)]


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
    late = min(add(500), add(600), add(700))  # the least is the least disturbed

    assert late < 3 * early + 0.1
