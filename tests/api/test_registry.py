"""Registries and projects."""

from collections.abc import Callable
from typing import Any

import pytest

import lading
from lading.api import Api
from lading.errors import CommError, NameConflictError, NotBuiltError

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
    assert found.created_at <= found.updated_at
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


def test_a_registry_takes_all_types_again(dataset: Make) -> None:
    """SEMANTICS 1.3, `Registry`: "allow_all_artifact_types, artifact_types"."""
    registry = Api().create_registry("models", "organization", artifact_types=["model"])
    artifact = dataset({"a": "1"})

    registry.allow_all_artifact_types = True
    registry.save()
    artifact.link("wandb-registry-models/any")
    registry.allow_all_artifact_types = False
    registry.artifact_types.append("dataset")
    registry.save()

    found = Api().registry("models")
    assert (found.allow_all_artifact_types, found.artifact_types) == (False, ["dataset"])


def test_members_of_a_registry_are_not_built_yet(home: object) -> None:
    """SEMANTICS 1.3, `Registry`: "members API"."""
    registry: Any = Api().create_registry("models", "organization")

    with pytest.raises(NotBuiltError, match=r"`Registry.add_members` is not built yet"):
        registry.add_members("you")


def test_a_registry_is_searched(dataset: Make) -> None:
    """SEMANTICS 1.3: `registries(organization=None, filter=None, order=None, per_page=100, start=None)`, `collections()`,
    `versions()`."""
    api = Api()
    for name in ("pets", "cars"):
        api.create_registry(name, "organization", description=f"about {name}")
    for number in range(3):
        artifact = dataset({"a": str(number)}, tags=[f"t{number}"])
        artifact.link("wandb-registry-pets/cats", ["prod"] if number == 1 else [])
    pets = api.registry("pets")

    assert [each.name for each in api.registries(filter={"description": {"$regex": "pets"}})] == ["pets"]
    assert [each.name for each in api.registries(order="-name")] == ["pets", "cars"]
    assert [each.name for each in pets.collections(filter={"name": "cats"}, order="updated_at")] == ["cats"]
    assert [each.name for each in pets.versions(filter={"alias": "prod"})] == ["cats:v1"]
    either = pets.versions({"$or": [{"tag": "t2"}, {"alias": "prod"}]}, per_page=1)
    assert [each.name for each in either] == ["cats:v2", "cats:v1"]


def test_all_registries_are_searched_as_one(dataset: Make) -> None:
    """SEMANTICS 1.3: `registries(…)`, of which W&B's list has `collections()` and `versions()`, too."""
    api, artifact = Api(), dataset({"a": "1"}, tags=["t"])
    for name in ("cars", "pets"):
        api.create_registry(name, "organization")
        for portfolio in ("good", "new"):
            artifact.link(f"wandb-registry-{name}/{portfolio}", [name])

    found = api.registries().collections({"name": "good"}, per_page=1)
    assert [(each.project, each.name) for each in found] == [("wandb-registry-cars", "good"), ("wandb-registry-pets", "good")]
    versions = api.registries().versions({"tag": "t"})
    assert (len(versions), versions[0].project, versions[3].name) == (4, "wandb-registry-cars", "new:v0")
    pets = api.registries(filter={"name": "pets"}).collections({"name": "new"}).versions({"alias": "pets"}, per_page=1)
    assert [each.qualified_name for each in pets] == ["me/wandb-registry-pets/new:v0"]
    with pytest.raises(ValueError, match="collections cannot be chosen or ordered by 'alias'"):
        api.registries().collections({"alias": "pets"})


def test_a_project_lists_its_collections(dataset: Make) -> None:
    """SEMANTICS 1.3: `project(name).collections(filters=None, order=None…)`."""
    dataset({"a": "1"}, name="one")
    dataset({"a": "1"}, name="two").link("portfolio")
    project = Api().project("p")

    assert (repr(project), project.path) == ("<Project me/p>", ["me", "p"])
    assert [each.name for each in project.collections()] == ["one", "portfolio", "two"]
    assert [each.name for each in project.collections(order="-name", per_page=1)] == ["two", "portfolio", "one"]
    assert Api().project("p", entity="us").entity == "us"
    assert [each.name for each in project.collections({"name": {"$ne": "one"}})] == ["portfolio", "two"]
