"""The config of a run, and artifacts in it."""

import asyncio
import copy
import pickle
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

import lading
from lading.api import Api
from lading.errors import UsageError

Make = Callable[..., lading.Artifact]


def test_it_is_a_dict_with_attributes(run: lading.Run) -> None:
    run.config.update({"lr": 0.1, "deep": {"a": [1, 2]}}, allow_val_change=True)
    run.config.epochs = 3
    run.config |= {"more": None}

    assert run.config == {"lr": 0.1, "deep": {"a": [1, 2]}, "epochs": 3, "more": None}
    assert (run.config.lr, run.config.setdefault("lr", 1), run.config.setdefault("new", 2)) == (0.1, 0.1, 2)
    with pytest.raises(AttributeError, match="config has no 'none'"):
        _ = run.config.none
    run.finish()
    assert Api().run(f"p/{run.id}").config == {"lr": 0.1, "deep": {"a": [1, 2]}, "epochs": 3, "more": None, "new": 2}


def test_it_takes_what_argparse_parsed() -> None:
    """As W&B's does."""
    with lading.init(project="p", config=Namespace(lr=0.1)) as run:
        run.config.update(Namespace(epochs=3))

    assert Api().run(f"p/{run.id}").config == {"lr": 0.1, "epochs": 3}


@pytest.mark.parametrize("config", [5, "settings.yaml", ["rate"]])
def test_what_makes_no_config_is_named(config: Any) -> None:
    with pytest.raises(TypeError, match="config cannot be made of"):
        lading.init(project="p", config=config)

    assert lading.run is None


def test_a_copy_is_a_plain_dict(run: lading.Run) -> None:
    run.config.update({"deep": {"a": [1]}})

    for made in (copy.deepcopy(run.config), pickle.loads(pickle.dumps(run.config)), copy.copy(run.config)):
        assert (made, type(made)) == ({"deep": {"a": [1]}}, dict)


def test_an_artifact_in_it_is_an_input(dataset: Make) -> None:
    """SEMANTICS 1.2: "run.config accepts artifacts only as top-level values (json_encode dict)"."""
    artifact = dataset({"a": "1"})

    with lading.init(project="q", config={"data": artifact, "lr": 1}) as run:
        assert run.config["data"] is artifact
        run.config["again"] = artifact

    saved = Api().run(f"q/{run.id}")
    assert saved.config == {"data": artifact.json_encode(), "again": artifact.json_encode(), "lr": 1}
    assert [each.qualified_name for each in saved.used_artifacts()] == ["me/p/ds:v0"]


@pytest.mark.parametrize(
    "form", ["wandb-artifact://me/p/ds:v0", "wandb-artifact://me/p/ds", "wandb-artifact://_id/{id}", "{url}"]
)
def test_a_text_that_names_an_artifact_is_that_artifact(dataset: Make, form: str) -> None:
    """SEMANTICS 1.2: "strings `wandb-artifact://entity/project/name:alias`, `wandb-artifact://_id/<id>`"."""
    artifact = dataset({"a": "1"})
    text = form.format(id=artifact.id, url=artifact.url)

    with lading.init(project="q", config={"one": text}) as run:
        run.config["two"] = text
        found = [run.config["one"], run.config["two"]]

    assert [each.qualified_name for each in found] == ["me/p/ds:v0"] * 2
    assert len(Api().run(f"q/{run.id}").used_artifacts()) == 1


def test_a_draft_in_it_is_logged(run: lading.Run) -> None:
    draft = lading.Artifact("ds", "dataset")
    with draft.new_file("a") as file:
        file.write("1")

    run.config["data"] = draft

    assert draft.version == "v0"
    assert [each.name for each in run.used_artifacts()] == ["ds:v0"]


def test_an_artifact_inside_of_another_value_is_refused(dataset: Make, run: lading.Run) -> None:
    artifact = dataset({"a": "1"})

    for value in ({"in": artifact}, [artifact], {"deep": [{"in": "wandb-artifact://me/p/ds:v0"}]}):
        with pytest.raises(ValueError, match=r"config\['x'\] holds an artifact inside of another value"):
            run.config["x"] = value
    with pytest.raises(ValueError, match="write wandb-artifact://entity/project/name:alias"):
        run.config["x"] = "wandb-artifact://ds:v0"
    assert run.config == {}


def test_on_a_loop_artifacts_are_awaited(dataset: Make, run: lading.Run) -> None:
    artifact = dataset({"a": "1"})

    async def main() -> None:
        run.config["lr"] = 1
        with pytest.raises(UsageError, match=r"await run\.config\.update_async\(\{'data': …\}\)"):
            run.config["data"] = artifact
        await run.config.update_async({"data": artifact.url, "lr": 2})

    asyncio.run(main())
    assert (run.config["data"].name, run.config["lr"]) == ("ds:v0", 2)


def test_a_disabled_run_takes_what_it_is_given(dataset: Make) -> None:
    """It finds nothing: an artifact stays one, a name stays text."""
    artifact = dataset({"a": "1"})

    with lading.init(mode="disabled", config={"a": artifact, "b": artifact.url}) as run:
        run.config["c"] = artifact.url

        assert run.config == {"a": artifact, "b": artifact.url, "c": artifact.url}
