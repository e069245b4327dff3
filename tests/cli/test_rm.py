from pathlib import Path

import pytest

from lading.api.cli import rm as rm_module

from .conftest import Lading


def versions(lading: Lading) -> list[str]:
    return lading("ls", "pets/cats", "-q").lines


def test_a_version_with_aliases_stays(lading: Lading, two: Path) -> None:
    answer = lading("rm", "cats:v0")

    assert answer.code == 1
    assert answer.err.startswith("error: ann/pets/cats:v0 still has the aliases first\nhint: ")
    assert versions(lading) == ["v1", "v0"]


def test_a_version_goes_with_its_aliases_if_told(lading: Lading, two: Path) -> None:
    answer = lading("rm", "cats:first", "--delete-aliases")

    assert answer.out == "ann/pets/cats:v0\n"
    assert answer.err == "deleted ann/pets/cats:v0 (3 files, 30 B)\n"
    assert versions(lading) == ["v1"]


def test_several_versions_go_together_or_none_does(lading: Lading, two: Path) -> None:
    refused = lading("rm", "cats:v0", "cats:v9", "--delete-aliases")
    left = versions(lading)
    answer = lading("rm", "cats:v0", "cats:latest", "cats:v1", "--delete-aliases")

    assert (refused.code, left) == (1, ["v1", "v0"])
    assert answer.out == "ann/pets/cats:v0\nann/pets/cats:v1\n"
    assert answer.err == "deleted 2 versions (6 files, 57 B)\n"
    assert versions(lading) == []


def test_a_link_is_not_deleted(lading: Lading, two: Path) -> None:
    lading("link", "cats:v0", "good")

    answer = lading("rm", "good:v0", "--delete-aliases")

    assert answer.err == "error: ann/pets/good:v0 is a link\nhint: lading unlink ann/pets/good:v0 takes it away; cats:v0 stays\n"
    assert lading("rm", "good", "--all", "--yes").err == "deleted ann/pets/good with 1 link (30 B)\n"
    assert versions(lading) == ["v1", "v0"]


def test_a_dry_run_deletes_nothing(lading: Lading, two: Path) -> None:
    answer = lading("rm", "cats:v0", "--delete-aliases", "--dry-run", "--json")

    assert answer.json == {"deleted": ["ann/pets/cats:v0"], "dry_run": True}
    assert lading("rm", "cats:v0", "--dry-run").code == 1
    assert lading("rm", "cats", "--all", "--dry-run").code == 0
    assert versions(lading) == ["v1", "v0"]


def test_a_collection_needs_yes_where_nobody_can_be_asked(lading: Lading, two: Path) -> None:
    answer = lading("rm", "cats", "--all")

    assert answer.code == 2
    assert "nobody can be asked whether to delete ann/pets/cats with 2 versions" in answer.err
    assert lading("rm", "cats", "--all", "--yes").out == "ann/pets/cats\n"
    assert lading("ls", "pets").out == ""


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 1), ("n\n", 1, 2), ("", 130, 2)])
def test_on_a_terminal_it_asks(
    lading: Lading, two: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, left: int
) -> None:
    monkeypatch.setattr(rm_module, "_can_ask", lambda: True)

    answer = lading("rm", "cats:v0", "--delete-aliases", answers=typed)

    assert answer.code == code
    assert "Delete ann/pets/cats:v0 (3 files, 30 B)?" in answer.err
    assert len(versions(lading)) == left


@pytest.mark.parametrize("args", [[], ["cats"], ["cats:v0", "cats"], ["cats:v0", "--all"], ["cats", "dogs", "--all"]])
def test_it_must_be_clear_what_goes(lading: Lading, two: Path, args: list[str]) -> None:
    assert lading("rm", *args).code == 2
    assert versions(lading) == ["v1", "v0"]
