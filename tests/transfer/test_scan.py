"""Scanning a folder: everything in it, or an error that names what cannot be."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import InvalidValueError, LocalFileError
from lading.manifest.paths import artifact_path
from lading.testing.trees import write_tree
from lading.transfer.local import local_file
from lading.transfer.scan import scan


def names(root: Path, *ignore: str) -> list[str]:
    return [path for path, _ in scan(str(root), ignore)]


def test_files_are_found_in_sorted_order_folder_by_folder(tmp_path: Path) -> None:
    write_tree(tmp_path, {"b": b"", "a/2": b"", "a/1/x": b"", "é": b"", "Z": b"", ".hidden": b"", "a/10": b""})
    (tmp_path / "empty").mkdir()

    assert names(tmp_path) == [".hidden", "Z", "a/1/x", "a/10", "a/2", "b", "é"]


def test_a_file_comes_with_its_place_and_stamp(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/1": b"12345"})

    assert list(scan(str(tmp_path))) == [("a/1", local_file(str(tmp_path / "a" / "1")))]


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"root/a": b"1", "elsewhere/b": b"22"})
    (tmp_path / "root" / "file").symlink_to(tmp_path / "elsewhere" / "b")
    (tmp_path / "root" / "one").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "two").symlink_to(tmp_path / "elsewhere")

    assert names(tmp_path / "root") == ["a", "file", "one/b", "two/b"]


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    write_tree(tmp_path, {"root/a": b"1"})
    (tmp_path / "link").symlink_to("root")

    assert names(tmp_path / "link") == ["a"]


@pytest.mark.parametrize("target", ["..", "../..", "."])
def test_a_loop_of_links_is_named(tmp_path: Path, target: str) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "back").symlink_to(target)

    with pytest.raises(InvalidValueError, match=r"a/back is a link back to .*: a loop"):
        names(tmp_path / "root" if target != "../.." else tmp_path)


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to("self")

    with pytest.raises(LocalFileError, match="self: Too many levels of symbolic links"):
        names(tmp_path)


def test_a_broken_link_is_named_with_its_target(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")

    with pytest.raises(LocalFileError, match="broken: a link to 'nowhere', which does not exist"):
        names(tmp_path)


def test_what_is_neither_file_nor_folder_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InvalidValueError, match="pipe is neither a file nor a folder"):
        names(tmp_path)


def test_a_socket_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")

        with pytest.raises(InvalidValueError, match="socket is neither a file nor a folder"):
            names(tmp_path)


def test_troubles_can_be_ignored(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": b"1"})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "back").symlink_to(".")

    assert names(tmp_path, "pipe", "broken", "self", "back/") == ["a"]


def test_patterns_are_those_of_gitignore(tmp_path: Path) -> None:
    write_tree(
        tmp_path, dict.fromkeys(["a.log", "b.txt", "sub/c.log", "sub/keep.log", "cache/x", "deep/cache/y", "cache.txt"], b"")
    )

    assert names(tmp_path, "*.log", "!keep.log", "cache/") == ["b.txt", "cache.txt", "sub/keep.log"]
    assert names(tmp_path, "/cache/") == [name for name in names(tmp_path) if name != "cache/x"]


def test_an_ignore_file_counts_before_the_patterns_and_is_left_out(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {".ladingignore": b"# a comment\n\n*.log\n", "a.log": b"", "b.log": b"", "c": b"", "sub/.ladingignore": b"c"}
    )

    assert names(tmp_path) == ["c", "sub/.ladingignore"]
    assert names(tmp_path, "!b.log", "c") == ["b.log", "sub/.ladingignore"]


def test_an_ignore_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".ladingignore").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(LocalFileError, match=r"\.ladingignore"):
        names(tmp_path)


def test_ladings_own_temporary_files_are_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {".lading-abc": b"", "a/.lading-def/x": b"", "a/b": b""})

    assert names(tmp_path) == ["a/b"]


def test_a_folder_that_may_not_be_read_is_named(nobody: Path) -> None:
    (nobody / "secret").mkdir(mode=0)

    with pytest.raises(LocalFileError, match=r"secret: Permission denied\n  hint: "):
        names(nobody)

    (nobody / "secret").chmod(0o700)


def test_a_root_that_is_not_there_or_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for name in ("none", "file"):
        with pytest.raises(LocalFileError, match=f"{tmp_path}/{name}"):
            names(tmp_path / name)


def test_a_name_that_is_not_utf8_is_no_artifact_path(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()

    (name,) = names(tmp_path)

    with pytest.raises(InvalidValueError, match="it is not UTF-8"):
        artifact_path(name)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder whose folders are nested as deep as paths go."""
    top = tmp_path / "deep"
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range((4000 - len(str(top))) // 2):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    yield top
    subprocess.run(["rm", "-rf", str(top)], check=True)  # Python's own way ends at the same depth


def test_folders_that_are_nested_too_deep_are_an_error_of_their_own(deep: Path) -> None:
    with pytest.raises(LocalFileError, match="nested too deep"):
        list(scan(str(deep)))
