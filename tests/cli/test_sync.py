import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.store.http.connection import close_idle
from lading.testing.s3_server import Refuse, S3Server
from lading.testing.trees import read_tree, write_tree

from .conftest import Lading

Shell = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    write_tree(tmp_path / "x", {"a": b"a", "new": b"new", "sub/b": b"b"})
    write_tree(tmp_path / "y", {"a": b"a", "gone": b"gone", "old/gone": b"g", "kept.log": b"k"})
    return tmp_path


def test_what_is_missing_is_copied_and_the_rest_stays(lading: Lading, trees: Path) -> None:
    answer = lading("sync", "x/", "y")

    assert answer.out == ""
    assert "2 files, 4 B in " in answer.err
    assert "; 1 file, 1 B were there already" in answer.err
    assert set(read_tree(trees / "y")) == {"a", "new", "sub/b", "gone", "old/gone", "kept.log"}


def test_delete_makes_the_destination_the_same_but_for_what_is_left_out(lading: Lading, trees: Path) -> None:
    answer = lading("sync", "--delete", "x/", "y", "--exclude", "*.log")
    again = lading("sync", "--delete", "x/", "y", "--exclude", "*.log", "--json")

    assert answer.lines == ["delete y/gone", "delete y/old/gone"]
    assert "; 2 files deleted" in answer.err
    assert read_tree(trees / "y") == {"a": b"a", "new": b"new", "sub/b": b"b", "kept.log": b"k"}
    assert (again.json["deleted"], again.json["transfer"]["files_reused"]) == ([], 3)


def test_a_dry_run_changes_nothing(lading: Lading, trees: Path) -> None:
    before = read_tree(trees)

    answer = lading("sync", "--delete", "--dry-run", "x/", "y")

    assert answer.lines == ["copy x/new y/new", "copy x/sub/b y/sub/b", "delete y/gone", "delete y/kept.log", "delete y/old/gone"]
    assert answer.err == "dry run: 2 files, 4 B would be copied; 3 files would be deleted\n"
    assert read_tree(trees) == before


def test_what_is_newer_is_copied_unless_size_is_all_that_counts(lading: Lading, trees: Path) -> None:
    (trees / "x/a").write_bytes(b"A")
    os.utime(trees / "y/a", (1, 1))

    by_size = lading("sync", "--size-only", "--json", "x/", "y").json
    first = (trees / "y/a").read_bytes()
    by_time = lading("sync", "--json", "x/", "y").json

    assert (by_size["transfer"]["files_reused"], first) == (1, b"a")
    assert (by_time["transfer"]["files_reused"], (trees / "y/a").read_bytes()) == (2, b"A")


def test_to_a_bucket_and_back(lading: Lading, trees: Path) -> None:
    with S3Server() as server:
        options = ("--anonymous", "--endpoint", server.url)
        lading("cp", *options, "y/gone", "s3://bucket/p/gone")

        up = lading("sync", *options, "--delete", "x/", "s3://bucket/p")
        again = lading("sync", *options, "--json", "--delete", "x/", "s3://bucket/p")
        down = lading("sync", *options, "--delete", "s3://bucket/p/", "y")
        close_idle()

        assert up.lines == ["delete s3://bucket/p/gone"]
        assert sorted(server.bucket.objects) == ["p/a", "p/new", "p/sub/b"]
        assert again.json["transfer"]["files_reused"] == 3
        assert down.code == 0
        assert read_tree(trees / "y") == read_tree(trees / "x")


def test_nothing_is_deleted_where_the_listing_fails(lading: Lading, trees: Path) -> None:
    with S3Server() as server:
        server.fail("list", Refuse(403, "AccessDenied"))

        answer = lading("sync", "--anonymous", "--endpoint", server.url, "--delete", "s3://bucket/p/", "y")
        close_idle()

        assert (answer.code, answer.out) == (1, "")
        assert set(read_tree(trees / "y")) == {"a", "gone", "old/gone", "kept.log"}


def test_an_empty_prefix_deletes_nothing(lading: Lading, trees: Path) -> None:
    with S3Server() as server:
        answer = lading("sync", "--anonymous", "--endpoint", server.url, "--delete", "s3://bucket/typo/", "y")
        close_idle()

        assert answer.code == 1
        assert "s3://bucket/typo/: no such object in s3://bucket" in answer.err
        assert "gone" in read_tree(trees / "y")


def test_one_file_has_nothing_to_delete_beside_it(lading: Lading, trees: Path) -> None:
    answer = lading("sync", "--delete", "x/a", "y/")

    assert answer.code == 1
    assert "x/a is one object" in answer.err


def test_an_interrupt_leaves_nothing_half_copied(shell: Shell, trees: Path) -> None:
    os.mkfifo(trees / "list")
    child = shell("cp", "--batch", "list")
    with (trees / "list").open("w"):  # now it reads, and waits for the rest
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)

    assert child.returncode == 130
    assert "interrupted; nothing half-written was left" in told
