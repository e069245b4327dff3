from pathlib import Path

from .conftest import Lading


def test_changes_by_path_and_totals(lading: Lading, two: Path) -> None:
    answer = lading("diff", "cats:v0", "cats:v1")

    assert answer.lines == ["- felix.txt  (5 B)", "+ garfield.txt  (1 B)", "~ tom.txt  (9 B → 10 B)"]
    assert answer.err == "1 file added (1 B), 1 file modified (10 B), 1 file removed (5 B)\n"
    assert answer.code == 0


def test_the_second_may_be_another_version_of_the_same_name(lading: Lading, two: Path) -> None:
    assert lading("diff", "cats:v0", ":latest").out == lading("diff", "cats:v0", "cats:v1").out


def test_only_names(lading: Lading, two: Path) -> None:
    assert lading("diff", "cats:v0", ":v1", "--name-only").lines == ["felix.txt", "garfield.txt", "tom.txt"]


def test_json_is_one_value(lading: Lading, two: Path) -> None:
    found = lading("diff", "cats:v0", ":v1", "--json").json

    assert (found["old"], found["new"]) == ("ann/pets/cats:v0", "ann/pets/cats:v1")
    assert [(each["path"], each["change"]) for each in found["changes"]] == [
        ("felix.txt", "removed"),
        ("garfield.txt", "added"),
        ("tom.txt", "modified"),
    ]
    assert found["changes"][1]["old_digest"] is None
    assert (found["added"], found["modified"], found["removed"], found["modified_bytes"]) == (1, 1, 1, 10)


def test_no_difference(lading: Lading, two: Path) -> None:
    answer = lading("diff", "cats:v1", ":latest", "--exit-code")

    assert (answer.code, answer.out, answer.err) == (0, "", "no difference\n")
    assert lading("diff", "cats:v1", ":latest", "--json").json["changes"] == []


def test_the_exit_code_tells_if_asked(lading: Lading, two: Path) -> None:
    assert lading("diff", "cats:v0", ":v1", "--exit-code").code == 1


def test_digests_of_different_kinds_cannot_be_compared(lading: Lading, cats: Path) -> None:
    lading("put", "cats")
    lading("put", "cats", "-n", "sha", "--digest", "SHA256")
    answer = lading("diff", "cats", "sha")

    assert answer.code == 1
    assert "cannot be compared" in answer.err
