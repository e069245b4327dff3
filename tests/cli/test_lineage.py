"""`lading lineage`."""

import json
from pathlib import Path

import pytest

import lading as library

from .conftest import Lading


@pytest.fixture
def history(home: Path) -> None:
    with library.init(id="make", job_type="prep") as run:
        log(run, "raw")
    with library.init(id="train") as run:
        run.use_artifact("raw")
        run.use_artifact(log(run, "data"))
        log(run, "model")
        log(run, "log")
    with library.init(id="again", job_type="eval") as run:
        run.use_artifact("model")
        run.use_artifact("log")


def log(run: library.Run, name: str) -> library.Artifact:
    artifact = library.Artifact(name, "dataset")
    with artifact.new_file("a") as file:
        file.write(name)
    return run.log_artifact(artifact)


def test_it_draws_what_was_before_and_what_came_after(lading: Lading, history: None) -> None:
    answer = lading("lineage", "model:v0")

    assert answer.out.splitlines() == [
        "ann/pets/model:v0 (dataset, 5 B)",
        "made from:",
        "└── run ann/pets/train (train, finished)",
        "    ├── ann/pets/raw:v0 (dataset, 3 B)",
        "    │   └── run ann/pets/make (prep, finished)",
        "    └── ann/pets/data:v0 (dataset, 4 B)",
        "        └── run ann/pets/train (train, finished) ↑",
        "used for:",
        "└── run ann/pets/again (eval, finished)",
    ]


def test_what_was_drawn_is_not_drawn_again(lading: Lading, history: None) -> None:
    lines = lading("lineage", "raw").out.splitlines()

    assert sum("run ann/pets/again" in line for line in lines) == 2
    assert sum("ann/pets/data:v0" in line for line in lines) == 1


@pytest.mark.parametrize("kind", ["svg", "png", "json"])
def test_it_is_written_to_a_file(lading: Lading, history: None, tmp_path: Path, kind: str) -> None:
    answer = lading("lineage", "model", "-o", f"graph.{kind}")

    assert (answer.code, answer.out) == (0, f"graph.{kind}\n")
    data = (tmp_path / f"graph.{kind}").read_bytes()
    assert data.startswith({"svg": b"<svg ", "png": b"\x89PNG", "json": b"{\n"}[kind])


def test_as_json_it_is_the_graph(lading: Lading, history: None, tmp_path: Path) -> None:
    record = lading("lineage", "model", "--json").json
    lading("lineage", "model", "-o", "graph.json")

    assert record == json.loads((tmp_path / "graph.json").read_bytes())
    assert {node["name"] for node in record["nodes"]} >= {"ann/pets/model:v0", "ann/pets/train"}


def test_a_limit_is_said(lading: Lading, history: None) -> None:
    answer = lading("lineage", "model", "--limit", "2")

    assert "there is more: the nearest 2 runs and versions are shown" in answer.err


def test_another_kind_of_file_is_refused_before_anything_is_read(lading: Lading, home: Path) -> None:
    answer = lading("lineage", "model", "-o", "graph.gif")

    assert answer.code == 2
    assert "a drawing is .svg, .png or .json" in answer.err
