from pathlib import Path

from .conftest import Lading


def test_an_alias_moves_to_the_version(lading: Lading, two: Path) -> None:
    answer = lading("alias", "add", "cats:v1", "first", "best")

    assert answer.out.startswith("ann/pets/cats:v1  ")
    assert sorted(lading("info", "cats:v1", "--json").json["aliases"]) == ["best", "first", "latest"]
    assert lading("info", "cats:v0", "--json").json["aliases"] == []


def test_aliases_are_taken_away(lading: Lading, two: Path) -> None:
    lading("alias", "add", "cats:v1", "best")
    answer = lading("alias", "rm", "cats:best", "cats:first", "--json")

    assert [(each["name"], each["aliases"]) for each in answer.json] == [("cats:v1", ["latest"]), ("cats:v0", [])]


def test_nothing_is_taken_if_one_of_them_is_unknown(lading: Lading, two: Path) -> None:
    answer = lading("alias", "rm", "cats:first", "cats:nope")

    assert answer.code == 1
    assert "alias 'nope' not found" in answer.err
    assert lading("info", "cats:first").code == 0


def test_a_version_number_and_no_alias_at_all_are_refused(lading: Lading, two: Path) -> None:
    answer = lading("alias", "rm", "cats:v0", "best")
    assert (answer.code, answer.err) == (
        1,
        "error: 'v0' is the number of a version, which stays\n"
        "hint: write the alias that is to go behind the name, as in cats:best\n",
    )
    assert lading("alias", "rm", "cats").code == 1
    assert lading("alias", "add", "cats:v0", "v9").code == 1
    assert lading("alias", "add", "cats:v0").code == 2
