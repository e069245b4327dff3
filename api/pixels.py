"""Pixels: a drawing as PNG, by Pillow and the font that comes with it: a server has no fonts."""

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..errors import UsageError
from .drawing import FADED, HEIGHT, INK, LINE, RUN_FILL, RUN_LINE, WIDTH, Picture, Point, bend

MOST = 64_000_000  # pixels
_STEPS = 24


def png(drawn: Picture, scale: float) -> bytes:
    """`scale` pixels for one of the SVG. Raise `UsageError` if Pillow is not installed, or the picture would be too large."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise UsageError("a PNG needs Pillow, which is not installed", hint="pip install 'lading[media]', or take SVG") from error
    width, height = round(drawn.width * scale), round(drawn.height * scale)
    if width * height > MOST:
        raise UsageError(f"a PNG of {width}x{height} pixels is too large", hint="take SVG, or fewer nodes (limit)")
    image = Image.new("RGB", (width, height), "#ffffff")
    canvas = ImageDraw.Draw(image)
    fonts = ImageFont.load_default(13 * scale), ImageFont.load_default(11 * scale)
    for curve in drawn.curves:
        points = [(x * scale, y * scale) for x, y in _along(curve)]
        canvas.line(points, LINE, round(1.4 * scale), joint="curve")
        (x, y), side = points[-1], 4 * scale
        canvas.polygon([(x, y), (x - 2 * side, y - side), (x - 2 * side, y + side)], LINE)
    for box in drawn.boxes:
        is_run = box.kind == "run"
        place = (box.x * scale, box.y * scale, (box.x + WIDTH) * scale, (box.y + HEIGHT) * scale)
        fill, line = (RUN_FILL, RUN_LINE) if is_run else ("#ffffff", FADED)
        canvas.rounded_rectangle(place, (14 if is_run else 3) * scale, fill, line, round((3 if box.is_root else 1) * scale))
        for text, font, ink, y in ((box.title, fonts[0], INK, 20), (box.detail, fonts[1], FADED, 38)):
            canvas.text(((box.x + 12) * scale, (box.y + y) * scale), text, ink, font, anchor="ls")
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _along(points: Sequence[Point]) -> Iterator[Point]:
    """Many points of the curve that passes these."""
    yield points[0]
    for start, end in pairwise(points):
        first, second = bend(start, end)
        for step in range(1, _STEPS + 1):
            t, u = step / _STEPS, 1 - step / _STEPS
            weights = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
            four = (start, first, second, end)
            yield (
                sum(weight * x for weight, (x, _) in zip(weights, four, strict=True)),
                sum(weight * y for weight, (_, y) in zip(weights, four, strict=True)),
            )
