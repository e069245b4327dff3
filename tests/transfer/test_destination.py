"""A destination: opened folder by folder, never out of it."""

from pathlib import Path

import pytest

from lading.errors import LocalFileError
from lading.transfer.destination import Destination


@pytest.mark.parametrize("below", ["..", "a/..", "../x", ".", "a/./b", "/", "/etc", "a//b"])
def test_a_folder_that_is_not_below_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(LocalFileError, match="is no folder below"), Destination(str(tmp_path)).folder(below):
        pass

    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    with Destination(str(tmp_path)).folder("a/b/c"):
        pass

    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_folder_that_is_not_to_be_made_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Destination(str(tmp_path)).folder("a/b", make=False):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path)

    with pytest.raises(LocalFileError, match="'a' is a link or a file"), Destination(str(tmp_path)).folder("a/b"):
        pass


@pytest.mark.parametrize("root", ["file", "file/below", "broken"])
def test_what_is_no_folder_is_no_destination(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "broken").symlink_to("nowhere")

    with pytest.raises(LocalFileError, match=f"/{root}: a file or a broken link is where a folder belongs") as caught:
        Destination(str(tmp_path / root)).make()

    assert caught.value.hint == "name another folder"
    assert (tmp_path / "file").read_text() == "x"
