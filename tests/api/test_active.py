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


def test_they_take_the_arguments_of_the_run(home: Path, fill: Fill) -> None:
    """SEMANTICS 1.2: `log_artifact(artifact_or_path, name, type, aliases, tags)`, `use_artifact(…, use_as)`."""
    lading.init(project="p")

    artifact = lading.log_artifact(fill("m", {"a": "1"}), "ds", "dataset", ["best"], ["t"])
    used = lading.use_artifact("ds:best", "dataset", None, None)
    lading.finish(0, quiet=True)

    assert (artifact.tags, used.id) == (["t"], artifact.id)


def test_config_summary_and_log_are_those_of_the_active_run(home: Path) -> None:
    """DESIGN 7: "`Run.log` keeps the last value of each key in `run.summary` … so that scripts run"."""
    assert not hasattr(lading, "config")
    with pytest.raises(AttributeError, match=r"lading\.summary without an active run; call lading\.init\(\) first"):
        _ = lading.summary
    with lading.init(project="p") as run:
        lading.config.lr = 0.1
        lading.log({"loss": 1})
        lading.summary["best"] = 0.5

        assert lading.config is run.config
        assert (run.config, run.summary) == ({"lr": 0.1}, {"loss": 1, "best": 0.5})


def test_wandbs_name_of_the_root_of_all_errors() -> None:
    """SEMANTICS 1.1: "`WaitTimeoutError(wandb.errors.Error)`"."""
    assert lading.Error is lading.errors.Error is lading.LadingError
    assert issubclass(lading.errors.WaitTimeoutError, lading.Error)


@pytest.mark.parametrize(
    "name", ["log", "log_model", "use_model", "link_model", "link_artifact", "upsert_artifact", "finish_artifact"]
)
def test_without_an_active_run_they_say_so(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"lading\.{name}\(\) without an active run"):
        getattr(lading, name)(*["x"] * (2 if name.startswith("link") else 1))
