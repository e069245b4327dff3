"""`lading export` and `lading import`."""

from pathlib import Path

import pytest

from .conftest import Lading


def test_a_project_goes_out_and_in(lading: Lading, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = lading("export", "pets", "out", "--json").json
    again = lading("export", "ann/pets", "out", "--name", "cats")
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "other"))
    forecast = lading("import", "out", "--dry-run")
    done = lading("import", "out", "bob/zoo")
    known = lading("import", "out", "bob/zoo", "--json").json

    assert (out["versions"], out["files"], out["project"]) == (2, 6, "pets")
    assert again.out == "out\n"
    assert (tmp_path / "out/cats/v0/tom.txt").read_text() == "tom" * 3
    assert forecast.lines == ["ann/pets/cats:v0", "ann/pets/cats:v1"]
    assert done.lines == ["bob/zoo/cats:v0", "bob/zoo/cats:v1"]
    assert known == {"dry_run": False, "versions": [], "known": done.lines, "problems": []}
    (found,) = (each for each in lading("ls", "bob/zoo/cats", "--json").json if each["version"] == "v0")
    assert found["aliases"] == ["first"]


def test_what_cannot_be_imported_is_exit_code_1(lading: Lading, two: Path, tmp_path: Path) -> None:
    lading("export", "pets", "out")
    (tmp_path / "out/cats/v0/tom.txt").write_text("altered")

    answer = lading("import", "out", "zoo")

    assert (answer.code, answer.lines) == (1, ["ann/zoo/cats:v1"])
    assert "Digest mismatch for tom.txt" in answer.err


def test_references_to_this_machine_are_imported_when_asked(
    lading: Lading, cats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 5, Trust: an export can be anybody's work."""
    lading("put", "-n", "far", "--reference", (cats / "tom.txt").as_uri())
    lading("export", "pets", "out")
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "other"))

    refused = lading("import", "out")
    taken = lading("import", "out", "--allow-local-references")

    assert (refused.code, refused.out) == (1, "")
    assert "tom.txt is a file of this machine (--allow-local-references" in refused.err
    assert (taken.code, taken.lines) == (0, ["ann/pets/far:v0"])
