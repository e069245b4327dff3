from pathlib import Path

import pytest

from .conftest import Lading


def test_right_files(lading: Lading, two: Path) -> None:
    lading("get", "cats")
    answer = lading("verify", "cats")

    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("ann/pets/cats:v1: 3 files, 27 B are right")


def test_nothing_is_downloaded_to_be_verified(lading: Lading, two: Path) -> None:
    answer = lading("verify", "cats")

    assert answer.code == 1
    assert "artifacts/cats:v1: no such folder\nhint: download the artifact first" in answer.err
    assert not Path("artifacts").exists()


def test_each_problem_has_a_line(lading: Lading, two: Path) -> None:
    answer = lading("verify", "cats:v0", "--root", "cats")

    assert answer.code == 1
    assert [line.split()[0] for line in answer.lines] == ["Found", "Missing", "Digest"]
    assert answer.err == "3 problems in ann/pets/cats:v0\n"


def test_json_lists_the_problems(lading: Lading, two: Path) -> None:
    answer = lading("verify", "cats:v0", "--root", "cats", "--json")

    assert (answer.code, answer.json["ok"], len(answer.json["problems"])) == (1, False, 3)
    assert lading("verify", "cats:v1", "--root", "cats", "--json").json == {
        "qualified_name": "ann/pets/cats:v1",
        "ok": True,
        "problems": [],
    }


def test_a_folder_that_is_not_there_is_an_error(lading: Lading, two: Path) -> None:
    answer = lading("verify", "cats", "--root", "nowhere")

    assert answer.code == 1
    assert answer.err.startswith("error: ")
    assert "nowhere: no such folder" in answer.err


def test_the_store_is_checked_and_repaired(lading: Lading, two: Path, home: Path) -> None:
    good = lading("verify", "--store", "--json").json
    path = next(path for path in (home / "store/objects").rglob("*") if path.is_file() and path.read_text() == "tom, older")
    path.chmod(0o644)
    path.write_text("tom, altered")

    bad = lading("verify", "cats:v1", "--store")
    repaired = lading("verify", "--store", "--repair", "--json")
    lading("put", "cats")
    again = lading("verify", "--store", "--entity", "ann")

    assert (good["ok"], good["objects"], good["problems"]) == (True, 9, [])
    assert (bad.code, bad.lines) == (1, [f"{path.relative_to(home / 'store')} has 12 bytes, not 10"])
    assert (repaired.code, repaired.json["repaired"], len(repaired.json["problems"])) == (1, True, 1)
    assert (again.code, again.out) == (0, "")


@pytest.mark.parametrize(
    "args", [[], ["--repair", "cats"], ["--store", "--root", "x"], ["--store", "cats", "--entity", "ann"], ["--entity", "ann"]]
)
def test_what_to_check_must_be_clear(lading: Lading, args: list[str]) -> None:
    assert lading("verify", *args).code == 2
