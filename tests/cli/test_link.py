"""`lading link`."""

from pathlib import Path

from .conftest import Lading


def test_a_version_is_shown_in_a_portfolio(lading: Lading, two: Path) -> None:
    answer = lading("link", "cats:v1", "best/models", "-a", "prod", "-a", "eu")

    assert (answer.code, answer.out) == (0, "ann/best/models:v0\n")
    assert answer.err == "ann/pets/cats:v1 is ann/best/models:v0 (eu, latest, prod)\n"
    record = lading("info", "best/models:prod", "--json").json
    assert (record["name"], record["source_qualified_name"]) == ("models:v0", "ann/pets/cats:v1")


def test_as_json_it_is_the_version_as_seen_there(lading: Lading, two: Path) -> None:
    record = lading("link", "cats:first", "models", "--json").json

    assert (record["qualified_name"], record["source_qualified_name"]) == ("ann/pets/models:v0", "ann/pets/cats:v0")


def test_what_cannot_be_linked_says_why(lading: Lading, two: Path) -> None:
    answer = lading("link", "cats:v0", "cats")

    assert answer.code == 1
    assert "ann/pets/cats is a collection that versions are logged to" in answer.err
    assert lading("link", "cats:v0", "models", "-a", "v3").code == 1
    assert lading("info", "models").code == 1
