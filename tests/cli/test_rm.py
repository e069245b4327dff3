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


@pytest.mark.parametrize("args", [["cats"], ["cats:v0", "--all"]])
def test_it_must_be_clear_what_goes(lading: Lading, two: Path, args: list[str]) -> None:
    assert lading("rm", *args).code == 2
    assert versions(lading) == ["v1", "v0"]
