"""Edits of what is logged: `save`, and `delete`."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import (
    AliasesRemainError,
    CommError,
    InvalidTypeError,
    InvalidValueError,
    UnknownNameError,
)

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]

# -- save -------------------------------------------------------------------------------------------------------------------


def test_edits_in_place_are_saved(dataset: Make) -> None:
    """Seed 000, "update an artifact"."""
    dataset({"a": "1"}, aliases=["old"])
    artifact = lading.Api().artifact("p/ds:latest")

    artifact.description = "My new description"
    artifact.metadata["oldKey"] = "new value"
    artifact.aliases.append("best")
    artifact.aliases.remove("latest")
    artifact.tags.append("t")
    artifact.save()

    again = lading.Api().artifact("p/ds:v0")
    assert (again.description, again.metadata) == ("My new description", {"oldKey": "new value"})
    assert (sorted(again.aliases), again.tags) == (["best", "old"], ["t"])


def test_sets_are_replaced_completely(dataset: Make) -> None:
    """Seed 000, "replace completely"."""
    artifact = dataset({"a": "1"}, aliases=["x"], tags=["t", "u"])
    artifact.metadata = {"newKey": "new value"}
    artifact.aliases = ["replaced"]
    artifact.tags = ["u", "u"]
    artifact.description = None

    artifact.save()

    again = lading.Api().artifact("p/ds:replaced")
    assert (again.metadata, again.aliases, again.tags, again.description) == ({"newKey": "new value"}, ["replaced"], ["u"], None)


def test_an_older_version_that_is_saved_does_not_take_latest_back(dataset: Make) -> None:
    """SEMANTICS 2.7, "aliases/tags diffed against the saved ones"."""
    old = dataset({"a": "1"}, aliases=["mine"], tags=["t"])
    dataset({"a": "2"}, aliases=["mine"])
    other = lading.Api().artifact("p/ds:v0")
    other.tags.append("theirs")
    other.save()

    old.aliases.append("best")
    old.tags = []
    old.save()

    assert (old.aliases, old.tags) == (["best"], ["theirs"])
    assert lading.Api().artifact("p/ds:latest").version == "v1"
    assert lading.Api().artifact("p/ds:mine").version == "v1"


def test_an_artifact_is_saved_and_deleted_after_its_collection_was_renamed(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    collection = lading.Api().artifact_collection("dataset", "p/ds")
    collection.name = "other"
    collection.save()

    artifact.description = "new"
    artifact.save()
    now = lading.Api().artifact("p/other").description
    artifact.delete(delete_aliases=True)

    assert (now, artifact.qualified_name, artifact.state) == ("new", "me/p/other:v0", "DELETED")


def test_edits_at_the_same_moment_are_all_kept(dataset: Make) -> None:
    dataset({"a": "1"}, aliases=["old"], tags=["old"])
    held = [lading.Api().artifact("p/ds") for _ in range(6)]
    ready = threading.Barrier(len(held))

    def edit(number: int, artifact: lading.Artifact) -> None:
        artifact.aliases.append(f"a{number}")
        artifact.tags.append(f"t{number}")
        ready.wait()
        artifact.save()

    threads = [threading.Thread(target=edit, args=each) for each in enumerate(held)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    now = lading.Api().artifact("p/ds")
    assert sorted(now.aliases) == [*(f"a{number}" for number in range(6)), "latest", "old"]
    assert sorted(now.tags) == ["old", *(f"t{number}" for number in range(6))]


def test_an_alias_is_taken_from_another_version(dataset: Make) -> None:
    """SEMANTICS 2.7, "an alias is unique within a collection"."""
    first, second = dataset({"a": "1"}, aliases=["best"]), dataset({"a": "2"})

    second.aliases.append("best")
    second.save()

    assert lading.Api().artifact("p/ds:best").version == "v1"
    assert lading.Artifact.from_id(first.id or "").aliases == []


def test_saving_what_was_not_edited_changes_nothing(dataset: Make) -> None:
    artifact = dataset({"a": "1"}, aliases=["b", "a"])
    before = artifact.updated_at

    artifact.aliases.append("a")  # it has that one
    artifact.save()

    assert lading.Api().artifact("p/ds:v0").updated_at == before
    assert artifact.aliases == ["a", "b", "latest"]


@pytest.mark.parametrize("alias", ["a/b", "a:b", "", "v1"])
def test_aliases_that_cannot_be_are_refused(dataset: Make, alias: str) -> None:
    """SEMANTICS 1.2, "Aliases must not contain any of the following characters"."""
    artifact = dataset({"a": "1"})

    artifact.aliases.append(alias)
    with pytest.raises(InvalidValueError, match=r"[Aa]lias"):
        artifact.save()
    with pytest.raises(InvalidValueError, match=r"[Aa]lias"):
        artifact.aliases = [alias]
    assert lading.Api().artifact("p/ds:v0").aliases == ["latest"]


def test_tags_and_metadata_edited_in_place_are_checked_on_save(dataset: Make) -> None:
    """SEMANTICS 1.1, "metadata validated on assignment and again on save"."""
    artifact = dataset({"a": "1"})

    artifact.tags.append("no/slash")
    with pytest.raises(InvalidValueError, match="Invalid tag"):
        artifact.save()
    artifact.tags.clear()
    artifact.metadata["f"] = object()
    with pytest.raises(InvalidTypeError, match=r"metadata\.f"):
        artifact.save()


def test_a_draft_that_is_saved_is_logged_by_the_active_run_or_one_made_for_it(home: Path, fill: Fill) -> None:
    """SEMANTICS 1.1, "PENDING → log with most recent active run, else create a run of job_type auto"."""
    lone, mine, other = (lading.Artifact(name, "dataset") for name in ("lone", "mine", "other"))
    for artifact in (lone, mine, other):
        artifact.add_file(fill("in", {artifact.name: artifact.name}) / artifact.name)

    lone.save()
    other.save(project="q")
    with lading.init(project="p") as run:
        mine.save(project="q")  # of the active run, whatever is said

    first, second, third = lone.logged_by(), mine.logged_by(), other.logged_by()
    assert first is not None
    assert second is not None
    assert third is not None
    assert (lone.project, first.job_type, first.state) == ("uncategorized", "auto", "finished")
    assert (mine.project, second.id) == ("p", run.id)
    assert (other.project, third.job_type) == ("q", "auto")


# -- delete -----------------------------------------------------------------------------------------------------------------


def test_a_version_with_aliases_is_deleted_only_with_them(dataset: Make) -> None:
    """Seed 000, "delete"; SEMANTICS 1.1."""
    artifact = dataset({"a": "1"}, aliases=["best"])

    with pytest.raises(AliasesRemainError, match="best, latest"):
        artifact.delete()
    assert artifact.state == "COMMITTED"
    artifact.delete(delete_aliases=True)

    assert (artifact.state, artifact.aliases) == ("DELETED", [])
    with pytest.raises(UnknownNameError, match="alias 'best' not found"):
        lading.Api().artifact("p/ds:best")
    with pytest.raises(UnknownNameError, match="v0 was deleted"):
        lading.Api().artifact("p/ds:v0")
    with pytest.raises(CommError):
        artifact.delete()


def test_a_version_without_aliases_is_deleted_and_its_number_not_used_again(dataset: Make) -> None:
    first, second = dataset({"a": "1"}), dataset({"a": "2"})

    lading.Artifact.from_id(first.id or "").delete()
    second.delete(delete_aliases=True)
    third = dataset({"a": "2"})

    assert (third.version, third.aliases) == ("v2", ["latest"])
    assert third.verify(third.download()) is None


def test_after_the_alias_latest_is_gone_the_highest_version_is_compared_with(dataset: Make) -> None:
    """DESIGN 5: "or, without that alias, to the highest committed version"."""
    artifact = dataset({"a": "1"})
    artifact.aliases = []
    artifact.save()

    again = dataset({"a": "1"})

    assert (again.version, again.aliases) == ("v0", ["latest"])
