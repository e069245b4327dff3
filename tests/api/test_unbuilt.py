"""What is not built yet says so."""

from typing import Any

import pytest

import lading
from lading.errors import NotBuiltError, UsageError

LATER = ["add_reference", "add", "get", "link", "unlink", "new_draft", "ttl", "distributed_id", "linked_artifacts"]
RUN = ["link_artifact", "log_model", "use_model", "link_model", "upsert_artifact", "finish_artifact"]
API = ["registries", "registry", "create_registry", "project"]
MODULE = ["Table", "Image", "Classes", "Audio", "Video", "Html", "Object3D", "Molecule", "Plotly"]


@pytest.mark.parametrize("name", [*LATER, "source_artifact"])
def test_artifact(home: object, name: str) -> None:
    check(lading.Artifact("ds", "dataset"), "Artifact", name)


@pytest.mark.parametrize("name", RUN)
def test_run(run: lading.Run, name: str) -> None:
    check(run, "Run", name)


@pytest.mark.parametrize("name", API)
def test_api(home: object, name: str) -> None:
    check(lading.Api(), "Api", name)


@pytest.mark.parametrize("name", MODULE)
def test_module(name: str) -> None:
    with pytest.raises(UsageError, match=f"^`lading.{name}` is not built yet in this version of lading$"):
        getattr(lading, name)
    assert not hasattr(lading, name)


def check(object: object, kind: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"^`{kind}.{name}` is not built yet in this version of lading$") as caught:
        getattr(object, name)
    assert isinstance(caught.value, AttributeError)
    assert (caught.value.code, caught.value.what) == ("not-built", f"{kind}.{name}")  # type: ignore[attr-defined]
    assert not hasattr(object, name)
    assert not hasattr(type(object), name)
    with pytest.raises(NotBuiltError):  # not kept in silence
        setattr(object, name, None)


def test_what_never_was_stays_a_plain_attribute_error(home: object) -> None:
    artifact: Any = lading.Artifact("ds", "dataset")

    with pytest.raises(AttributeError, match="no attribute 'nonsense'") as caught:
        _ = artifact.nonsense
    assert not isinstance(caught.value, NotBuiltError)


def test_an_object_is_not_set_under_a_name(home: object) -> None:
    artifact: Any = lading.Artifact("ds", "dataset")

    with pytest.raises(NotBuiltError, match=r"`Artifact\[…\] = …` is not built yet"):
        artifact["t"] = object()


def test_a_reference_cannot_be_logged_yet(run: lading.Run) -> None:
    with pytest.raises(NotBuiltError, match=r"a reference \(s3://bucket/key\)` is not built yet"):
        run.log_artifact("s3://bucket/key", "ds")
    assert not lading.Api(project="p").artifact_exists("ds")
