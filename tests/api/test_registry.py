"""Registries and projects."""

from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.errors import CommError, NameConflictError

Make = Callable[..., lading.Artifact]


def test_a_registry_is_made_found_and_listed(home: object) -> None:
    """SEMANTICS 1.3: `create_registry(name, visibility, organization=None, description=None, artifact_types=None)`, and
    "`Registry`: id, name, full_name, entity, organization, description, visibility, allow_all_artifact_types, artifact_types
    …"."""
    api = Api()

    made = api.create_registry("model", "organization", description="the good ones", artifact_types=["model"])
    api.create_registry("any", "restricted")

    found = api.registry("model")
    assert (found.id, found.name, found.full_name) == ("me/wandb-registry-model", "model", "wandb-registry-model")
    assert (found.entity, found.organization, found.description, found.visibility) == (
        "me",
        "me",
        "the good ones",
        "organization",
    )
    assert (found.artifact_types, found.allow_all_artifact_types, found.path) == (
        ["model"],
        False,
        ["me", "wandb-registry-model"],
    )
    assert (found.created_at, repr(found)) == (made.created_at, "<Registry me/model>")
    assert [each.name for each in api.registries()] == ["any", "model"]
    assert (len(api.registries(per_page=1)), api.registries(per_page=1)[1].name) == (2, "model")
    assert api.registry("any").allow_all_artifact_types
    with pytest.raises(CommError, match="registry 'other' not found in me"):
        api.registry("other")
    with pytest.raises(NameConflictError):
        api.create_registry("model", "organization")
    with pytest.raises(ValueError, match="visibility"):
        api.create_registry("x", "public")


def test_versions_are_linked_to_a_registry_that_there_is(dataset: Make) -> None:
    """SEMANTICS 1.6: "project: … `wandb-registry-` prefix with non-empty rest"."""
    artifact, api = dataset({"a": "1"}), Api()
    with pytest.raises(CommError, match="registry 'data' not found"):
        artifact.link("wandb-registry-data/good")
    api.create_registry("data", "organization", artifact_types=["dataset"])
    api.create_registry("model", "organization", artifact_types=["model"])

    linked = artifact.link("wandb-registry-data/good", ["prod"])

    assert linked.qualified_name == "me/wandb-registry-data/good:v0"
    assert api.artifact("wandb-registry-data/good:prod").source_name == "ds:v0"
    with pytest.raises(ValueError, match="registry 'model' does not take artifacts of type 'dataset'"):
        artifact.link("wandb-registry-model/good")
    with pytest.raises(ValueError, match="a registry's name follows the prefix"):
        artifact.link("wandb-registry-/good")


def test_all_versions_of_a_registry_come_in_pages(dataset: Make) -> None:
    """SEMANTICS 1.3: "`Registry.versions()` exists"; "Paginators: iterable, indexable, `len()`, `.cursor` to resume via
    `start=`"."""
    registry = Api().create_registry("data", "organization")
    for number in range(3):
        artifact = dataset({"a": str(number)})
        for portfolio in ("b", "a"):
            artifact.link(f"{registry.full_name}/{portfolio}")
    expected = ["a:v2", "a:v1", "a:v0", "b:v2", "b:v1", "b:v0"]

    for size in (1, 2, 3, 5, 100):
        versions = registry.versions(per_page=size)
        assert [each.name for each in versions] == expected
        assert len(versions) == 6
    first = registry.versions(per_page=2)
    assert first[0].name == "a:v2"
    assert [each.name for each in registry.versions(per_page=2, start=first.cursor)] == expected[2:]
    assert [each.name for each in registry.collections()] == ["a", "b"]


def test_a_registry_is_edited_and_deleted(dataset: Make) -> None:
    artifact, api = dataset({"a": "1"}), Api()
    registry = api.create_registry("data", "organization")
    artifact.link(f"{registry.full_name}/good")

    registry.description, registry.artifact_types = "new", ["dataset", "dataset"]
    registry.save()
    registry.artifact_types = ["model"]
    with pytest.raises(ValueError, match="holds links of type 'dataset'"):
        registry.save()
    registry.load()

    assert (registry.description, registry.artifact_types) == ("new", ["dataset"])
    registry.delete()
    assert list(api.registries()) == []
    assert artifact.linked_artifacts == []
    assert api.artifact_exists("p/ds:v0")


def test_a_project_lists_its_collections(dataset: Make) -> None:
    """SEMANTICS 1.3: `project(name).collections(filters=None, order=None…)`."""
    dataset({"a": "1"}, name="one")
    dataset({"a": "1"}, name="two").link("portfolio")
    project = Api().project("p")

    assert (repr(project), project.path) == ("<Project me/p>", ["me", "p"])
    assert [each.name for each in project.collections()] == ["one", "portfolio", "two"]
    assert [each.name for each in project.collections(order="-name", per_page=1)] == ["two", "portfolio", "one"]
    assert Api().project("p", entity="us").entity == "us"
    with pytest.raises(ValueError, match="filters are not supported"):
        project.collections({"name": "one"})
