"""`lading get` and `lading cat` of what lies elsewhere, and of what strangers refer to."""

from pathlib import Path

from lading.testing.http_server import HttpServer

from .conftest import Lading


def test_what_is_gone_is_left_out_when_asked(lading: Lading, tmp_path: Path) -> None:
    with HttpServer({"/a": b"a", "/b": b"b"}) as web:
        lading("put", "-n", "far", "--reference", f"{web.url}/a", "--reference", f"{web.url}/b")
        del web.objects["/a"]

        refused = lading("get", "far", "--root", "out")
        allowed = lading("get", "far", "--root", "out", "--allow-missing-references")

    assert (refused.code, allowed.code) == (1, 0)
    assert "--allow-missing-references" in refused.err
    assert "warning: a is missing, and left out" in allowed.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]


def test_what_strangers_refer_to_on_this_machine_is_followed_when_asked(lading: Lading, cats: Path, tmp_path: Path) -> None:
    """DESIGN 5, Trust."""
    lading("put", "-n", "them/p/bait", "--reference", f"tom={(cats / 'tom.txt').as_uri()}")

    refused = [lading("get", "them/p/bait", "--root", "out"), lading("cat", "them/p/bait:latest/tom")]
    got = lading("get", "them/p/bait", "--root", "out", "--allow-local-references")
    again = lading("get", "them/p/bait", "--root", "again", "--checkout", "--allow-local-references")
    shown = lading("cat", "them/p/bait:latest/tom", "--allow-local-references")

    assert [answer.code for answer in refused] == [1, 1]
    assert all("--allow-local-references" in answer.err for answer in refused)
    assert (got.code, again.code, shown.out) == (0, 0, "tomtomtom")
    assert (tmp_path / "out/tom").read_text() == (tmp_path / "again/tom").read_text() == "tomtomtom"


def test_what_does_not_go_together_is_said(lading: Lading) -> None:
    for arguments in (["x", "--checkout", "--allow-missing-references"], ["--pinned", "--allow-local-references"]):
        assert lading("get", *arguments).code == 2
