"""`lading doctor` prints what it finds, and fails if something is wrong."""

from pathlib import Path

import pytest

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
    assert (forecast["dry_run"], forecast["removed"], there) == (True, removed["removed"], [True, True])
    assert sorted(each["kind"] for each in removed["removed"]) == ["download", "upload"]
    assert [path.exists() for path in left] == [False, False]
    assert lading("gc", "--uploads").out == ""
