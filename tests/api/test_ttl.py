"""Time to live."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import lading
from lading.api import Api
from lading.api.ttl import ArtifactTTL
from lading.errors import ArtifactNotLoggedError

Make = Callable[..., lading.Artifact]
DAY = timedelta(days=1)


def seconds_of(artifact: lading.Artifact) -> float:
    assert artifact.expires_at is not None
    return (datetime.fromisoformat(artifact.expires_at) - datetime.fromisoformat(artifact.created_at)).total_seconds()


def draft(content: str = "1") -> lading.Artifact:
    artifact = lading.Artifact("ds", "dataset")
    with artifact.new_file("a") as file:
        file.write(content)
    return artifact


def test_a_draft_says_how_long_it_lives(run: lading.Run) -> None:
    """SEMANTICS 1.1: "ttl get/set `timedelta` / `ArtifactTTL.INHERIT` / `None`"."""
    artifact = draft()
    artifact.ttl = DAY

    run.log_artifact(artifact)

    found = Api().artifact("p/ds")
    assert (artifact.ttl, found.ttl, seconds_of(found)) == (DAY, DAY, 86400)


def test_it_is_edited_and_saved(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    assert (artifact.ttl, artifact.expires_at) == (None, None)

    artifact.ttl = 2 * DAY
    artifact.save()
    assert Api().artifact("p/ds").ttl == 2 * DAY
    artifact.ttl = None
    artifact.save()
    assert (Api().artifact("p/ds").ttl, artifact.expires_at) == (None, None)


def test_it_is_inherited_from_the_collection(dataset: Make) -> None:
    """SEMANTICS 2.7: "TTL in seconds; INHERIT …, DISABLED …"."""
    artifact = dataset({"a": "1"})
    collection = Api().artifact_collection("dataset", "p/ds")

    collection.ttl = DAY
    collection.save()

    assert Api().artifact("p/ds").ttl == DAY
    assert seconds_of(Api().artifact("p/ds")) == 86400
    artifact.ttl = None
    artifact.save()
    assert Api().artifact("p/ds").ttl is None
    artifact.ttl = ArtifactTTL.INHERIT
    artifact.save()
    assert artifact.ttl == DAY
    collection.ttl = None
    collection.save()
    assert Api().artifact("p/ds").expires_at is None


def test_what_will_be_inherited_is_not_known_yet(dataset: Make) -> None:
    """SEMANTICS 1.1: "getter raises ArtifactNotLoggedError if inherited and (draft or changed)"."""
    changed = dataset({"a": "1"})
    changed.ttl = DAY
    changed.save()
    changed.ttl = ArtifactTTL.INHERIT

    for artifact in (draft(), changed):
        with pytest.raises(ArtifactNotLoggedError, match=r"'Artifact\.ttl'"):
            _ = artifact.ttl


@pytest.mark.parametrize(
    ("value", "error"), [(timedelta(0), ValueError), (-DAY, ValueError), (timedelta(milliseconds=1), ValueError), (7, TypeError)]
)
def test_a_time_that_cannot_be_is_refused(value: Any, error: type[Exception]) -> None:
    """SEMANTICS 1.1: "setter ValueError for … non-positive timedelta"."""
    with pytest.raises(error):
        draft().ttl = value


def test_no_artifact_is_of_the_type_that_never_expires() -> None:
    """SEMANTICS 1.1: "setter ValueError for type `wandb-history`": it is reserved (1.6), and nobody gets as far as the setter."""
    with pytest.raises(ValueError, match="reserved for internal use"):
        lading.Artifact("ds", "wandb-history")


def test_a_link_lives_as_long_as_its_source(dataset: Make) -> None:
    """SEMANTICS 1.1: "setter ValueError for … link artifact"."""
    artifact = dataset({"a": "1"})
    artifact.ttl = DAY
    artifact.save()
    linked = artifact.link("portfolio")

    assert linked.ttl == DAY
    with pytest.raises(ValueError, match="Cannot set TTL for link artifact"):
        linked.ttl = None


def test_a_time_that_is_not_taken_over_is_said(run: lading.Run, caplog: pytest.LogCaptureFixture) -> None:
    """DESIGN 5 "Log" (1): content equal to `latest` makes no version; what differs warns."""
    run.log_artifact(draft())
    again = draft()
    again.ttl = DAY

    run.log_artifact(again)

    assert "me/p/ds:v0 has this content already and keeps its ttl" in caplog.text
    assert again.ttl is None


def test_a_new_draft_does_not_take_it_along(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.1, `new_draft()`: "ttl/aliases/version not copied"."""
    artifact = dataset({"a": "1"})
    artifact.ttl = DAY
    artifact.save()

    again = artifact.new_draft()
    with again.new_file("b") as file:
        file.write("2")
    run.log_artifact(again)

    assert (again.version, again.ttl, again.aliases) == ("v1", None, ["latest"])
