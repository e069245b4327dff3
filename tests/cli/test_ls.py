from pathlib import Path

import pytest

from .conftest import Lading


def test_projects(lading: Lading, two: Path) -> None:
    lading("put", "cats", "-n", "zoo/animals/cats")

    assert lading("ls").out == "PROJECT\nann/pets/\nzoo/animals/\n"
    assert lading("ls", "--json").json == [{"entity": "ann", "name": "pets"}, {"entity": "zoo", "name": "animals"}]


def test_nothing_is_no_output_and_a_hint(lading: Lading) -> None:
    answer = lading("ls")

    assert (answer.code, answer.out) == (0, "")
    assert "`lading put PATH --name PROJECT/NAME` makes the first" in answer.err
    assert lading("ls", "--json").json == []


def test_collections_of_a_project(lading: Lading, two: Path) -> None:
    title, row = lading("ls", "pets").lines

    assert title.split() == ["NAME", "TYPE", "VERSIONS", "ALIASES", "SIZE", "AGE"]
    assert row.split()[:7] == ["cats", "dataset", "2", "first,", "latest", "57", "B"]


def test_collections_of_one_type(lading: Lading, two: Path) -> None:
    lading("put", "cats", "-n", "net", "-t", "model")

    assert [each["name"] for each in lading("ls", "pets", "--type", "model", "--json").json] == ["net"]


def test_the_project_of_an_entity_ends_in_a_slash(lading: Lading, two: Path) -> None:
    lading("put", "cats", "-n", "zoo/animals/cats")

    assert [each["entity"] for each in lading("ls", "zoo/animals/", "--json").json] == ["zoo"]


def test_versions_of_a_collection_newest_first(lading: Lading, two: Path) -> None:
    title, newer, older = lading("ls", "pets/cats").lines

    assert title.split() == ["VERSION", "ALIASES", "TAGS", "STATE", "SIZE", "FILES", "CREATED"]
    assert newer.split()[:6] == ["v1", "latest", "newer", "COMMITTED", "27", "B"]
    assert older.split()[:3] == ["v0", "first", "COMMITTED"]
    assert [each["version"] for each in lading("ls", "ann/pets/cats", "--json").json] == ["v1", "v0"]


def test_links_of_a_portfolio_and_what_they_show(lading: Lading, two: Path) -> None:
    lading("link", "cats:first", "good", "--alias", "prod")

    header, row = lading("ls", "pets/good").lines

    assert header.split()[-1] == "SOURCE"
    assert (row.split()[:3], row.split()[-1]) == (["v0", "latest,", "prod"], "ann/pets/cats:v0")


def test_files_of_a_version(lading: Lading, two: Path) -> None:
    answer = lading("ls", "cats:v1")
    records = lading("ls", "cats:latest", "--json").json

    assert [line.split()[-1] for line in answer.lines] == ["garfield.txt", "tom.txt", "wild/lynx.txt"]
    assert answer.err == "ann/pets/cats:v1: 3 files, 27 B\n"
    assert {key: records[0][key] for key in ("path", "size", "ref")} == {"path": "garfield.txt", "size": 1, "ref": None}
    assert records[0]["digest"] == answer.lines[0].split()[2]


def test_files_of_the_latest_version(lading: Lading, two: Path) -> None:
    assert lading("ls", "pets/cats", "--files").out == lading("ls", "cats:latest").out


def test_quiet_lists_names_only(lading: Lading, two: Path) -> None:
    assert lading("ls", "-q").out == "ann/pets/\n"
    assert lading("ls", "pets", "-q").out == "cats\n"
    assert lading("ls", "pets/cats", "-q").out == "v1\nv0\n"
    assert lading("ls", "cats:v1", "-q").out == "garfield.txt\ntom.txt\nwild/lynx.txt\n"


def test_a_path_that_could_steer_the_terminal_is_shown_harmless(lading: Lading, cats: Path) -> None:
    (cats / "\x1b[31mred\n").write_text("")
    lading("put", "cats")

    assert "\\x1b[31mred\\n" in lading("ls", "cats:v0").out
    assert "\x1b[31mred\n" in {each["path"] for each in lading("ls", "cats:v0", "--json").json}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("cats", "cats is a collection: lading ls pets/cats"),
        ("ann/pets", "lading ls ann/pets/"),
        ("petz", "did you mean 'pets'?"),
    ],
)
def test_a_wrong_kind_of_name_gets_a_hint(lading: Lading, two: Path, path: str, hint: str) -> None:
    answer = lading("ls", path)

    assert (answer.code, answer.out) == (1, "")
    assert hint in answer.err.splitlines()[1]


@pytest.mark.parametrize("args", [["--type", "x"], ["--files"], ["pets", "--files"]])
def test_options_that_make_no_sense_are_usage_errors(lading: Lading, args: list[str]) -> None:
    assert lading("ls", *args).code == 2
