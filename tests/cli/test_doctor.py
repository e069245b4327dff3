"""`lading doctor` prints what it finds, and fails if something is wrong."""

from pathlib import Path

import pytest

from lading.api.portal import blocking
from lading.api.workspace import close_workspaces
from lading.store.owner import Owner, this_process

from .conftest import Lading

DEAD = Owner(this_process().boot, this_process().namespace, 2**22 - 1, "1")


def test_it_says_where_settings_come_from_and_that_all_is_well(lading: Lading, home: Path) -> None:
    answer = lading("doctor")

    assert answer.code == 0
    assert "set     entity = ann  (LADING_ENTITY)" in answer.lines
    assert any(line.startswith("ok      catalogue: ") for line in answer.lines)
    assert not home.exists()


def test_something_wrong_is_exit_code_1_and_has_a_hint(lading: Lading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_STORE", "ftp://somewhere")

    answer = lading("doctor")

    assert answer.code == 1
    at = next(index for index, line in enumerate(answer.lines) if line.startswith("WRONG   store: "))
    assert answer.lines[at + 1].startswith("        hint: ")


def test_offline_it_asks_nothing_of_a_network(lading: Lading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_STORE", "s3://bucket/prefix")
    monkeypatch.setenv("LADING_MODE", "offline")

    assert "WRONG   store: s3://bucket/prefix is on a network, and the mode is offline" in lading("doctor").lines


def test_json_has_settings_and_findings(lading: Lading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_API_KEY", "secret")

    found = lading("doctor", "--json").json

    assert {each["name"]: each["value"] for each in found["settings"]}["api_key"] == "********"
    checks = {"catalogue", "store", "certificates", "packages", "leftovers", "disk"}
    assert {each["check"] for each in found["findings"]} >= checks


def test_leftovers_are_listed_and_gc_removes_them(lading: Lading, home: Path, cats: Path) -> None:
    lading("put", "cats")
    left = [home / f"store/tmp/.lading-put-{DEAD}-0", Path(f"artifacts/x/.lading-{'d' * 64}-{DEAD}-0")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(4096))

    before, shown = lading("doctor", "--json").json, lading("doctor")
    forecast = lading("gc", "--uploads", "--dry-run", "--json").json
    there = [path.exists() for path in left]
    removed = lading("gc", "--uploads", "--json").json

    assert next(each for each in before["findings"] if each["check"] == "leftovers")["verdict"] == "advice"
    assert sorted(each["name"] for each in before["leftovers"]) == sorted(["put", left[1].name])
    assert any(line.split()[:2] == ["download", left[1].name] for line in shown.lines)
    for each in (*forecast["removed"], *removed["removed"]):
        del each["age"]  # goes on between the two
    assert (forecast["dry_run"], forecast["removed"], there) == (True, removed["removed"], [True, True])
    assert sorted(each["kind"] for each in removed["removed"]) == ["download", "upload"]
    assert [path.exists() for path in left] == [False, False]
    assert lading("gc", "--uploads").out == ""


def lose_catalogue(home: Path) -> None:
    blocking(close_workspaces)()
    for path in home.glob("catalog.db*"):
        path.unlink()


def test_a_lost_catalogue_is_made_anew(lading: Lading, two: Path, home: Path) -> None:
    before = lading("ls", "pets/cats", "--json").json
    lose_catalogue(home)

    answer = lading("doctor", "--rebuild")
    again = lading("doctor", "--rebuild")

    assert (answer.code, answer.out) == (0, "")
    assert "2 versions, " in answer.err
    assert lading("ls", "pets/cats", "--json").json == before
    assert again.code == 1
    assert lading("verify", "--store").code == 0


def test_what_a_lost_catalogue_had_and_the_store_has_not_is_exit_code_1(lading: Lading, two: Path, home: Path) -> None:
    lose_catalogue(home)
    next(path for path in (home / "store/objects").rglob("*") if path.is_file()).unlink()

    answer = lading("doctor", "--rebuild")

    assert (answer.code, len(answer.lines)) == (1, 1)
    assert answer.lines[0].endswith("is not in the store")
