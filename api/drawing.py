"""Drawing: a graph as boxes and curves, and these as SVG."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from .layout import Layout, Spot

if TYPE_CHECKING:
    from .lineage import Node

WIDTH, HEIGHT = 260, 48  # of a box; between boxes:
_GAP_X, _GAP_Y, _MARGIN = 70, 22, 16
_LETTERS = 34
INK, FADED, LINE = "#1b1f24", "#57606a", "#8c959f"
RUN_FILL, RUN_LINE = "#eef4fb", "#3470a8"

Point = tuple[float, float]


class Box(Struct, frozen=True):
    """A node and its upper left corner."""

    x: float
    y: float
    kind: str
    is_root: bool
    whole: str
    title: str
    detail: str


class Picture(Struct, frozen=True):
    """Boxes, and curves as the points that they pass, leaving and reaching each of them level."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[tuple[Point, ...], ...]


def picture(nodes: Sequence["Node"], layout: Layout, root: str) -> Picture:
    """Titles that are too long are shortened in the middle."""
    rows: dict[int, int] = {}
    for spot in (*layout.spots.values(), *(bend for way in layout.bends.values() for bend in way)):
        rows[spot.layer] = max(rows.get(spot.layer, 0), spot.row + 1)
    tallest = max(rows.values(), default=0)

    def corner(spot: Spot) -> Point:
        return (
            _MARGIN + spot.layer * (WIDTH + _GAP_X),
            _MARGIN + (spot.row + (tallest - rows[spot.layer]) / 2) * (HEIGHT + _GAP_Y),
        )

    def way(start: str, end: str, bends: Sequence[Spot]) -> tuple[Point, ...]:
        (x1, y1), (x2, y2) = corner(layout.spots[start]), corner(layout.spots[end])
        between = [point for x, y in map(corner, bends) for point in ((x, y + HEIGHT / 2), (x + WIDTH, y + HEIGHT / 2))]
        return (x1 + WIDTH, y1 + HEIGHT / 2), *between, (x2, y2 + HEIGHT / 2)

    return Picture(
        2 * _MARGIN + len(rows) * (WIDTH + _GAP_X) - _GAP_X,
        2 * _MARGIN + tallest * (HEIGHT + _GAP_Y) - _GAP_Y,
        tuple(
            Box(*corner(layout.spots[node.key]), node.kind, node.key == root, node.title, _short(node.title), _short(node.detail))
            for node in nodes
        ),
        tuple(way(start, end, bends) for (start, end), bends in layout.bends.items()),
    )


def bend(start: Point, end: Point) -> tuple[Point, Point]:
    """The control points of the curve between two points."""
    reach = max(_GAP_X, abs(end[0] - start[0])) / 2
    return (start[0] + reach, start[1]), (end[0] - reach, end[1])


_STYLE = f"""\
text {{ font: 13px sans-serif; fill: {INK} }} .detail {{ font-size: 11px; fill: {FADED} }}
rect {{ fill: #ffffff; stroke: {FADED} }} .run rect {{ fill: {RUN_FILL}; stroke: {RUN_LINE} }}
.root rect {{ stroke-width: 3 }} path {{ fill: none; stroke: {LINE}; stroke-width: 1.4 }}"""


def svg(drawn: Picture) -> str:
    """Versions are boxes, runs have round corners, the root a thick border; the whole title appears under the pointer."""
    width, height = f"{drawn.width:g}", f"{drawn.height:g}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            f"<style>{_STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
            f'<path d="M0 0L8 4L0 8z" style="fill:{LINE};stroke:none"/></marker></defs>',
            *map(_curve, drawn.curves),
            *map(_box, drawn.boxes),
            "</svg>\n",
        )
    )


def _curve(points: Sequence[Point]) -> str:
    x, y = points[0]
    steps = (
        f"C{a:g} {b:g} {c:g} {d:g} {end[0]:g} {end[1]:g}"
        for start, end in pairwise(points)
        for (a, b), (c, d) in (bend(start, end),)
    )
    return f'<path d="M{x:g} {y:g}{"".join(steps)}" marker-end="url(#tip)"/>'


def _box(box: Box) -> str:
    kinds = f"{box.kind} root" if box.is_root else box.kind
    corner = 14 if box.kind == "run" else 3
    return (
        f'<g class="{kinds}" transform="translate({box.x:g} {box.y:g})"><title>{_text(box.whole)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="{corner}"/>'
        f'<text x="12" y="20">{_text(box.title)}</text>'
        f'<text class="detail" x="12" y="38">{_text(box.detail)}</text></g>'
    )


def _short(text: str) -> str:
    half = (_LETTERS - 1) // 2
    return text if len(text) <= _LETTERS else f"{text[:half]}…{text[-half:]}"


def _text(text: str) -> str:
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))
