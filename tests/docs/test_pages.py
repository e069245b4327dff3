"""All pages together."""

import re
from pathlib import Path

import pytest

from .conftest import ROOT, examples, text_of

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_examples_has_a_test(page: str) -> None:
    if examples(page):
        test = Path(__file__).with_name(f"test_{Path(page).stem.lower().replace('-', '_')}.py")
        assert f'"{page}"' in test.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL | re.MULTILINE)

    for target in re.findall(r"\]\((?!https?://)([^)\s]*)\)", prose):
        path, _, anchor = target.partition("#")
        place = (ROOT / page).parent / path if path else ROOT / page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", ["README.md", *(page for page in PAGES if re.fullmatch("docs/[^/]+", page))])
def test_files_of_code_that_are_named_are_there(page: str) -> None:
    named = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`", text_of(page))

    assert [each for each in named if not any((ROOT / place / each).exists() for place in ("", "tests"))] == []


def anchors(text: str) -> set[str]:
    """What GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
