"""Api: artifacts, collections, types and runs, looked up."""

import asyncio
from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.api.portal import blocking
from lading.errors import AliasesRemainError, CommError, InvalidValueError, NameConflictError, UnknownNameError

Make = Callable[..., lading.Artifact]


def test_settings_may_be_overridden(home: object) -> None:
    """SEMANTICS 1.3: `Api(overrides=…)`."""
    assert repr(Api({"entity": "us", "project": "p"})).startswith("<Api us/p in sqlite:///")
    assert Api(entity="us").default_entity == "us"
    assert Api().default_entity == "me"


def test_an_artifact_is_found_by_its_name(dataset: Make) -> None:
    """Seed 000 and seed 003: `api.artifact("entity/project/artifact:alias")`."""
    dataset({"a": "1"})

    assert Api().artifact("me/p/ds:latest").name == "ds:v0"
    assert Api(project="p").artifact("ds:v0", type="dataset").type == "dataset"
    with pytest.raises(ValueError, match="to be of type model; found dataset"):
        Api().artifact("p/ds:latest", type="model")


def test_whether_an_artifact_exists(dataset: Make) -> None:
    """SEMANTICS 1.3: False only on not-found, other errors are raised."""
    dataset({"a": "1"})
    api = Api()

    assert api.artifact_exists("p/ds:v0")
    assert not api.artifact_exists("p/ds:v1")
    assert not api.artifact_exists("p/other")
    assert not api.artifact_exists("nobody/p/ds")
    with pytest.raises(ValueError, match="type"):
        api.artifact_exists("p/ds", type="model")
    assert api.artifact_collection_exists("p/ds", "dataset")
    assert not api.artifact_collection_exists("p/other", "dataset")
    with pytest.raises(ValueError, match="type"):
        api.artifact_collection_exists("p/ds", "model")


def test_versions_are_listed_in_both_orders(dataset: Make) -> None:
    """SEMANTICS 1.3, `order`: only COMMITTED ones."""
    for number in range(5):
        dataset({"a": str(number)})
    Api().artifact("p/ds:v3").delete()
    api = Api()

    assert [each.version for each in api.artifacts("dataset", "p/ds")] == ["v4", "v2", "v1", "v0"]
    assert [each.version for each in api.artifacts("dataset", "p/ds", order="-version_index")] == ["v4", "v2", "v1", "v0"]
    for order in ("version_index", "+version_index"):
        assert [each.version for each in api.artifact_versions("dataset", "me/p/ds", order=order)] == ["v0", "v1", "v2", "v4"]
    assert list(api.artifacts("model", "p/ds")) == []
    with pytest.raises(ValueError, match="order"):
        api.artifacts("dataset", "p/ds", order="created")
    with pytest.raises(UnknownNameError, match="collection 'gone'"):
        list(api.artifacts("dataset", "p/gone"))


def test_tags_choose_versions_that_have_all_of_them(dataset: Make) -> None:
    """SEMANTICS 1.3: `tags="a"` or `["a","b"]` (AND)."""
    dataset({"a": "0"}, tags=["x"])
    dataset({"a": "1"}, tags=["x", "y"])
    dataset({"a": "2"}, tags="y")
    api = Api()

    assert [each.version for each in api.artifacts("dataset", "p/ds", tags="x")] == ["v1", "v0"]
    assert [each.version for each in api.artifacts("dataset", "p/ds", tags=["x", "y"])] == ["v1"]
    assert len(api.artifacts("dataset", "p/ds", tags=["y"])) == 2
    with pytest.raises(ValueError, match="tag"):
        api.artifacts("dataset", "p/ds", tags="a/b")


def test_lists_come_in_pages(dataset: Make) -> None:
    """SEMANTICS 1.3: "iterable, indexable, `len()`, `.cursor` to resume via `start=`"."""
    for number in range(5):
        dataset({"a": str(number)})
    api = Api()
    versions = api.artifacts("dataset", "p/ds", per_page=2)

    assert repr(versions) == "<Paginator 0 of ? fetched>"
    assert versions[0].version == "v4"
    assert repr(versions) == "<Paginator 2 of 5 fetched>"
    rest = api.artifacts("dataset", "p/ds", per_page=2, start=versions.cursor)
    assert [each.version for each in rest] == ["v2", "v1", "v0"]
    assert (len(versions), versions[-1].version, versions[3].version) == (5, "v0", "v1")
    assert [each.version for each in versions[1:3]] == ["v3", "v2"]
    with pytest.raises(IndexError):
        _ = versions[5]
    with pytest.raises(IndexError):
        _ = versions[-6]


