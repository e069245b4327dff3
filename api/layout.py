"""Layout: where the nodes of a small directed graph are drawn, in layers from left to right."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

_SWEEPS = 4


class Spot(Struct, frozen=True):
    """Column and row of a node, both from 0."""

    layer: int
    row: int


class Layout(Struct, frozen=True):
    """Where each node is, and by which empty spots an edge goes that passes layers in between."""

    spots: dict[str, Spot]
    bends: dict[tuple[str, str], tuple[Spot, ...]]


def lay_out(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Every edge goes to a later layer, but for those that close a circle; within a layer, neighbours of neighbours are near each
    other."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for start, end in edges:
        after[start].append(end)
    layers = _layers(nodes, _without_circles(nodes, after))
    columns: list[list[str]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for node in nodes:
        columns[layers[node]].append(node)
    ways = {edge: _way(edge, layers) for edge in edges}
    for way in ways.values():
        for step, bend in enumerate(way[1:-1], layers[way[0]] + 1):
            columns[step].append(bend)
    before: dict[str, list[str]] = {}
    beyond: dict[str, list[str]] = {}
    for way in ways.values():
        for start, end in pairwise(way):
            beyond.setdefault(start, []).append(end)
            before.setdefault(end, []).append(start)
    for _ in range(_SWEEPS):
        _untangle(columns, before)
        _untangle(columns[::-1], beyond)
    spots = {node: Spot(layer, row) for layer, column in enumerate(columns) for row, node in enumerate(column)}
    bends = {edge: tuple(spots[bend] for bend in way[1:-1]) for edge, way in ways.items()}
    return Layout({node: spots[node] for node in nodes}, bends)


def _way(edge: tuple[str, str], layers: Mapping[str, int]) -> list[str]:
    """The nodes that an edge passes: its own, and one made up for each layer in between."""
    start, end = edge
    return [start, *(f"{start}\0{end}\0{layer}" for layer in range(layers[start] + 1, layers[end])), end]


def _without_circles(nodes: Sequence[str], after: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The edges but those that lead back to where a walk came from."""
    kept: dict[str, list[str]] = {node: [] for node in nodes}
    on_the_way, done = set[str](), set[str]()
    for root in nodes:
        walk = [(root, iter(after[root]))] if root not in done else []
        on_the_way.update(node for node, _ in walk)
        while walk:
            node, ends = walk[-1]
            end = next(ends, None)
            if end is None:
                walk.pop()
                on_the_way.discard(node)
                done.add(node)
            elif end not in on_the_way:
                kept[node].append(end)
                if end not in done:
                    on_the_way.add(end)
                    walk.append((end, iter(after[end])))
    return kept


def _layers(nodes: Sequence[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The length of the longest way to each node."""
    waiting = dict.fromkeys(nodes, 0)
    for ends in after.values():
        for end in ends:
            waiting[end] += 1
    layers = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waiting[node]]
    for node in ready:  # grows
        for end in after[node]:
            layers[end] = max(layers[end], layers[node] + 1)
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    return layers


def _untangle(columns: Sequence[list[str]], near: Mapping[str, Sequence[str]]) -> None:
    """Sort each column by where the neighbours of its nodes stand on average."""
    rows: dict[str, float] = {}
    for column in columns:
        heights = {node: [rows[each] for each in near.get(node, ()) if each in rows] for node in column}
        now = {node: float(row) for row, node in enumerate(column)}
        column.sort(key=lambda node: sum(heights[node]) / len(heights[node]) if heights[node] else now[node])
        rows.update({node: (row + 0.5) / len(column) for row, node in enumerate(column)})
