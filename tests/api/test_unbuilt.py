"""What is not built yet says so."""

from typing import Any

import pytest

import lading
from lading.errors import NotBuiltError, UsageError

LATER = ["add_reference"]
MODULE = ["Graph", "Histogram", "Plotly"]


@pytest.mark.parametrize("name", LATER)
def test_artifact(home: object, name: str) -> None:
    check(lading.Artifact("ds", "dataset"), "Artifact", name)


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


def test_a_reference_cannot_be_logged_yet(run: lading.Run) -> None:
    with pytest.raises(NotBuiltError, match=r"a reference \(s3://bucket/key\)` is not built yet"):
        run.log_artifact("s3://bucket/key", "ds")
    assert not lading.Api(project="p").artifact_exists("ds")
