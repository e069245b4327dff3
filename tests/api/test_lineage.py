"""Lineage: the graph of runs and versions around one of them."""

import json
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

import lading
from lading.api import Api

Make = Callable[..., lading.Artifact]


def logged(run: lading.Run, name: str, content: str = "1") -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset")
    with artifact.new_file("a") as file:
        file.write(content)
    return run.log_artifact(artifact)


@pytest.fixture
def history(home: object) -> None:
    """raw → prepare → data → train → model → evaluate, over two projects and two entities."""
    with lading.init(project="p", id="collect") as run:
        logged(run, "raw")
    with lading.init(project="p", id="prepare", job_type="prep") as run:
        run.use_artifact("raw:latest")
        logged(run, "data")
        logged(run, "side")
    with lading.init(project="q", id="train") as run:
        run.use_artifact("p/data:latest")
        logged(run, "model")
    with lading.init(project="q", entity="us", id="evaluate") as run:
        run.use_artifact("me/q/model:latest")


@pytest.mark.parametrize("root", ["p/data", "p/raw", "q/model"])
def test_it_is_walked_from_either_side_across_projects_and_entities(history: None, root: str) -> None:
    """Seed 000: "アーティファクトグラフの走査" (walking the graph of artifacts), up and down."""
    found = Api().artifact(root).lineage()

    assert found.root.qualified_name == f"me/{root}:v0"
    assert {each.qualified_name for each in found.artifacts} - {"me/p/side:v0"} == {
        "me/p/raw:v0",
        "me/p/data:v0",
        "me/q/model:v0",
    }
    assert {"/".join(run.path) for run in found.runs} == {"me/p/collect", "me/p/prepare", "me/q/train", "us/q/evaluate"}
    assert found.complete


def test_its_edges_say_how_things_went(history: None) -> None:
    found = Api().artifact("p/data").lineage()

    names = {node.key: node.title for node in found.nodes}
    assert {(names[start], names[end]) for start, end in found.edges} == {
        ("me/p/collect", "me/p/raw:v0"),
        ("me/p/raw:v0", "me/p/prepare"),
        ("me/p/prepare", "me/p/data:v0"),
        ("me/p/data:v0", "me/q/train"),
        ("me/q/train", "me/q/model:v0"),
        ("me/q/model:v0", "us/q/evaluate"),
    }
    assert repr(found) == "<Lineage of me/p/data:v0 (3 artifacts, 4 runs)>"


def test_a_run_is_drawn_with_the_name_that_it_was_given(home: object) -> None:
    for more in ({}, {"name": "first try"}, {"job_type": "prep"}, {"job_type": "prep", "name": "first try"}):
        with lading.init(project="p", id="".join(more) or "none", **more) as run:  # type: ignore[arg-type]  # pyright: ignore
            logged(run, "raw")

    details = {node.title: node.detail for node in Api().artifact("p/raw").lineage().nodes if node.kind == "run"}

    assert details == {
        "me/p/none": "none, finished",
        "me/p/name": "first try, finished",
        "me/p/job_type": "prep, finished",
        "me/p/job_typename": "prep, first try, finished",
    }


def test_a_deleted_version_stays_in_it(history: None) -> None:
    Api().artifact("p/raw").delete(delete_aliases=True)

    found = Api().artifact("p/data").lineage()

    assert [node.detail for node in found.nodes if node.title == "me/p/raw:v0"] == ["dataset, 1 B, deleted"]


def test_it_stops_at_its_limit(history: None) -> None:
    found = Api().artifact("p/data").lineage(limit=3)

    assert (len(found.artifacts) + len(found.runs), found.complete) == (3, False)
    assert "more left out" in repr(found)


def test_it_is_written_as_json_and_svg_and_shown_in_a_notebook(history: None) -> None:
    found = Api().artifact("p/data").lineage()

    record = json.loads(json.dumps(found.to_json()))
    assert (record["root"], record["complete"], len(record["nodes"]), len(record["edges"])) == (found.root.id, True, 7, 6)
    assert record["nodes"][0]["name"] == "me/p/data:v0"
    assert len(list(ET.fromstring(found.to_svg()).iter("{http://www.w3.org/2000/svg}g"))) == 7
    assert found._repr_html_() == found.to_svg()  # pyright: ignore[reportPrivateUsage]


def test_it_is_written_as_png(history: None) -> None:
    png = Api().artifact("p/data").lineage().to_png()

    width, height = struct.unpack(">II", png[16:24])
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert width > height > 50
