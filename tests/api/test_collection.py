"""Collections and types, looked up, edited and deleted."""

from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.api.portal import blocking
from lading.errors import CommError, InvalidValueError, NameConflictError, UnknownNameError

Make = Callable[..., lading.Artifact]


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
    assert [each.name for each in api.artifact_collections("p", None, "type", 2)] == ["one", "two", "net"]
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
    backwards = api.artifact_collections("p", "dataset", "-name", 2)
    assert [each.name for each in backwards] == [each.name for each in kind.collections(order="-name")] == ["two", "three", "one"]
    assert {each.name for each in kind.collections({"name": {"$regex": "^t"}}, "-created_at", 1)} == {"two", "three"}
    with pytest.raises(InvalidValueError, match="collections cannot be chosen or ordered by 'size'"):
        kind.collections(order="size")


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
    """SEMANTICS 1.3: "`ArtifactCollection`: id, entity, project, name(set), type(set), description(set), tags(set), aliases,
    created_at, updated_at, project_id, `artifacts(per_page=50, start=None)` … (no `versions()` here)"."""
    dataset({"a": "1"}, aliases=["best"])
    dataset({"a": "22"})

    found = Api().artifact_collection("dataset", "p/ds")

    assert (found.entity, found.project, found.name, found.type) == ("me", "p", "ds", "dataset")
    assert (found.description, found.tags, sorted(found.aliases)) == (None, [], ["best", "latest"])
    assert (len(found), bool(found), found.size, found.is_sequence()) == (2, True, 3, True)
    assert repr(found) == "<ArtifactCollection me/p/ds (dataset, 2 versions)>"
    assert found.created_at <= found.updated_at
    assert (bool(found.id), found.project_id) == (True, "me/p")
    assert not hasattr(found, "versions")
    assert [each.version for each in found.artifacts(per_page=1)] == ["v1", "v0"]
    with pytest.raises(ValueError, match="is of type dataset, not model"):
        Api().artifact_collection("model", "p/ds")
    with pytest.raises(CommError, match="collection 'gone'"):
        Api().artifact_collection("dataset", "p/gone")


def test_a_collection_is_edited_and_saved(dataset: Make) -> None:
    """SEMANTICS 1.3: name, type, description and tags can be set; 2.7: "Tags on versions and collections"."""
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
    """SEMANTICS 1.3: "reserved types protected (ValueError)"."""
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
    """SEMANTICS 2.7: "deleting a sequence deletes versions"."""
    artifact = dataset({"a": "1"})
    dataset({"a": "2"})

    Api().artifact_collection("dataset", "p/ds").delete()

    assert not Api().artifact_exists("p/ds")
    assert lading.Artifact.from_id(artifact.id or "").state == "DELETED"
    assert dataset({"a": "2"}).version == "v2"
