"""Nodes and edges as SVG."""

import xml.etree.ElementTree as ET

from lading.api.drawing import HEIGHT, WIDTH, Picture, picture, svg
from lading.api.layout import Layout, lay_out
from lading.api.lineage import Node

NS = "{http://www.w3.org/2000/svg}"


def drawn(nodes: list[Node], *edges: tuple[str, str]) -> Picture:
    return picture(nodes, lay_out([node.key for node in nodes], edges), nodes[0].key)


def test_a_drawing_is_svg_with_a_box_for_each_node_and_a_line_for_each_edge() -> None:
    nodes = [Node("a", "artifact", "me/p/ds:v0", "dataset, 5 B"), Node("b", "run", "me/p/r", "train, finished")]

    root = ET.fromstring(svg(drawn(nodes, ("a", "b"))))

    groups = root.findall(f"{NS}g")
    assert root.tag == f"{NS}svg"
    assert [group.get("class") for group in groups] == ["artifact root", "run"]
    assert [[text.text for text in group.findall(f"{NS}text")] for group in groups] == [
        ["me/p/ds:v0", "dataset, 5 B"],
        ["me/p/r", "train, finished"],
    ]
    assert len(root.findall(f"{NS}path")) == 1


def test_hostile_names_stay_text() -> None:
    node = Node("a", "artifact", '</text><script x="&">\x1b\x00', "d")

    root = ET.fromstring(svg(drawn([node])))

    assert [title.text for title in root.iter(f"{NS}title")] == ['</text><script x="&">��']
    assert list(root.iter(f"{NS}script")) == []


def test_what_is_too_long_is_shortened_in_the_middle() -> None:
    node = Node("a", "artifact", "entity/project/" + "x" * 100 + ":v12", "d")

    texts = [text.text or "" for text in ET.fromstring(svg(drawn([node]))).iter(f"{NS}text")]

    assert texts[0].startswith("entity/project/")
    assert texts[0].endswith("xxx:v12")
    assert len(texts[0]) < 40


def test_a_curve_passes_no_box() -> None:
    nodes = [Node(key, "artifact", key, "") for key in "abcd"]

    found = drawn(nodes, ("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"))

    long = max(found.curves, key=len)
    assert len(long) == 6
    for x, y in long[1:-1]:
        assert not any(box.x < x < box.x + WIDTH and box.y <= y <= box.y + HEIGHT for box in found.boxes)


def test_nothing_is_a_picture_too() -> None:
    assert picture([], Layout({}, {}), "").boxes == ()
    assert drawn([Node("a", "run", "a", "")]).boxes[0].is_root
