"""`lading pin` and `lading get --pinned`: the same bytes, wherever aliases went."""

from pathlib import Path

import pytest

from .conftest import Lading


@pytest.fixture
def lock(lading: Lading, two: Path, tmp_path: Path) -> Path:
    """`cats:first` (v0) and `cats:latest` (v1), pinned; `first` moves on."""
    path = tmp_path / "lading.lock"
    path.write_text(lading("pin", "cats:first", "ann/pets/cats").out)
    lading("alias", "add", "cats:v1", "first")
    return path


def test_pinned_versions_are_downloaded_whatever_the_aliases_say(lading: Lading, lock: Path, tmp_path: Path) -> None:
    answer = lading("get", "--pinned", "cats:first", "--root", "out")

    assert answer.lines == [str(tmp_path / "out/cats")]
    assert (tmp_path / "out/cats/tom.txt").read_text() == "tom" * 3


def test_without_a_name_all_are_downloaded_to_their_folders(lading: Lading, lock: Path, tmp_path: Path) -> None:
    answer = lading("get", "--pinned", "--json")

    assert [each["path"] for each in answer.json] == [str(tmp_path / f"artifacts/cats:v{n}") for n in (0, 1)]
    assert [each["pinned"] for each in answer.json] == ["first", "latest"]


def test_a_checkout_takes_away_what_is_not_pinned(lading: Lading, lock: Path, tmp_path: Path) -> None:
    (tmp_path / "out/cats").mkdir(parents=True)
    (tmp_path / "out/cats/stranger").touch()

    lading("get", "--pinned", "cats:latest", "--root", "out", "--checkout")

    assert not (tmp_path / "out/cats/stranger").exists()


def test_another_content_under_that_number_is_refused(lading: Lading, lock: Path, tmp_path: Path) -> None:
    text = lock.read_text()
    digest = text.partition('digest = "')[2][:64]
    lock.write_text(text.replace(digest, "0" * 64))

    answer = lading("get", "--pinned", "--root", "out")

    assert (answer.code, "Digest mismatch for ann/pets/cats:v0" in answer.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_json_of_pin_is_the_pins(lading: Lading, two: Path) -> None:
    (found,) = lading("pin", "cats:v0", "--json").json

    assert (found["name"], found["alias"], found["version"], len(found["digest"])) == ("ann/pets/cats", "v0", "v0", 64)


def test_a_missing_lock_file_has_a_hint(lading: Lading) -> None:
    answer = lading("get", "--pinned", "--lock", "no.lock")

    assert (answer.code, "lading pin NAME:ALIAS > no.lock" in answer.err) == (1, True)


@pytest.mark.parametrize("args", [[], ["cats", "cats"], ["--pinned", "--dry-run"], ["--pinned", "--path-prefix", "a"]])
def test_get_needs_one_name_or_pinned(lading: Lading, args: list[str]) -> None:
    assert lading("get", *args).code == 2
