"""Where nodes are drawn."""

from lading.api.layout import Layout, Spot, lay_out


def test_every_edge_goes_to_the_right() -> None:
    layout = lay_out(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")])

    assert {node: spot.layer for node, spot in layout.spots.items()} == {"a": 0, "b": 1, "c": 2, "d": 0}


def test_a_circle_is_cut_once() -> None:
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a"), ("b", "b")])

    assert {node: spot.layer for node, spot in layout.spots.items()} == {"a": 0, "b": 1, "c": 2}


def test_edges_that_need_not_cross_do_not() -> None:
    nodes = ["a0", "a1", "a2", "b2", "b1", "b0"]

    layout = lay_out(nodes, [("a0", "b0"), ("a1", "b1"), ("a2", "b2")])

    assert [layout.spots[f"a{n}"].row for n in range(3)] == [layout.spots[f"b{n}"].row for n in range(3)]


def test_no_two_nodes_share_a_spot() -> None:
    nodes = [str(number) for number in range(60)]
    edges = [(str(number), str(number * 7 % 60)) for number in range(60)] + [(str(n), str(n + 1)) for n in range(0, 58, 3)]

    layout = lay_out(nodes, edges)

    assert len(set(layout.spots.values())) == 60


def test_a_long_chain_needs_no_recursion() -> None:
    nodes = [str(number) for number in range(5000)]

    layout = lay_out(nodes, [(str(number), str(number + 1)) for number in range(4999)])

    assert layout.spots["4999"] == Spot(4999, 0)


def test_nothing_is_laid_out_of_nothing() -> None:
    assert lay_out([], []) == Layout({}, {})
    assert lay_out(["a"], []).spots == {"a": Spot(0, 0)}


def test_an_edge_passes_by_the_nodes_between_its_ends() -> None:
    nodes, edges = ["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("d", "a")]

    layout = lay_out(nodes, edges)

    bends = layout.bends["a", "d"]
    assert [bend.layer for bend in bends] == [1, 2]
    assert not set(bends) & set(layout.spots.values())
    assert layout.bends["a", "b"] == layout.bends["d", "a"] == ()
