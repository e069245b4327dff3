"""What an artifact says of itself, before and after it is logged."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

import lading
from lading.errors import ArtifactNotLoggedError, InvalidTypeError, InvalidValueError

Make = Callable[..., lading.Artifact]

# SEMANTICS 1.1: what is marked as existing only once the artifact is logged.
LOGGED_ONLY = (
    "aliases",
    "collection",
    "commit_hash",
    "created_at",
    "entity",
    "file_count",
    "history_step",
    "project",
    "qualified_name",
    "source_collection",
    "source_entity",
    "source_project",
    "source_qualified_name",
    "source_version",
    "tags",
    "updated_at",
    "url",
    "version",
)


@pytest.mark.parametrize("name", LOGGED_ONLY)
def test_a_draft_has_no_such_attribute_and_the_error_names_it(name: str) -> None:
    """SEMANTICS 1.1, "raises ArtifactNotLoggedError while draft"; the text is W&B's."""
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(
        ArtifactNotLoggedError, match=f"'Artifact.{name}' used prior to logging artifact or while in offline mode"
    ):
        getattr(artifact, name)


def test_what_a_draft_has() -> None:
    """Seed 000, "attributes"; SEMANTICS 1.1."""
    artifact = lading.Artifact("ds", "dataset", "about", {"k": 1})

    assert (artifact.id, artifact.name, artifact.source_name, artifact.type) == (None, "ds", "ds", "dataset")
    assert (artifact.state, artifact.description, artifact.metadata) == ("PENDING", "about", {"k": 1})
    assert (artifact.size, artifact.incremental, artifact.digest_algorithm) == (0, False, "BLAKE3")
    assert len(artifact.manifest) == 0
    assert artifact.is_draft()


def test_what_a_logged_artifact_has(dataset: Make) -> None:
    """Seed 000, "attributes"; SEMANTICS 1.1."""
    artifact = dataset({"a.txt": "hello", "b/c.txt": "my"}, aliases=["best"], tags=["blue whale"])

    assert (artifact.entity, artifact.project, artifact.version) == ("me", "p", "v0")
    assert (artifact.name, artifact.qualified_name) == ("ds:v0", "me/p/ds:v0")
    assert (artifact.source_name, artifact.source_qualified_name) == ("ds:v0", "me/p/ds:v0")
    assert (artifact.source_entity, artifact.source_project) == ("me", "p")
    assert (artifact.source_version, artifact.is_link, artifact.history_step) == ("v0", False, None)
    assert (artifact.state, artifact.type, artifact.size, artifact.file_count) == ("COMMITTED", "dataset", 7, 2)
    assert (sorted(artifact.aliases), artifact.tags) == (["best", "latest"], ["blue whale"])
    assert re.fullmatch("[0-9a-f]{32}", artifact.id or "")
    assert re.fullmatch("[0-9a-f]{64}", artifact.commit_hash)
    assert re.fullmatch("[0-9a-f]{64}", artifact.digest)
    assert artifact.url == "lading://me/p/ds:v0"
    assert sorted(artifact.manifest.entries) == ["a.txt", "b/c.txt"]
    assert not artifact.is_draft()


def test_times_are_iso_and_an_edit_moves_only_one_of_them(dataset: Make) -> None:
    """SEMANTICS 1.1, "updated_at falls back to created_at"."""
    artifact = dataset({"a.txt": "hello"})
    made = artifact.created_at

    artifact.description = "now"
    artifact.save()

    assert artifact.created_at == made
    assert made <= artifact.updated_at
    assert datetime.now(UTC) - datetime.fromisoformat(made) < timedelta(minutes=5)


@pytest.mark.parametrize("name", ["entity", "version", "created_at", "commit_hash", "collection", "url"])
def test_what_the_catalogue_says_cannot_be_set(dataset: Make, name: str) -> None:
    artifact = dataset({"a.txt": "hello"})

    with pytest.raises(AttributeError, match=name):
        setattr(artifact, name, "other")


@pytest.mark.parametrize("name", ["id", "name", "type", "state", "digest", "size", "manifest"])
def test_what_follows_from_the_contents_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(lading.Artifact("ds", "dataset"), name, "other")


@pytest.mark.parametrize("name", ["aliases", "tags"])
def test_labels_of_a_draft_cannot_be_set(name: str) -> None:
    with pytest.raises(ArtifactNotLoggedError):
        setattr(lading.Artifact("ds", "dataset"), name, ["x"])


def test_use_as_is_deprecated_and_kept_where_a_config_says_it(run: lading.Run) -> None:
    """SEMANTICS 1.1: "use_as(deprecated)"; `json_encode`: "usedAs"."""
    with pytest.warns(DeprecationWarning, match="use_as is deprecated"):
        artifact = lading.Artifact("ds", "dataset", use_as="input")
    run.log_artifact(artifact)

    with pytest.warns(DeprecationWarning, match="use_as is deprecated"):
        assert artifact.use_as == "input"
    assert artifact.json_encode()["usedAs"] == "input"


def test_metadata_is_checked_when_it_is_set() -> None:
    """SEMANTICS 1.6: at most 100 keys, NaN becomes None, ±Inf and lists are refused, what is given is copied."""
    artifact = lading.Artifact("ds", "dataset")
    given = {"list": [1, (2, 3)], "nan": float("nan")}

    artifact.metadata = given
    given["list"].append("later")  # type: ignore[attr-defined]  # pyright: ignore

    assert artifact.metadata == {"list": [1, [2, 3]], "nan": None}
    with pytest.raises(InvalidValueError, match="infinity"):
        artifact.metadata = {"a": float("inf")}
    with pytest.raises(InvalidTypeError):
        artifact.metadata = [1]  # type: ignore[assignment]  # pyright: ignore
    with pytest.raises(InvalidValueError, match="101 keys"):
        artifact.metadata = dict.fromkeys(map(str, range(101)), 1)
    assert artifact.metadata == {"list": [1, [2, 3]], "nan": None}


def test_metadata_may_be_json() -> None:
    artifact = lading.Artifact("ds", "dataset", metadata='{"a": [1]}')

    assert artifact.metadata == {"a": [1]}


def test_attributes_are_documented() -> None:
    assert lading.Artifact.entity.__doc__ == "The person or team it belongs to."


def test_repr_says_what_it_is(dataset: Make) -> None:
    draft = lading.Artifact("ds", "dataset")

    assert repr(draft) == "<Artifact ds (dataset, draft, 0 files, 0 bytes)>"
    assert repr(dataset({"a.txt": "hello"})) == "<Artifact me/p/ds:v0 (dataset, 1 files, 5 bytes)>"


def test_the_query_is_the_text_that_loads_one() -> None:
    """Seed 000, "class variables: QUERY"."""
    assert "SELECT" in lading.Artifact.QUERY