def test_lists_are_iterated_on_a_loop_too(dataset: Make) -> None:
    """DESIGN 7: "Paginators also do `async for`"."""
    for number in range(3):
        dataset({"a": str(number)})

    async def main() -> tuple[list[str], list[str], list[str]]:
        api = Api()
        versions = [each.version async for each in api.artifacts("dataset", "p/ds", per_page=1)]
        collections = [each.name async for each in api.artifact_collections("p", "dataset")]
        return versions, collections, [each.state async for each in api.runs("p")]

    assert asyncio.run(main()) == (["v2", "v1", "v0"], ["ds"], ["running"])


def test_after_the_last_page_there_is_no_cursor(dataset: Make) -> None:
    """As W&B's: None, and `start=None` begins anew."""
    for number in range(3):
        dataset({"a": str(number)})
    versions = Api().artifacts("dataset", "p/ds", per_page=2)

    assert len(list(versions)) == 3
    assert versions.cursor is None
    assert len(list(versions)) == 3


# -- collections and types ------------------------------------------------------------------------------------------------------


def test_collections_and_types_of_a_project(dataset: Make) -> None:
    """SEMANTICS 1.3: `artifact_types`, `artifact_type`, `artifact_collections`, `ArtifactType.collections`."""
    dataset({"a": "1"}, "one")
    dataset({"a": "1"}, "two")
    api = Api(project="p")
    with lading.init(project="p") as run:
        run.log_artifact(lading.Artifact("net", "model"))

    types = api.artifact_types()
    kind = api.artifact_type("dataset", "me/p")

    assert [each.name for each in types] == ["dataset", "model"]
    assert (repr(kind), kind.id) == ("<ArtifactType dataset>", "me/p/dataset")
    assert [each.name for each in kind.collections(per_page=1)] == ["one", "two"]
    assert [each.name for each in api.artifact_collections("p", "model")] == ["net"]
    assert [each.name for each in api.artifact_collections("me/p", per_page=2)] == ["net", "one", "two"]
    assert kind.collection("one").name == "one"
    with pytest.raises(UnknownNameError, match=r"type 'gone' not found in me/p\n.*there are: dataset, model"):
        api.artifact_type("gone")
    with pytest.raises(ValueError, match="project path"):
        api.artifact_collections("a/b/c", "dataset")


def test_collections_and_types_take_the_arguments_of_w_and_b(dataset: Make) -> None:
    """SEMANTICS 1.3: `artifact_collections(project_name, type_name, order, per_page, start)`, `collections(filters, …)`."""
    for name in ("one", "two", "three"):
        dataset({"a": "1"}, name)
    api = Api()

    first = api.artifact_collections("p", "dataset", "+name", 1)
    assert first[0].name == "one"
    assert [each.name for each in api.artifact_collections("p", "dataset", None, 50, first.cursor)] == ["three", "two"]
    kind = api.artifact_type("dataset", "p")
    assert [each.name for each in kind.collections({}, "name", 2)] == ["one", "three", "two"]
    types = api.artifact_types("p", start=None)
    assert (len(types), types[0].name, types.cursor) == (1, "dataset", None)
    with pytest.raises(InvalidValueError, match="order '-created_at' is not supported"):
        api.artifact_collections("p", "dataset", order="-created_at")
    backwards = api.artifact_collections("p", "dataset", "-name", 2)
    assert [each.name for each in backwards] == [each.name for each in kind.collections(order="-name")] == ["two", "three", "one"]
    with pytest.raises(InvalidValueError, match="order 'type' is not supported"):
        kind.collections(order="type")
    with pytest.raises(InvalidValueError, match="filters are not supported"):
        kind.collections({"name": "one"})


def test_a_collection_is_read_again(dataset: Make) -> None:
    """SEMANTICS 1.3: `load()`, `change_type()` deprecated."""
    dataset({"a": "1"})
    here, there = Api().artifact_collection("dataset", "p/ds"), Api().artifact_collection("dataset", "p/ds")
    there.description = "seen"
    there.save()
    with pytest.warns(DeprecationWarning, match="set `type`"):
        there.change_type("other")
    with pytest.warns(DeprecationWarning, match="set `type`"):
        blocking(there.change_type_async)("model")

    here.load()

    assert (here.description, here.type) == ("seen", "model")
    there.delete()
    with pytest.raises(CommError, match="collection 'ds'"):
        here.load()


def test_a_collection_of_another_type_is_not_this_types(dataset: Make) -> None:
    dataset({"a": "1"})
    with lading.init(project="p") as run:
        run.log_artifact(lading.Artifact("net", "model"))

    with pytest.raises(ValueError, match="is of type model, not dataset"):
        Api().artifact_type("dataset", "p").collection("net")


