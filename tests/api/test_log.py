"""Logging: what makes a version, what moves, and what is refused."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import log as log_module
from lading.api.workspace import Workspace
from lading.errors import InvalidValueError, LadingError, NameConflictError, UsageError

from .conftest import artifact_of, versions

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


def test_the_same_content_makes_no_version_and_writes_nothing(dataset: Make, stored: Stored) -> None:
    """Seed 000, "digest": `log_artifact` does nothing if it equals the current `latest`; SEMANTICS 2.7: "nothing is uploaded"."""
    first = dataset({"a": "1", "b": "2"})
    before = stored()

    again = dataset({"a": "1", "b": "2"}, aliases=["x"], tags=["t"])

    assert (again.id, again.version) == (first.id, "v0")
    assert (sorted(again.aliases), again.tags) == (["latest", "x"], ["t"])
    assert stored() == before


def test_one_changed_file_moves_one_object_and_one_page(run: lading.Run, fill: Fill, stored: Stored) -> None:
    """DESIGN 4: "so that one changed file rewrites one page"."""
    folder = fill("in", {f"{number:04}": str(number) for number in range(200)})
    run.log_artifact(artifact_of(folder))
    before = stored()
    fill("in", {"0007": "changed"})

    run.log_artifact(artifact_of(folder))

    after = stored()
    new = sorted(after.keys() - before.keys())
    assert {key: after[key] for key in before} == before
    assert [key.split("/")[0] for key in new] == ["manifests", "manifests", "objects", "versions"]


def test_projects_of_one_entity_share_objects(run: lading.Run, dataset: Make, stored: Stored) -> None:
    dataset({"a": "1"})
    before = stored("objects/")

    with lading.init(project="q") as other:
        artifact = lading.Artifact("elsewhere", "dataset")
        with artifact.new_file("x") as file:
            file.write("1")
        other.log_artifact(artifact)

    assert stored("objects/") == before
    assert artifact.qualified_name == "me/q/elsewhere:v0"


def test_entities_do_not_share_objects(dataset: Make, stored: Stored) -> None:
    """DESIGN 5 "Trust": "known" is said only of what the asker's entity stores."""
    dataset({"a": "1"})
    with lading.init(project="p", entity="you") as other:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("x") as file:
            file.write("1")
        other.log_artifact(artifact)

    assert len(stored("objects/")) == 2


def test_latest_moves_and_content_that_comes_back_is_a_new_version(dataset: Make) -> None:
    """SEMANTICS 2.7: only the current `latest` is compared with."""
    first = dataset({"a": "1"})
    dataset({"a": "2"})

    third = dataset({"a": "1"})

    assert (third.version, third.aliases) == ("v2", ["latest"])
    assert lading.Artifact.from_id(first.id or "").aliases == []
    assert versions() == ["v0", "v1", "v2"]


def test_an_artifact_may_be_empty(run: lading.Run) -> None:
    artifact = run.log_artifact(lading.Artifact("ds", "dataset"))

    assert (artifact.version, artifact.size, artifact.file_count) == ("v0", 0, 0)
    assert list(Path(artifact.download()).iterdir()) == []
    assert list(artifact.files()) == []


