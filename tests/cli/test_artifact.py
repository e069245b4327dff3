"""`lading artifact`: the commands of W&B."""

from pathlib import Path

import pytest

from .conftest import Lading


def test_the_commands_of_wandb(lading: Lading, cats: Path, tmp_path: Path) -> None:
    """SEMANTICS 1.4: `wandb artifact put PATH --name/-n --description/-d --type/-t --alias/-a`, `get PATH [--root] [--type]`,
    which "prints "Artifact downloaded to …"", `ls PATH [--type/-t]`; seed 003: `wandb artifact get project/artifact:alias --root
    mnist/`."""
    put = lading("artifact", "put", "-n", "zoo/cats", "-d", "text", "-t", "photos", "-a", "best", "--skip_cache", "cats")
    got = lading("artifact", "get", "zoo/cats:best", "--root", "mnist/", "--type", "photos")
    listed = lading("artifact", "ls", "ann/zoo", "-t", "photos")

    assert put.out == "ann/zoo/cats:v0\n"
    assert got.out == f"Artifact downloaded to {tmp_path}/mnist\n"
    assert listed.lines[1].split()[:2] == ["cats", "photos"]
    assert lading("info", "zoo/cats", "--json").json["description"] == "text"


def test_the_long_options_and_defaults_of_wandb(lading: Lading, cats: Path, tmp_path: Path) -> None:
    """SEMANTICS 1.4: "--type/-t(dataset)", "--alias/-a(multi, default latest)", "default alias latest"."""
    lading("artifact", "put", "cats", "--name", "cats", "--description", "d", "--alias", "a", "--alias", "latest", "--alias", "b")
    got = lading("artifact", "get", "cats")

    assert got.out == f"Artifact downloaded to {tmp_path}/artifacts/cats:v0\n"
    info = lading("info", "cats", "--json").json
    assert (info["type"], sorted(info["aliases"])) == ("dataset", ["a", "b", "latest"])


def test_a_run_is_continued_by_its_id(lading: Lading, cats: Path) -> None:
    """SEMANTICS 1.4: "--id --resume --skip_cache --policy mutable|immutable"."""
    lading("artifact", "put", "cats", "--id", "run7", "--resume", "--policy", "immutable")

    assert lading("info", "cats", "--json").json["logged_by"]["id"] == "run7"


def test_what_does_nothing_says_so(lading: Lading, cats: Path) -> None:
    assert "--resume does nothing" in lading("artifact", "put", "cats", "--resume").err


@pytest.mark.parametrize("option", [[], ["--remove-temp"], ["--no-remove-temp"]])
def test_of_a_cache_there_is_nothing_to_clean(lading: Lading, cats: Path, option: list[str]) -> None:
    """SEMANTICS 1.4: `wandb artifact cache cleanup TARGET_SIZE [--remove-temp/--no-remove-temp]`, "prints "Reclaimed X of
    space""; 3 (#2690, #1193): "cache unbounded"."""
    answer = lading("artifact", "cache", "cleanup", "10GB", *option)

    assert (answer.code, answer.out) == (0, "Reclaimed 0 B of space\n")
    assert "there is no cache" in answer.err


def test_json_is_there_as_well(lading: Lading, cats: Path) -> None:
    assert lading("artifact", "put", "cats", "--json").json["name"] == "cats:v0"
    assert lading("artifact", "get", "cats", "--json").json["path"].endswith("cats:v0")
    assert lading("artifact", "cache", "cleanup", "1GB", "--json").json == {"reclaimed": 0}
