"""`lading unlink`."""

from pathlib import Path

from .conftest import Lading


def test_a_link_is_taken_away_and_the_version_stays(lading: Lading, two: Path) -> None:
    lading("link", "cats:v1", "models")

    answer = lading("unlink", "models:latest")

    assert (answer.code, answer.out, answer.err) == (0, "ann/pets/models:v0\n", "ann/pets/cats:v1 stays\n")
    assert lading("info", "models:v0").code == 1
    assert lading("info", "cats:v1").code == 0


def test_what_is_no_link_is_not_unlinked(lading: Lading, two: Path) -> None:
    answer = lading("unlink", "cats:v1")

    assert answer.code == 1
    assert "no link" in answer.err
