"""`lading gc` deletes what is outdated, frees what nobody needs, and says what it would do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Lading


def objects(home: Path) -> int:
    return sum(path.is_file() for path in (home / "store/objects").rglob("*"))


def test_the_content_of_a_deleted_version_is_freed_after_the_trash_time(lading: Lading, two: Path, home: Path) -> None:
    """SEMANTICS 2.7: "soft delete, GC later"."""
    lading("rm", "cats:v0", "--delete-aliases", "--yes")
    early = lading("gc", "--grace", "0", "--json").json
    forecast = lading("gc", "--grace", "0", "--trash", "0", "--dry-run", "--json").json
    before = objects(home)
    freed = lading("gc", "--grace", "0", "--trash", "0", "--json").json

    assert early["objects"] == 0
    assert (freed["objects"], freed["receipts"], before - objects(home)) == (4, 1, 2)
    assert forecast == freed | {"dry_run": True}
    assert lading("verify", "cats:v1", "--root", str(two)).code == 0


def test_words_say_what_was_freed(lading: Lading, two: Path) -> None:
    lading("rm", "cats:v0", "--delete-aliases", "--yes")

    answer = lading("gc", "--grace", "0", "--trash", "0s")

    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines()[-1].startswith("4 objects, ")


def test_keep_last_deletes_older_versions_without_alias(lading: Lading, cats: Path) -> None:
    for number in range(4):
        (cats / "tom.txt").write_text(f"tom {number}")
        lading("put", "cats", *(["-a", "best"] if number == 1 else []))

    forecast = lading("gc", "cats", "--keep-last", "1", "--grace", "0", "--dry-run")
    there = lading("ls", "pets/cats", "--json").json
    answer = lading("gc", "cats", "--keep-last", "1", "--grace", "0")

    assert forecast.lines == answer.lines == ["ann/pets/cats:v2", "ann/pets/cats:v0"]
    assert "2 versions would be deleted" in forecast.err
    assert len(there) == 4
    assert [each["version"] for each in lading("ls", "pets/cats", "--json").json] == ["v3", "v1"]


def test_versions_whose_time_is_over_are_deleted(lading: Lading, two: Path, home: Path) -> None:
    """SEMANTICS 2.7: "TTL in seconds"; a version with an alias stays, whatever its age."""
    with closing(sqlite3.connect(home / "catalog.db")) as connection, connection:
        connection.execute("DELETE FROM aliases WHERE alias <> 'latest'")
        connection.execute("UPDATE versions SET ttl = 3600, created_at = created_at - 7200")

    forecast = lading("gc", "--grace", "0", "--dry-run", "--json").json
    answer = lading("gc", "--grace", "0")

    assert forecast["versions"] == answer.lines == ["ann/pets/cats:v0"]
    assert "1 version deleted; 0 objects" in answer.err  # it is in the trash
    assert [each["version"] for each in lading("ls", "pets/cats", "--json").json] == ["v1"]


@pytest.mark.parametrize(
    "args",
    [["cats"], ["--all"], ["--keep-last", "1"], ["cats", "--all", "--keep-last", "1"], ["--uploads", "cats"], ["--grace", "x"]],
)
def test_what_is_not_clear_is_not_done(lading: Lading, two: Path, args: list[str]) -> None:
    assert lading("gc", *args).code == 2


def test_durations_have_units(lading: Lading, two: Path) -> None:
    assert lading("gc", "--grace", "0", "--trash", "1.5h", "--dry-run").code == 0
    assert "7d or 2w" in lading("gc", "--trash", "7").err
