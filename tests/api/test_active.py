"""W&B's names on the module, which act on the active run."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import UsageError

Fill = Callable[..., Path]


def test_they_do_what_the_active_run_does(home: Path, fill: Fill) -> None:
    """SEMANTICS 1.2: the methods of `Run`."""
    folder = fill("m", {"a": "1"})
    lading.init(project="p", group="g")

    model = lading.log_model(folder, "mine", ["best"])
    assert lading.use_model("mine:best") == model.download() + "/a"
    assert lading.link_artifact(model, "portfolio").qualified_name == "me/p/portfolio:v0"
    assert lading.link_model(folder, "registered", "mine").qualified_name == "me/model-registry/registered:v0"
    lading.upsert_artifact(folder, "parts", "dataset")
    assert lading.finish_artifact(fill("n", {"b": "2"}), "parts", "dataset").file_count == 2
    lading.finish()


@pytest.mark.parametrize("name", ["log_model", "use_model", "link_model", "link_artifact", "upsert_artifact", "finish_artifact"])
def test_without_an_active_run_they_say_so(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"lading\.{name}\(\) without an active run"):
        getattr(lading, name)(*["x"] * (2 if name.startswith("link") else 1))
