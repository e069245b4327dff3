from pathlib import Path

from .conftest import Lading


def test_the_commands_of_wandb(lading: Lading, cats: Path, tmp_path: Path) -> None:
    put = lading("artifact", "put", "-n", "zoo/cats", "-d", "text", "-t", "photos", "-a", "best", "--skip_cache", "cats")
    got = lading("artifact", "get", "zoo/cats:best", "--root", "out", "--type", "photos")
    listed = lading("artifact", "ls", "ann/zoo", "-t", "photos")

    assert put.out == "ann/zoo/cats:v0\n"
    assert got.out == f"Artifact downloaded to {tmp_path}/out\n"
    assert listed.lines[1].split()[:2] == ["cats", "photos"]


def test_a_run_is_continued_by_its_id(lading: Lading, cats: Path) -> None:
    lading("artifact", "put", "cats", "--id", "run7", "--policy", "immutable")

    assert lading("info", "cats", "--json").json["logged_by"]["id"] == "run7"


def test_what_does_nothing_says_so(lading: Lading, cats: Path) -> None:
    assert "--resume does nothing" in lading("artifact", "put", "cats", "--resume").err


def test_json_is_there_as_well(lading: Lading, cats: Path) -> None:
    assert lading("artifact", "put", "cats", "--json").json["name"] == "cats:v0"
    assert lading("artifact", "get", "cats", "--json").json["path"].endswith("cats:v0")
