"""Links: promoted to portfolios, and back at the source."""

import asyncio
from collections.abc import Callable

import pytest

import lading
from lading.api import Api
from lading.errors import ArtifactNotLoggedError, CommError, DisabledError, NameConflictError, UsageError

Make = Callable[..., lading.Artifact]


@pytest.mark.parametrize("path", ["portfolio", "p/portfolio", "me/p/portfolio"])
def test_a_portfolio_is_named_in_three_ways(dataset: Make, path: str) -> None:
    """Seed 000, `link`: "{portfolio}, {project}/{portfolio} or {entity}/{project}/{portfolio}"."""
    artifact = dataset({"a": "1"})

    linked = artifact.link(path, aliases=["prod"])

    assert linked.qualified_name == "me/p/portfolio:v0"
    assert Api().artifact("me/p/portfolio:prod").id == artifact.id


def test_another_project_is_made_and_another_entity_too(dataset: Make) -> None:
    artifact = dataset({"a": "1"})

    assert artifact.link("other/portfolio").qualified_name == "me/other/portfolio:v0"
    assert artifact.link("us/other/portfolio").qualified_name == "us/other/portfolio:v0"


def test_what_the_path_does_not_say_is_the_active_runs(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    with lading.init(project="q"):
        inside = artifact.link("portfolio")
    lading.finish()

    outside = Api().artifact("p/ds:v0").link("portfolio")

    assert (inside.qualified_name, outside.qualified_name) == ("me/q/portfolio:v0", "me/p/portfolio:v0")


def test_a_portfolio_has_its_own_index_and_aliases(dataset: Make) -> None:
    """SEMANTICS 2.7: "portfolio/registry collections have their own index and aliases (`version` v0 while `source_version`
    v1)"."""
    dataset({"a": "1"})
    artifact = dataset({"a": "2"}, aliases=["best"])

    linked = artifact.link("portfolio", aliases=["prod"])

    assert (linked.name, linked.version, linked.aliases) == ("portfolio:v0", "v0", ["latest", "prod"])
    assert (linked.source_name, linked.source_version) == ("ds:v1", "v1")
    assert (linked.source_entity, linked.source_project, linked.source_qualified_name) == ("me", "p", "me/p/ds:v1")
    assert (linked.is_link, artifact.is_link, linked.id) == (True, False, artifact.id)
    assert sorted(artifact.aliases) == ["best", "latest"]
    assert linked.linked_at is not None
    assert artifact.linked_at is None


def test_a_link_leads_to_its_source_and_a_version_to_its_links(dataset: Make) -> None:
    """SEMANTICS 1.1: "is_link, linked_artifacts★ (≤500), source_artifact★"."""
    artifact = dataset({"a": "1"})
    linked = artifact.link("portfolio")
    artifact.link("other/portfolio")

    assert [each.qualified_name for each in artifact.linked_artifacts] == ["me/p/portfolio:v0", "me/other/portfolio:v0"]
    assert [each.qualified_name for each in linked.linked_artifacts] == [
        each.qualified_name for each in artifact.linked_artifacts
    ]
    assert linked.source_artifact.qualified_name == "me/p/ds:v0"
    assert artifact.source_artifact is artifact


def test_it_leads_to_its_collections(dataset: Make) -> None:
    """SEMANTICS 1.1, `collection`, `source_collection`; 1.3: W&B's are `ArtifactCollection`s, of the link and of the source."""
    artifact = dataset({"a": "1"}, aliases=["best"])
    linked = artifact.link("portfolio", aliases=["prod"])

    assert (linked.collection.name, linked.collection.is_sequence()) == ("portfolio", False)
    assert (linked.collection.aliases, linked.source_collection.aliases) == (["latest", "prod"], ["best", "latest"])
    assert (linked.source_collection.name, linked.source_collection.is_sequence()) == ("ds", True)
    assert artifact.collection.id == artifact.source_collection.id == linked.source_collection.id


def test_on_a_loop_links_are_awaited(dataset: Make) -> None:
    """DESIGN 7: "Properties do not wait"."""
    artifact = dataset({"a": "1"})
    linked = artifact.link("portfolio")

    async def main() -> list[str]:
        with pytest.raises(UsageError, match="linked_artifacts would block this event loop"):
            _ = artifact.linked_artifacts
        with pytest.raises(UsageError, match=r"await artifact\.source_artifact_async\(\)"):
            _ = linked.source_artifact
        with pytest.raises(UsageError, match=r"await artifact\.collection_async\(\)"):
            _ = linked.collection
        assert (await linked.collection_async()).name == "portfolio"
        assert (await linked.source_collection_async()).name == "ds"
        found = await artifact.linked_artifacts_async()
        return [(await linked.source_artifact_async()).name, *(each.name for each in found)]

    assert asyncio.run(main()) == ["ds:v0", "portfolio:v0"]


def test_a_draft_has_no_links_and_is_none() -> None:
    draft = lading.Artifact("ds", "dataset")

    assert not draft.is_link
    for name in ("linked_artifacts", "source_artifact", "linked_at"):
        with pytest.raises(ArtifactNotLoggedError, match=f"'Artifact.{name}'"):
            getattr(draft, name)
    with pytest.raises(ArtifactNotLoggedError):
        draft.unlink()
    with pytest.raises(ArtifactNotLoggedError):
        draft.lineage()


def test_linking_a_draft_logs_it_first(run: lading.Run) -> None:
    """SEMANTICS 1.1: "draft is saved first; returns the linked artifact (same id, other qualified_name)"."""
    draft = lading.Artifact("ds", "dataset")
    with draft.new_file("a") as file:
        file.write("1")

    linked = draft.link("portfolio")

    assert (draft.qualified_name, linked.qualified_name, linked.id) == ("me/p/ds:v0", "me/p/portfolio:v0", draft.id)


def test_a_run_links_what_it_made(run: lading.Run) -> None:
    """SEMANTICS 1.2: `link_artifact(artifact, target_path, aliases=None)`."""
    draft = lading.Artifact("ds", "dataset")
    with draft.new_file("a") as file:
        file.write("1")

    linked = run.link_artifact(draft, "portfolio", aliases="prod")

    assert (linked.qualified_name, linked.aliases) == ("me/p/portfolio:v0", ["latest", "prod"])
    assert [each.name for each in run.logged_artifacts()] == ["ds:v0"]


def test_a_disabled_run_links_nothing() -> None:
    """SEMANTICS 1.2: "NotImplementedError offline"."""
    with lading.init(mode="disabled") as run, pytest.raises(NotImplementedError) as caught:
        run.link_artifact(lading.Artifact("ds", "dataset"), "portfolio")

    assert isinstance(caught.value, DisabledError)


def test_linking_twice_is_one_link(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    artifact.link("portfolio", ["a"])

    again = artifact.link("portfolio", ["b"])

    assert (again.version, again.aliases) == ("v0", ["a", "b", "latest"])


def test_a_target_that_cannot_be_is_refused(dataset: Make) -> None:
    """SEMANTICS 1.2: "Aliases with "/" or ":" → ValueError"."""
    artifact = dataset({"a": "1"})

    for path in ("a/b/c/d", "portfolio:latest", "", "ds"):
        with pytest.raises(ValueError):  # noqa: PT011  # each says something else
            artifact.link(path)
    with pytest.raises(ValueError, match="Aliases must not contain any of the following characters: '/', ':'"):
        artifact.link("portfolio", ["a/b"])
    assert artifact.linked_artifacts == []


def test_a_portfolio_is_not_logged_to(dataset: Make) -> None:
    dataset({"a": "1"}).link("portfolio")

    with pytest.raises(NameConflictError, match="is a portfolio: it only takes links"):
        dataset({"a": "2"}, name="portfolio")


def test_unlinking_leaves_the_version(dataset: Make) -> None:
    """SEMANTICS 1.1, `unlink()`: "ValueError "… use 'Artifact.delete' instead" when not a link"."""
    artifact = dataset({"a": "1"})
    linked = artifact.link("portfolio", ["prod"])

    linked.unlink()

    assert artifact.linked_artifacts == []
    assert not Api().artifact_exists("p/portfolio:prod")
    with pytest.raises(ValueError, match=r"use 'Artifact\.delete' instead"):
        artifact.unlink()
    with pytest.raises(CommError):
        linked.unlink()


def test_deleting_a_link_only_unlinks_and_warns(dataset: Make) -> None:
    """SEMANTICS 1.1, `delete`: "link → unlink only (warns)"."""
    artifact = dataset({"a": "1"})
    linked = artifact.link("portfolio")

    with pytest.warns(UserWarning, match="it is unlinked, the version stays"):
        linked.delete()

    assert artifact.linked_artifacts == []
    assert Api().artifact("p/ds:v0").state == "COMMITTED"


def test_a_link_is_edited_downloaded_and_used_like_any_other(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 2.6: "Linked artifacts use the *source* name"."""
    dataset({"a": "1"}).link("portfolio")
    linked = run.use_artifact("portfolio:latest")

    linked.aliases.append("good")
    linked.description = "all right"
    linked.save()

    assert linked.download().endswith("/artifacts/ds:v0")
    assert Api().artifact("p/ds:latest").description == "all right"
    assert Api().artifact("p/portfolio:good").aliases == ["good", "latest"]
    assert [each.id for each in Api().artifact("p/ds:v0").used_by()] == [run.id]


def test_logging_a_link_is_logging_its_source(dataset: Make, run: lading.Run) -> None:
    linked = dataset({"a": "1"}).link("other/portfolio")

    run.log_artifact(linked, aliases=["best"])

    assert Api().artifact("p/ds:best").version == "v0"
    assert not Api().artifact_exists("other/portfolio:best")
    with lading.init(project="other") as other, pytest.raises(ValueError, match="exists in project 'p'"):
        other.log_artifact(Api().artifact("other/portfolio"))


def test_a_portfolio_is_a_collection_of_links(dataset: Make) -> None:
    """SEMANTICS 1.3: "Type may be changed only for sequences"; 2.7: "deleting a portfolio keeps the source"."""
    dataset({"a": "1"}).link("portfolio", ["prod"])
    dataset({"a": "2"}).link("portfolio")
    portfolio = Api().artifact_collection("dataset", "p/portfolio")

    assert (portfolio.is_sequence(), Api().artifact_collection("dataset", "p/ds").is_sequence()) == (False, True)
    assert [(each.name, each.source_name) for each in portfolio.artifacts()] == [
        ("portfolio:v1", "ds:v1"),
        ("portfolio:v0", "ds:v0"),
    ]
    assert repr(portfolio) == "<ArtifactCollection me/p/portfolio (dataset, 2 links)>"
    portfolio.type = "model"
    with pytest.raises(ValueError, match="is a portfolio"):
        portfolio.save()
    portfolio.delete()
    assert len(Api().artifacts("dataset", "p/ds")) == 2
