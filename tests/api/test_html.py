"""Cards for notebooks."""

from collections.abc import Callable
from typing import Any

import pytest

import lading
from lading.api.html import readable_size

Make = Callable[..., lading.Artifact]
HOSTILE = "<script>alert('x')</script>"


def card_of(thing: Any) -> str:
    """As a notebook asks for it."""
    card = thing._repr_html_()
    assert isinstance(card, str)
    return card


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_800, "9.8 kB"),
        (999_999, "1.0 MB"),
        (4_300_000_000, "4.3 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes_for_people(size: float, text: str) -> None:
    assert readable_size(size) == text


def test_an_artifact_card_shows_what_is_known_and_escapes_it(dataset: Make) -> None:
    artifact = dataset({f"{HOSTILE}{number}": "12345" for number in range(12)}, aliases=[f"{HOSTILE[:8]}"], tags=["t"])
    artifact.description = HOSTILE

    card = card_of(artifact)

    assert "me/p/ds:v0" in card
    assert "COMMITTED" in card
    assert "60 B" in card
    assert "… and 2 more" in card
    assert "&lt;script&gt;" in card
    assert "<script" not in card


def test_a_draft_has_a_card_and_so_has_an_artifact_whose_files_are_not_known(dataset: Make) -> None:
    dataset({"a": "1"})

    assert "PENDING" in card_of(lading.Artifact("draft"))
    assert "me/p/ds:v0" in card_of(lading.Api().artifact("p/ds"))


def test_a_run_card_escapes_what_it_shows(run: lading.Run) -> None:
    run.config["k"] = HOSTILE
    run.summary[HOSTILE] = 1

    for card in (card_of(run), card_of(lading.Api().run(f"p/{run.id}"))):
        assert f"run me/p/{run.id}" in card
        assert "<script" not in card
    assert "&lt;script&gt;" in card_of(run)