def test_description_and_metadata_that_differ_on_the_same_content_warn(
    run: lading.Run, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    """DESIGN 5 "Log" (1): "a differing description or metadata warns"."""
    folder = fill("in", {"a": "1"})
    first = lading.Artifact("ds", "dataset", "about", {"k": 1})
    first.add_dir(folder)
    run.log_artifact(first)
    second = lading.Artifact("ds", "dataset", "other", {"k": 2})
    second.add_dir(folder)
    silent = artifact_of(folder)

    with caplog.at_level(logging.WARNING, "lading.log"):
        run.log_artifact(silent)
        assert caplog.records == []
        run.log_artifact(second)

    assert [record.name for record in caplog.records] == ["lading.log"] * 2
    assert "me/p/ds:v0 has this content already and keeps its description" in caplog.text
    assert "keeps its metadata" in caplog.text
    assert (second.description, second.metadata) == ("about", {"k": 1})


def test_a_version_that_is_logged_again_takes_labels(run: lading.Run, dataset: Make) -> None:
    """SEMANTICS 1.2: `log_artifact(artifact_or_path, name=None, type=None, aliases=None, tags=None)`, aliases and "latest"."""
    artifact = dataset({"a": "1"})

    again = run.log_artifact(artifact, aliases=["x"], tags=["t"])

    assert again is artifact
    assert (artifact.version, sorted(artifact.aliases), artifact.tags) == ("v0", ["latest", "x"], ["t"])


def test_a_version_of_another_place_is_not_logged_here(dataset: Make) -> None:
    """SEMANTICS 1.2: `ValueError … owned by entity 'e'` / `… exists in project 'p'`."""
    artifact = dataset({"a": "1"})

    with lading.init(project="q") as run, pytest.raises(ValueError, match="exists in project 'p'"):
        run.log_artifact(artifact)
    with lading.init(project="p", entity="you") as run, pytest.raises(ValueError, match="owned by entity 'me'"):
        run.log_artifact(artifact)


def test_another_type_under_the_same_name_is_refused(run: lading.Run, dataset: Make, fill: Fill) -> None:
    """SEMANTICS 1.2, the text."""
    dataset({"a": "1"})
    artifact = lading.Artifact("ds", "model")
    artifact.add_dir(fill("in", {"a": "2"}))

    with pytest.raises(
        NameConflictError, match="Artifact ds already exists with type 'dataset'; cannot create another with type 'model'"
    ):
        run.log_artifact(artifact)
    assert versions() == ["v0"]


@pytest.mark.parametrize(("aliases", "tags"), [(["a/b"], None), (["a:b"], None), ("v3", None), (None, ["a/b"]), (None, "a:b")])
def test_labels_that_cannot_be_are_refused_before_anything_is_logged(
    run: lading.Run, fill: Fill, aliases: list[str] | str | None, tags: list[str] | str | None
) -> None:
    artifact = artifact_of(fill("in", {"a": "1"}))

    with pytest.raises(ValueError, match=r"[Aa]lias|tag"):
        run.log_artifact(artifact, aliases=aliases, tags=tags)
    assert artifact.is_draft()
    assert versions() == []
    run.log_artifact(artifact)


def test_metadata_edited_in_place_is_checked_before_it_is_logged(run: lading.Run, fill: Fill) -> None:
    artifact = artifact_of(fill("in", {"a": "1"}))
    artifact.metadata["f"] = float("inf")

    with pytest.raises(InvalidValueError, match=r"metadata\.f"):
        run.log_artifact(artifact)
    assert versions() == []


def test_progress_is_told(run: lading.Run, fill: Fill) -> None:
    told: list[tuple[int, int]] = []

    run.log_artifact(
        artifact_of(fill("in", {"a": "1", "b": "22"})), progress=lambda now: told.append((now.files_done, now.bytes_done))
    )

    assert told[-1] == (2, 3)


def test_threads_that_log_different_content_get_numbers_without_gap(run: lading.Run, fill: Fill) -> None:
    artifacts = [artifact_of(fill(str(number), {"a": str(number)})) for number in range(6)]
    errors: list[BaseException] = []

    def log(artifact: lading.Artifact) -> None:
        try:
            run.log_artifact(artifact)
        except BaseException as error:  # for the assertion below
            errors.append(error)

    threads = [threading.Thread(target=log, args=(artifact,)) for artifact in artifacts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(artifact.version for artifact in artifacts) == [f"v{number}" for number in range(6)]
    assert lading.Api().artifact("p/ds").version == "v5"


def test_threads_that_log_the_same_content_make_one_version(run: lading.Run, fill: Fill) -> None:
    folder = fill("in", {"a": "1", "big": os.urandom(9 << 20)})
    artifacts = [artifact_of(folder) for _ in range(4)]
    threads = [threading.Thread(target=run.log_artifact, args=(artifact,)) for artifact in artifacts]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {artifact.version for artifact in artifacts} == {"v0"}
    assert versions() == ["v0"]


def test_a_lease_that_ran_out_commits_nothing(
    run: lading.Run, workspace: Workspace, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 5 "Log" (2): a lease by the database's clock."""
    monkeypatch.setattr(log_module, "LEASE", 0.0)

    with pytest.raises(LadingError, match=r"write session .* has ended; nothing was committed"):
        run.log_artifact(artifact_of(fill("in", {"a": "1"})))
    assert versions() == []


def test_a_finished_run_logs_nothing(run: lading.Run, fill: Fill) -> None:
    run.finish()

    with pytest.raises(UsageError, match=r"run.log_artifact\(\) on a run that is finished"):
        run.log_artifact(artifact_of(fill("in", {"a": "1"})))
