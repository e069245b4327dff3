from pathlib import Path

from .conftest import Lading


def test_tags_come_and_go(lading: Lading, two: Path) -> None:
    assert lading("tag", "add", "cats:v0", "old", "small").out == "ann/pets/cats:v0  old, small\n"
    assert lading("tag", "rm", "cats:v0", "old", "--json").json["tags"] == ["small"]
    assert lading("tag", "rm", "cats:v0", "small").out == "ann/pets/cats:v0\n"


def test_a_tag_that_it_does_not_have_is_named_and_none_goes(lading: Lading, two: Path) -> None:
    answer = lading("tag", "rm", "cats:v1", "newer", "nope")

    assert answer.code == 1
    assert answer.err == "error: tag 'nope' not found in ann/pets/cats:v1\nhint: it has newer\n"
    assert lading("info", "cats:v1", "--json").json["tags"] == ["newer"]


def test_a_tag_that_cannot_be_is_refused(lading: Lading, two: Path) -> None:
    assert "error: Invalid tag(s): '!'" in lading("tag", "add", "cats", "!").err
