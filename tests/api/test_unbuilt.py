"""What is not built yet says so."""

from typing import Any

import pytest

import lading
from lading.api.unbuilt import not_built
from lading.errors import NotBuiltError, UsageError

MODULE = ["Graph", "Histogram"]


def test_what_a_class_does_not_have_yet() -> None:
    @not_built("later")
    class Some:
        pass

    check(Some(), "Some", "later")


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
