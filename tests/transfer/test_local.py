"""Local files: what identifies them, and errors that name them."""

import errno
import os
from pathlib import Path

import pytest

from lading.errors import DiskFullError, FileChangedError, LocalFileError
from lading.transfer.local import check_unchanged, local_error, local_errors, local_file


def test_a_pipe_or_a_folder_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(LocalFileError, match="is no regular file"):
            local_file(str(path))


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")

    assert local_file(str(tmp_path / "link")).stamp == local_file(str(tmp_path / "file")).stamp


def test_the_execute_bit_of_the_owner_counts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o644)
    before = local_file(str(path)).executable
    path.chmod(0o744)

    assert [before, local_file(str(path)).executable] == [False, True]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match=f"{tmp_path}/none: no such file"):
        local_file(str(tmp_path / "none"))


def test_a_chmod_is_no_change_but_a_write_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    was = local_file(str(path)).stamp
    path.chmod(0o600)
    check_unchanged("file", was, path.stat())
    path.write_bytes(b"22")

    with pytest.raises(FileChangedError, match="file: changed while"):
        check_unchanged("file", was, path.stat())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_from_other_troubles(number: int) -> None:
    error = local_error(OSError(number, os.strerror(number)), "/data/file")

    assert isinstance(error, DiskFullError)
    assert str(error).startswith("/data/file: the disk is full")


def test_a_temporary_name_below_an_open_folder_is_not_shown() -> None:
    error = local_error(PermissionError(errno.EACCES, "Permission denied", ".lading-abc"), "/data/file")

    assert error.message == "/data/file: Permission denied"
    assert not isinstance(error, DiskFullError)


def test_our_own_errors_pass() -> None:
    with pytest.raises(FileChangedError), local_errors("x"):
        raise FileChangedError("y", what="changed")
