"""`lading put` of what lies elsewhere."""

from pathlib import Path

import pytest

from lading.testing.http_server import HttpServer

from .conftest import Lading


def listed(lading: Lading, name: str) -> dict[str, str | None]:
    return {each["path"]: each["ref"] for each in lading("ls", f"{name}:latest", "--json").json}


def test_references_are_logged_under_paths_of_their_own_or_given(lading: Lading, cats: Path, tmp_path: Path) -> None:
    """Nothing is sent, and a download brings what lies there."""
    with HttpServer({"/model.bin": b"weights"}) as web:
        uri = f"{web.url}/model.bin"
        answer = lading("put", "-n", "far", "--reference", uri, "--reference", f"in/all={cats.as_uri()}")
        got = lading("get", "far", "--root", "out")

    assert (answer.code, answer.out) == (0, "ann/pets/far:v0\n")
    assert "4 references, whose bytes stay where they are" in answer.err
    assert "stored already" not in answer.err
    found = listed(lading, "far")
    assert (found["model.bin"], found["in/all/tom.txt"]) == (uri, (cats / "tom.txt").as_uri())
    assert got.code == 0
    assert (tmp_path / "out/model.bin").read_bytes() == b"weights"
    assert (tmp_path / "out/in/all/felix.txt").read_text() == "felix"


def test_files_and_references_make_one_version(lading: Lading, cats: Path) -> None:
    answer = lading("put", "cats", "--reference", "shelf=ref://inventory/4711")
    again = lading("put", "cats", "--reference", "shelf=ref://inventory/4711", "--dry-run", "--json").json

    assert (answer.out, listed(lading, "cats")["shelf"]) == ("ann/pets/cats:v0\n", "ref://inventory/4711")
    assert "4 files" in answer.err
    assert "1 reference," in answer.err
    assert (again["unchanged"], again["files"], again["references"]) == (True, 3, 1)


def test_without_checksum_nothing_is_asked(lading: Lading) -> None:
    with HttpServer({"/a": b"a"}) as web:
        record = lading("put", f"{web.url}/a", "--no-checksum", "--json").json

    assert (record["name"], web.seen) == ("a:v0", [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-objects", "2", "--reference", "file://{cats}", "-n", "x"], "Exceeded 2 objects tracked"),
        (["--reference", "ref://inventory/4711", "-n", "x"], "has no name of its own"),
        (["--reference", "no-uri", "-n", "x"], "References must be URIs"),
        ([], "Missing argument 'PATH', or --reference URI"),
    ],
)
def test_what_cannot_be_referred_to_is_said(lading: Lading, cats: Path, arguments: list[str], said: str) -> None:
    answer = lading("put", *(each.format(cats=cats) for each in arguments))

    assert answer.code != 0
    assert said in answer.err