def test_a_collection_says_what_it_is(dataset: Make) -> None:
    dataset({"a": "1"}, aliases=["best"])
    dataset({"a": "22"})

    found = Api().artifact_collection("dataset", "p/ds")

    assert (found.entity, found.project, found.name, found.type) == ("me", "p", "ds", "dataset")
    assert (found.description, found.tags, sorted(found.aliases)) == (None, [], ["best", "latest"])
    assert (len(found), bool(found), found.size, found.is_sequence()) == (2, True, 3, True)
    assert repr(found) == "<ArtifactCollection me/p/ds (dataset, 2 versions)>"
    assert found.created_at <= found.updated_at
    assert found.id
    assert [each.version for each in found.artifacts(per_page=1)] == ["v1", "v0"]
    with pytest.raises(ValueError, match="is of type dataset, not model"):
        Api().artifact_collection("model", "p/ds")
    with pytest.raises(CommError, match="collection 'gone'"):
        Api().artifact_collection("dataset", "p/gone")


def test_a_collection_is_edited_and_saved(dataset: Make) -> None:
    """SEMANTICS 1.3: name, type, description and tags can be set."""
    artifact = dataset({"a": "1"})
    found = Api().artifact_collection("dataset", "p/ds")
    found.name, found.type, found.description = "renamed", "corpus", "about"
    found.tags.append("t")

    found.save()
    found.save()

    again = Api().artifact_collection("corpus", "p/renamed")
    assert (again.id, again.description, again.tags) == (found.id, "about", ["t"])
    assert Api().artifact("p/renamed").download().endswith("renamed:v0")
    assert not Api().artifact_exists("p/ds")
    assert lading.Artifact.from_id(artifact.id or "").type == "corpus"
    again.description = None
    again.save()
    assert Api().artifact_collection("corpus", "p/renamed").description is None


def test_edits_of_a_collection_that_cannot_be_are_refused(dataset: Make) -> None:
    dataset({"a": "1"})
    dataset({"a": "1"}, "other")
    found = Api().artifact_collection("dataset", "p/ds")

    for name, value, error in (("name", "a/b", ValueError), ("type", "job", ValueError), ("name", "other", NameConflictError)):
        before = getattr(found, name)
        setattr(found, name, value)
        with pytest.raises(error):
            found.save()
        setattr(found, name, before)
    found.tags = ["a/b"]
    with pytest.raises(ValueError, match="tag"):
        found.save()


def test_a_collection_is_deleted_with_its_versions(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    dataset({"a": "2"})

    Api().artifact_collection("dataset", "p/ds").delete()

    assert not Api().artifact_exists("p/ds")
    assert lading.Artifact.from_id(artifact.id or "").state == "DELETED"
    assert dataset({"a": "2"}).version == "v2"


# -- runs -------------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_and_found_by_id(home: object) -> None:
    for number in range(3):
        lading.init(project="p", id=f"r{number}", config={"n": number}).finish()
    api = Api(project="p")

    assert [each.id for each in api.runs(per_page=2)] == ["r2", "r1", "r0"]
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
    with pytest.raises(InvalidValueError, match=r"filters are not supported: \{'state': 'finished'\}"):
        api.runs("p", {"state": "finished"})


def test_runs_take_the_arguments_of_w_and_b(home: object) -> None:
    """SEMANTICS 1.3: `runs(path=None, filters=None, order=…, per_page=50, …)`."""
    for number in range(3):
        lading.init(project="p", id=f"r{number}").finish()
    api = Api(project="p")

    runs = api.runs("me/p", {}, "-created_at", 2, include_sweeps=False, lazy=False)

    assert runs[0].id == "r2"
    assert [each.id for each in api.runs("p", start=runs.cursor)] == ["r0"]
    oldest = api.runs(order="+created_at", per_page=1)
    assert [each.id for each in oldest] == [each.id for each in api.runs(order="created_at")] == ["r0", "r1", "r2"]
    with pytest.raises(InvalidValueError, match=r"order '\+name' is not supported"):
        api.runs(order="+name")


def test_many_versions_are_deleted_at_once(dataset: Make) -> None:
    """Seed 000, `delete`, for many: one transaction, all of them or none."""
    artifacts = [dataset({"a": str(number)}) for number in range(4)]
    api = Api()

    with pytest.raises(AliasesRemainError, match="v3 still has the aliases latest"):
        api.delete_artifacts(artifacts)
    assert len(api.artifacts("dataset", "p/ds")) == 4
    api.delete_artifacts(api.artifacts("dataset", "p/ds")[1:3])
    api.delete_artifacts(artifacts[2:], delete_aliases=True)

    assert [each.version for each in api.artifacts("dataset", "p/ds")] == ["v0"]
    assert api.artifact("p/ds:v0").state == "COMMITTED"


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
