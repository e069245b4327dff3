"""Api: artifacts, looked up, listed and deleted."""

import asyncio
from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.errors import AliasesRemainError, CommError, UnknownNameError

Make = Callable[..., lading.Artifact]


def test_settings_may_be_overridden(home: object) -> None:
    """SEMANTICS 1.3: `Api(overrides=…)`."""
    assert repr(Api({"entity": "us", "project": "p"})).startswith("<Api us/p in sqlite:///")
    assert Api(entity="us").default_entity == Api({"entity": "us"}, 29, "key").default_entity == "us"
    assert Api().default_entity == "me"


def test_an_artifact_is_found_by_its_name(dataset: Make) -> None:
    """Seed 000 and seed 003: `api.artifact("entity/project/artifact:alias")`."""
    dataset({"a": "1"})

    assert Api().artifact("me/p/ds:latest").name == "ds:v0"
    assert Api(project="p").artifact("ds:v0", type="dataset").type == "dataset"
    with pytest.raises(ValueError, match="to be of type model; found dataset"):
        Api().artifact("p/ds:latest", type="model")


def test_what_a_name_does_not_say_is_the_default(dataset: Make) -> None:
    """SEMANTICS 1.3: "`[[entity/]project/]name[:alias]`, the alias may contain "/" and ":"; default project `uncategorized`"."""
    dataset({"a": "1"})
    with lading.init() as run:
        run.log_artifact(lading.Artifact("ds", "dataset"))

    assert Api().artifact("ds").qualified_name == "me/uncategorized/ds:v0"
    assert Api(entity="us").artifact("me/p/ds").qualified_name == "me/p/ds:v0"
    with pytest.raises(CommError, match="alias 'a/b:c' not found in me/p/ds"):
        Api().artifact("p/ds:a/b:c")


def test_whether_an_artifact_exists(dataset: Make) -> None:
    """SEMANTICS 1.3: "`*_exists` → False only on not-found, re-raises other CommErrors"."""
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
        assert [each.version for each in api.artifacts("dataset", "me/p/ds", order=order)] == ["v0", "v1", "v2", "v4"]
    assert list(api.artifacts("model", "p/ds")) == []
    with pytest.raises(ValueError, match="order"):
        api.artifacts("dataset", "p/ds", order="created")
    with pytest.raises(UnknownNameError, match="collection 'gone'"):
        list(api.artifacts("dataset", "p/gone"))


def test_the_older_name_of_the_list_of_versions_is_deprecated(dataset: Make) -> None:
    """SEMANTICS 1.3: "artifact_versions(...) deprecated"."""
    for number in range(3):
        dataset({"a": str(number)})

    with pytest.warns(DeprecationWarning, match=r"call artifacts\(\)"):
        versions = Api().artifact_versions("dataset", "p/ds", 2)

    assert versions[0].version == "v2"
    assert repr(versions) == "<Paginator 2 of 3 fetched>"


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


def test_next_goes_on_where_it_was(dataset: Make) -> None:
    """W&B's lists are iterators, too: `next(api.artifacts(…))`."""
    for number in range(3):
        dataset({"a": str(number)})
    versions = Api().artifacts("dataset", "p/ds", per_page=2)

    assert [next(versions).version, next(versions).version] == ["v2", "v1"]
    assert [each.version for each in versions] == ["v2", "v1", "v0"]
    assert next(versions).version == "v0"
    assert next(versions, None) is None


def test_a_cursor_of_another_list_is_refused(dataset: Make) -> None:
    """SEMANTICS 1.3: "`.cursor` to resume via `start=`"."""
    dataset({"a": "1"})
    api = Api()

    for pages in (api.artifacts("dataset", "p/ds", start="x"), api.artifact_types("p", start="x"), api.runs("p", start="7")):
        with pytest.raises(ValueError, match=r"' does not continue this list"):
            next(pages)


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


def test_many_versions_are_deleted_at_once(dataset: Make) -> None:
    """Seed 000, `delete`, for many: one transaction, all of them or none; SEMANTICS 3 (#10928): "deletion slow"."""
    artifacts = [dataset({"a": str(number)}) for number in range(4)]
    api = Api()

    with pytest.raises(AliasesRemainError, match="v3 still has the aliases latest"):
        api.delete_artifacts(artifacts)
    assert len(api.artifacts("dataset", "p/ds")) == 4
    api.delete_artifacts(api.artifacts("dataset", "p/ds")[1:3])
    api.delete_artifacts(artifacts[2:], delete_aliases=True)

    assert [each.version for each in api.artifacts("dataset", "p/ds")] == ["v0"]
    assert api.artifact("p/ds:v0").state == "COMMITTED"


def test_links_are_not_deleted_with_what_they_show(dataset: Make) -> None:
    """SEMANTICS 1.1, `delete`: "link → unlink only"; among many it is refused."""
    artifact = dataset({"a": "1"})

    with pytest.raises(ValueError, match="me/p/good:v0 is a link to me/p/ds:v0"):
        Api().delete_artifacts([artifact, artifact.link("good")], delete_aliases=True)
    assert artifact.source_artifact.state == Api().artifact("p/good").state == "COMMITTED"
