"""A drawing as PNG."""

import io
import sys

import pytest
from PIL import Image

from lading.api.drawing import HEIGHT, WIDTH, Picture, picture
from lading.api.layout import lay_out
from lading.api.lineage import Node
from lading.api.pixels import png
from lading.errors import UsageError


def drawn(*edges: tuple[str, str]) -> Picture:
    nodes = [Node("a", "artifact", "me/p/ds:v0", "dataset"), Node("b", "run", "me/p/r", "train")]
    return picture(nodes, lay_out(["a", "b"], edges), "a")


def dark(image: Image.Image, place: tuple[float, float, float, float]) -> int:
    """How many pixels there are ink."""
    return sum(image.crop(place).convert("L").histogram()[:80])


def test_it_holds_boxes_text_and_curves() -> None:
    found = drawn(("a", "b"))

    image = Image.open(io.BytesIO(png(found, 2)))

    assert image.size == (round(found.width * 2), round(found.height * 2))
    for box in found.boxes:
        title = (2 * (box.x + 10), 2 * (box.y + 6), 2 * (box.x + WIDTH - 10), 2 * (box.y + HEIGHT / 2))
        assert dark(image, title) > 100
    start, end = found.curves[0][0], found.curves[0][-1]
    middle = round(start[0] + end[0]), round(start[1] + end[1])
    assert image.getpixel(middle) != (255, 255, 255)


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(UsageError, match="a PNG needs Pillow") as caught:
        png(drawn(), 2)

    assert caught.value.hint == "pip install 'lading[media]', or take SVG"


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a PNG of \d+x\d+ pixels is too large"):
        png(drawn(), 1000)
