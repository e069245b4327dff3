"""Runs, looked up later."""

from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.errors import AliasesRemainError, CommError, InvalidValueError

Make = Callable[..., lading.Artifact]


def test_runs_are_listed_oldest_first_and_found_by_id(home: object) -> None:
    """SEMANTICS 1.3: `run(path) runs(path=None, …)`."""
    for number in range(3):
        lading.init(project="p", id=f"r{number}", config={"n": number}).finish()
    api = Api(project="p")

    assert [each.id for each in api.runs(per_page=2)] == ["r0", "r1", "r2"]
    assert len(api.runs("me/p")) == 3
    found = api.run("me/p/r1")
    assert found == api.run("r1") == api.run("p/runs/r1")
    assert hash(found) == hash(api.run("r1"))
    assert (found.path, found.config, found.state, found.name) == (["me", "p", "r1"], {"n": 1}, "finished", "r1")
    assert repr(found) == "<Run me/p/r1 (finished)>"
    with pytest.raises(CommError, match="run 'r9' not found in me/p"):
        api.run("p/r9")
    with pytest.raises(CommError, match="project 'q' not found"):
        list(api.runs("q"))


def test_runs_take_the_arguments_of_w_and_b(home: object) -> None:
    """SEMANTICS 1.3: `runs(path=None, filters=None, order=…, per_page=50, …)`."""
    for number in range(3):
        lading.init(project="p", id=f"r{number}").finish()
    api = Api(project="p")

    runs = api.runs("me/p", {}, "-created_at", 2, include_sweeps=False, lazy=False)

    assert runs[0].id == "r2"
    assert [each.id for each in api.runs("p", order="-created_at", start=runs.cursor)] == ["r0"]
    oldest = api.runs(order="+created_at", per_page=1)
    assert [each.id for each in oldest] == [each.id for each in api.runs(order="created_at")] == ["r0", "r1", "r2"]
    with pytest.raises(InvalidValueError, match=r"runs cannot be chosen or ordered by 'heartbeat_at'"):
        api.runs(order="+heartbeat_at")


def test_a_run_found_later_takes_committed_versions_of_its_project(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.3: "committed artifacts of the same project only, otherwise CommError"."""
    artifact = dataset({"a": "1"})
    lading.init(project="p", id="later").finish()
    lading.init(project="q", id="elsewhere").finish()
    later, elsewhere = Api().run("p/later"), Api().run("q/elsewhere")

    later.log_artifact(artifact, aliases=["x"], tags=["t"])
    later.use_artifact(artifact)
    elsewhere.use_artifact(artifact)

    assert (sorted(artifact.aliases), artifact.tags) == (["latest", "x"], ["t"])
    assert [each.name for each in later.logged_artifacts()] == ["ds:v0"]
    assert [each.name for each in later.used_artifacts()] == ["ds:v0"]
    with pytest.raises(CommError, match="belongs to another project"):
        elsewhere.log_artifact(artifact)
    with pytest.raises(CommError, match="not logged yet"):
        later.use_artifact(lading.Artifact("draft"))
    artifact.delete(delete_aliases=True)
    with pytest.raises(CommError, match=r"version 'v0' not found in me/p/ds\n.*it was deleted"):
        later.use_artifact(artifact)
    with pytest.raises(TypeError, match="takes artifacts"):
        later.log_artifact("p/ds")  # type: ignore[arg-type]  # pyright: ignore


def test_models_of_all_runs_are_deleted(home: object) -> None:
    """Seed 000, "delete", the example."""
    for number in range(2):
        with lading.init(project="my_project", entity="my_entity") as run:
            for type in ("model", "dataset"):
                artifact = lading.Artifact(f"{type}{number}", type=type)
                run.log_artifact(artifact)

    api = lading.Api()
    runs = api.runs(path="my_entity/my_project")
    with pytest.raises(AliasesRemainError):
        api.artifact("my_entity/my_project/model0").delete()
    for each in runs:
        for artifact in each.logged_artifacts():
            if artifact.type == "model":
                artifact.delete(delete_aliases=True)

    assert [each.name for each in api.artifact_collections("my_entity/my_project", "dataset")] == ["dataset0", "dataset1"]
    assert not api.artifact_exists("my_entity/my_project/model0")
