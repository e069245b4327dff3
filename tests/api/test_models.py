"""Models: the shorthands of `Run` for artifacts whose type says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import Api
from lading.errors import NotAModelError

Fill = Callable[..., Path]


def test_a_model_is_logged_and_its_file_or_folder_used(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.2: "use_model returns the file path if the artifact has exactly one file, else the dir"."""
    folder = fill("out", {"deep/model.bin": "weights", "more/config": "c"})

    one = run.log_model(folder / "deep" / "model.bin", name="one", aliases=["best"])
    two = run.log_model(folder)

    assert (one.type, one.aliases, two.name) == ("model", ["best", "latest"], f"run-{run.id}-out:v0")
    assert run.use_model("one:best") == str(Path("artifacts/one:v0/model.bin").absolute())
    assert run.use_model(two.name) == str(Path(f"artifacts/{two.name}").absolute())
    assert Path(run.use_model("one")).read_text() == "weights"


def test_what_is_no_model_is_not_used_as_one(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.2: "AssertionError when "model" not in type"."""
    run.log_artifact(fill("data", {"a": "1"}), "ds", "dataset")

    with pytest.raises(AssertionError, match="ds:v0 is of type 'dataset'") as caught:
        run.use_model("ds")
    assert isinstance(caught.value, NotAModelError)
    with pytest.raises(AssertionError):
        run.link_model(fill("data", {}), "best", name="ds")


def test_a_model_is_linked_to_the_registry_of_models(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.2: "link_model AssertionError on "/" in registered name; project "model-registry""."""
    linked = run.link_model(fill("m", {"a": "1"}), "best", name="mine", aliases=["prod"])

    assert (linked.qualified_name, linked.source_name) == ("me/model-registry/best:v0", "mine:v0")
    assert Api().artifact("model-registry/best:prod").is_link
    assert run.link_model("m", "best", name="mine").version == "v0"
    with pytest.raises(AssertionError, match="Invalid model name: 'a/b'"):
        run.link_model("m", "a/b")


def test_a_model_that_is_linked_keeps_its_own_type(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.2: for `link_model` it is enough that "model" is in the type."""
    run.log_artifact(fill("m", {"a": "1"}), "mine", "reference-model")

    linked = run.link_model(fill("m", {"a": "2"}), "best", name="mine")

    assert (linked.type, linked.source_name) == ("reference-model", "mine:v1")
