from pathlib import Path

import pytest

from .conftest import Lading


def test_a_version_is_downloaded_and_the_folder_printed(lading: Lading, two: Path, tmp_path: Path) -> None:
    answer = lading("get", "cats:v0", "--root", "out")

    assert answer.out == f"{tmp_path}/out\n"
    assert answer.err.startswith("3 files, 30 B in ")
    assert (tmp_path / "out/felix.txt").read_text() == "felix"


def test_the_default_folder_is_named_after_the_version(lading: Lading, two: Path, tmp_path: Path) -> None:
    assert lading("get", "cats").out == f"{tmp_path}/artifacts/cats:v1\n"


def test_files_that_are_there_are_kept(lading: Lading, two: Path) -> None:
    lading("get", "cats")

    record = lading("get", "cats", "--json").json

    assert record["transfer"]["files_reused"] == record["transfer"]["files"] == 3
    assert (record["name"], record["path"].rpartition("/")[2]) == ("cats:v1", "cats:v1")


def test_rehash_finds_a_change_that_the_index_cannot_see(lading: Lading, two: Path, tmp_path: Path) -> None:
    lading("get", "cats")
    (tmp_path / "artifacts/cats:v1/garfield.txt").write_text("h")

    assert lading("get", "cats", "--rehash", "--json").json["transfer"]["files_reused"] == 2


def test_a_prefix_takes_a_part(lading: Lading, two: Path, tmp_path: Path) -> None:
    lading("get", "cats", "--path-prefix", "wild/", "--root", "out")

    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["lynx.txt"]


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_prefix_that_matches_nothing_is_an_error(lading: Lading, two: Path, dry: list[str]) -> None:
    answer = lading("get", "cats", "--path-prefix", "dogs/", "--root", "out", *dry)

    assert (answer.code, answer.out) == (1, "")
    assert not Path("out").exists()
    assert answer.err == "error: no path in ann/pets/cats:v1 starts with 'dogs/'\nhint: lading ls ann/pets/cats:v1\n"


def test_a_checkout_removes_what_is_not_in_the_version(lading: Lading, two: Path, tmp_path: Path) -> None:
    lading("get", "cats:v0", "--checkout")
    lading("get", "cats:v1", "--checkout")

    found = sorted(path.name for path in (tmp_path / "artifacts/cats").rglob("*") if path.is_file())

    assert found == ["garfield.txt", "lynx.txt", "tom.txt"]


def test_a_dry_run_says_what_would_be_fetched_and_removed(lading: Lading, two: Path, tmp_path: Path) -> None:
    lading("get", "cats:v0", "--root", "out")
    answer = lading("get", "cats:v1", "--root", "out", "--checkout", "--dry-run", "--json")

    assert (answer.json["files"], answer.json["files_reused"], answer.json["removed"]) == (3, 1, ["felix.txt"])
    assert (
        answer.err == "dry run: 2 files, 11 B would be fetched; 1 file, 16 B are there already; 1 other file would be removed\n"
    )
    assert not (tmp_path / "out/garfield.txt").exists()


def test_another_type_is_an_error(lading: Lading, two: Path) -> None:
    answer = lading("get", "cats", "--type", "model")

    assert answer.code == 1
    assert "Expected artifact cats:v1 to be of type model; found dataset" in answer.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cats:best", "alias 'best' not found in ann/pets/cats"),
        ("cats:a/b:c", "alias 'a/b:c' not found in ann/pets/cats"),
        ("cats:v7", "version 'v7' not found in ann/pets/cats"),
        ("dogs", "collection 'dogs' not found in ann/pets"),
        ("nope/cats", "project 'nope' not found in ann"),
        ("bob/pets/cats", "entity 'bob' not found"),
    ],
)
def test_what_is_unknown_is_named(lading: Lading, two: Path, name: str, said: str) -> None:
    answer = lading("get", name)

    assert answer.code == 1
    assert answer.err.splitlines()[0] == f"error: {said}"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_checkout_over_what_it_must_not_empty_is_refused(lading: Lading, two: Path, home: Path, dry: list[str]) -> None:
    answer = lading("get", "cats", "--root", str(home), "--checkout", *dry)

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"error: checkout would empty {home}")


def test_a_checkout_of_a_part_is_refused(lading: Lading, two: Path) -> None:
    assert lading("get", "cats", "--checkout", "--path-prefix", "x").code == 2


def test_it_says_what_bound_it_when_asked(lading: Lading, two: Path) -> None:
    answer = lading("get", "cats", "--root", "out", "--explain", "--json")

    assert answer.json["bound_by"] in ("disk", "cpu", "nothing")
    assert "bound by " in answer.err
