"""What is needed: also of versions that were deleted, where others refer to them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.portal import blocking
from lading.api.references.authorising import check_there
from lading.api.workspace import Workspace
from lading.catalog import ObjectInfo
from lading.errors import EntryNotFoundError
from lading.manifest.digest import Algorithm
from lading.manifest.entry import Entry
from lading.upkeep.garbage import Freed
from lading.upkeep.keeper import Keeper
from lading.upkeep.marking import Marker
from lading.upkeep.marks import Marks

from .conftest import Log

Collected = Callable[..., Freed]
Stored = Callable[..., list[str]]


def refer(entry: Any, name: str = "refers") -> lading.Artifact:
    """A version with this reference alone."""
    artifact = lading.Artifact(name, "dataset")
    artifact.add_reference(entry, name="theirs")
    run = lading.run
    assert run is not None
    return run.log_artifact(artifact).wait()


def content(artifact: lading.Artifact, folder: Path, name: str = "theirs") -> str:
    found = lading.Api().artifact(artifact.qualified_name)
    return Path(found.download(str(folder)), name).read_text()


def test_what_another_version_refers_to_stays_and_nothing_else_of_it(
    log: Log, collected: Collected, stored: Stored, tmp_path: Path
) -> None:
    source = log({"a": "wanted", "b": "b" * 5000}, "source")
    referring = refer(source.get_entry("a"))
    source.delete(delete_aliases=True)

    forecast, freed = collected(dry_run=True), collected()

    assert forecast == freed
    assert (freed.objects, freed.bytes, freed.receipts) == (1, 5000, 0)
    assert content(referring, tmp_path / "out") == "wanted"
    with referring.get_entry("theirs").open() as file:
        assert file.read() == b"wanted"
    assert collected() == Freed()
    referring.delete(delete_aliases=True)
    collected()
    assert stored("objects/") + stored("manifests/") + stored("versions/") == []


def test_of_a_version_in_the_trash_too_it_stays(log: Log, collected: Collected, stored: Stored) -> None:
    source = log({"a": "wanted"}, "source")
    referring = refer(source.get_entry("a"))
    referring.delete(delete_aliases=True)
    collected(trash=3600)
    source.delete(delete_aliases=True)
    before = stored("objects/")

    assert collected(trash=3600).objects == 0
    assert stored("objects/") == before


def test_what_a_version_of_another_entity_refers_to_stays(home: Path, collected: Collected, tmp_path: Path) -> None:
    with lading.init(entity="them", project="p") as run:
        source = lading.Artifact("source", "dataset")
        with source.new_file("a") as file:
            file.write("wanted")
        run.log_artifact(source).wait()
    with lading.init(project="p"):
        referring = refer(source.get_entry("a"))
    source.delete(delete_aliases=True)

    collected()

    assert content(referring, tmp_path / "out") == "wanted"


def test_a_reference_through_another_keeps_both(log: Log, collected: Collected, tmp_path: Path) -> None:
    """Nobody adds such: what is added is resolved. A document of theirs could hold it."""
    source = log({"a": "wanted"}, "source")
    entry = source.get_entry("a")
    run = lading.run
    assert run is not None
    between = lading.Artifact("between", "dataset")
    between.draft.manifest.add_entry("a", Entry(entry.digest, ref=entry.ref_url(), size=0))
    run.log_artifact(between).wait()
    last = lading.Artifact("last", "dataset")
    last.draft.manifest.add_entry("theirs", Entry(entry.digest, ref=between.get_entry("a").ref_url(), size=0))
    run.log_artifact(last).wait()
    source.delete(delete_aliases=True)
    between.delete(delete_aliases=True)

    collected()

    assert content(last, tmp_path / "out") == "wanted"


def test_what_is_committed_meanwhile_and_shares_a_document_is_needed_whole(
    log: Log, keeper: Keeper, workspace: Workspace
) -> None:
    """The page of a deleted version was read for the sake of one of its entries: that says nothing of the others."""
    files: dict[str, str | bytes] = {"a": "wanted", "b": "also"}
    source = log(files, "source")
    refer(source.get_entry("a"))
    source.delete(delete_aliases=True)
    entity_id = source.logged_version("x").entity_id
    b = ObjectInfo(Algorithm.BLAKE3, source.get_entry("b").digest, 4)
    with Marks() as marks:
        marker = Marker(keeper, marks)
        blocking(marker.mark_all)(0.0)
        before = marks.is_marked(entity_id, b)
        log(files, "same")

        blocking(marker.mark_all)(0.0)

        assert (before, marks.is_marked(entity_id, b)) == (False, True)


def test_a_next_version_keeps_what_its_base_refers_to(log: Log, collected: Collected, tmp_path: Path) -> None:
    source = log({"a": "wanted"}, "source")
    referring = refer(source.get_entry("a"))
    source.delete(delete_aliases=True)
    collected()
    draft = referring.new_draft()
    with draft.new_file("more") as file:
        file.write("more")
    run = lading.run
    assert run is not None

    following = run.log_artifact(draft).wait()
    referring.delete(delete_aliases=True)
    collected()

    assert content(following, tmp_path / "out") == "wanted"


def test_nothing_new_refers_to_a_deleted_version(log: Log, workspace: Workspace) -> None:
    """DESIGN 5, Trust: links to other versions are authorised at commit; 'log': a crash leaves never a dangling name."""
    source = log({"a": "wanted"}, "source")
    uri, id = source.get_entry("a").ref_url(), source.id or ""
    blocking(check_there)(workspace, {id: "a"})
    source.delete(delete_aliases=True)

    with pytest.raises(EntryNotFoundError, match="deleted"):
        refer(uri)
    with pytest.raises(EntryNotFoundError, match="source:v0, which was deleted"):  # as while a log was sending
        blocking(check_there)(workspace, {id: "a"})


def test_a_value_that_is_referred_to_keeps_the_files_that_it_names(home: Path, collected: Collected) -> None:
    source, derived = lading.Artifact("source", "dataset"), lading.Artifact("derived", "dataset")
    with lading.init(project="p") as run:
        source["pages"] = lading.Table(["page"], data=[[lading.Html("<p>", inject=False)]])
        run.log_artifact(source).wait()
        derived["pages"] = source["pages"]
        run.log_artifact(derived).wait()
    source.delete(delete_aliases=True)
    shutil.rmtree(source.default_root())

    collected()

    assert lading.Api().artifact(derived.qualified_name)["pages"].data[0][0].html == "<p>"


@pytest.mark.parametrize("trash", [3600.0, 0.0])
def test_what_a_part_refers_to_is_kept_or_the_version_refused(
    log: Log, collected: Collected, tmp_path: Path, trash: float
) -> None:
    """Parts of a version of many writers may wait for a day until somebody finishes it."""
    source = log({"a": "wanted"}, "source")
    run = lading.run
    assert run is not None
    part, last = lading.Artifact("made", "dataset"), lading.Artifact("made", "dataset")
    part.add_reference(source.get_entry("a"), name="theirs")
    run.upsert_artifact(part, distributed_id="several")
    source.delete(delete_aliases=True)
    collected(trash=trash)

    if trash:
        made = run.finish_artifact(last, distributed_id="several").wait()
        collected()
        assert content(made, tmp_path / "out") == "wanted"
    else:
        with pytest.raises(EntryNotFoundError, match="source:v0, which was deleted"):
            run.finish_artifact(last, distributed_id="several").wait()
