import json
import os
from pathlib import Path

import pytest

from .conftest import Lading


def test_a_folder_becomes_a_version_and_only_its_name_is_printed(lading: Lading, cats: Path) -> None:
    answer = lading("put", "cats", "--name", "kittens")

    assert answer.code == 0
    assert answer.out == "ann/pets/kittens:v0\n"
    assert "3 files, 30 B in " in answer.err


def test_a_file_becomes_a_version_with_one_entry(lading: Lading, cats: Path) -> None:
    lading("put", "cats/tom.txt", "-n", "tom")

    assert [each["path"] for each in lading("ls", "tom:latest", "--json").json] == ["tom.txt"]


@pytest.mark.parametrize("command", [("put",), ("artifact", "put")])
def test_that_a_file_can_be_read_is_found_out_by_reading_it(
    lading: Lading, cats: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """What a file's permissions say is not the command line's fault, and not the last word on every file system."""

    def access(path: str, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", access)

    assert lading(*command, "cats/tom.txt", "-n", "tom").code == 0


def test_the_name_may_say_entity_and_project(lading: Lading, cats: Path) -> None:
    assert lading("put", "cats", "-n", "zoo/animals/cats").out == "zoo/animals/cats:v0\n"


def test_without_a_name_the_base_name_of_the_path_is_taken(lading: Lading, cats: Path) -> None:
    assert lading("put", "./cats/").out == "ann/pets/cats:v0\n"


def test_everything_that_can_be_said_of_a_version_is_kept(lading: Lading, cats: Path) -> None:
    options = [
        "-t",
        "photos",
        "-d",
        "all of them",
        "--metadata",
        '{"n": 3}',
        "-a",
        "best",
        "-a",
        "latest",
        "--tag",
        "soft",
        "--digest",
        "MD5",
    ]
    record = lading("put", "cats", *options, "--json").json

    assert record["type"] == "photos"
    assert record["description"] == "all of them"
    assert record["metadata"] == {"n": 3}
    assert sorted(record["aliases"]) == ["best", "latest"]
    assert record["tags"] == ["soft"]
    assert record["digest_algorithm"] == "MD5"
    assert (record["name"], record["version"], record["file_count"], record["size"]) == ("cats:v0", "v0", 3, 30)
    assert record["created"] is True
    assert record["transfer"]["files_reused"] == 0


def test_it_is_logged_by_a_run(lading: Lading, cats: Path) -> None:
    lading("put", "cats")

    assert lading("info", "cats", "--json").json["logged_by"]["job_type"] == "put"


def test_equal_content_makes_no_new_version(lading: Lading, cats: Path) -> None:
    lading("put", "cats")
    answer = lading("put", "cats", "--alias", "again")

    assert answer.out == "ann/pets/cats:v0\n"
    assert answer.err.startswith("unchanged: is v0 (3 files, 30 B")
    assert "again" in lading("info", "cats").out


def test_a_warning_is_said_in_the_same_manner(lading: Lading, cats: Path) -> None:
    lading("put", "cats")

    assert "warning: ann/pets/cats:v0 has this content already" in lading("put", "cats", "-d", "other").err
    assert lading("put", "cats", "-d", "other", "-q").err == ""


def test_what_is_stored_already_is_not_sent_again(lading: Lading, cats: Path) -> None:
    lading("put", "cats")
    (cats / "new.txt").write_text("new")
    answer = lading("put", "cats")

    assert answer.out == "ann/pets/cats:v1\n"
    assert "; 3 files, 30 B were stored already" in answer.err


def test_patterns_leave_files_out(lading: Lading, cats: Path) -> None:
    assert lading("put", "cats", "--ignore", "wild/", "--ignore", "t*", "--json").json["file_count"] == 1


def test_quiet_says_nothing_but_the_name(lading: Lading, cats: Path) -> None:
    assert (lading("put", "cats", "-q").err, lading("-q", "put", "cats").err) == ("", "")


def test_a_dry_run_says_what_would_be_sent_and_logs_nothing(lading: Lading, cats: Path) -> None:
    lading("put", "cats")
    (cats / "new.txt").write_text("new")
    answer = lading("put", "cats", "--dry-run", "--json")

    assert (answer.json["files"], answer.json["files_reused"], answer.json["bytes_reused"]) == (4, 3, 30)
    assert (answer.json["unchanged"], answer.json["latest"]) == (False, "cats:v0")
    assert "dry run: 1 file, 3 B would be sent; 3 files, 30 B are in the latest version already" in answer.err
    assert len(lading("ls", "pets/cats", "--json").json) == 1


def test_a_dry_run_of_equal_content_says_so(lading: Lading, cats: Path) -> None:
    lading("put", "cats")

    assert "dry run: unchanged, is v0" in lading("put", "cats", "--dry-run").err


def test_a_dry_run_counts_equal_files_once(lading: Lading, cats: Path) -> None:
    (cats / "copy.txt").write_text("felix")
    answer = lading("put", "cats", "--dry-run", "--json").json

    assert (answer["files"], answer["files_reused"], answer["latest"]) == (4, 1, None)


def test_a_path_that_is_not_there_is_named(lading: Lading) -> None:
    answer = lading("put", "nowhere")

    assert (answer.code, answer.out, answer.err) == (1, "", "error: nowhere: no such file or folder\n")


def test_all_that_is_wrong_is_said_before_anything_is_done(lading: Lading, home: Path) -> None:
    answer = lading("put", "nowhere", "-n", "a/b/c/d", "-a", "x:y", "--metadata", "[", "--tag", "!")

    assert answer.code == 1
    assert answer.err.count("error: ") == 5
    assert not home.exists()


def test_all_that_is_wrong_is_one_line_of_json(lading: Lading) -> None:
    error = json.loads(lading("put", "nowhere", "-n", "a/b/c/d", "--json").err)

    assert error["error"] == {"code": "local-file", "message": "nowhere: no such file or folder", "hint": None}
    assert [each["code"] for each in error["errors"]] == ["local-file", "invalid-value"]


def test_an_alias_in_the_name_is_refused_with_a_hint(lading: Lading, cats: Path) -> None:
    answer = lading("put", "cats", "-n", "cats:best")

    assert answer.code == 1
    assert "hint: --alias gives aliases" in answer.err


def test_another_type_is_refused(lading: Lading, cats: Path) -> None:
    lading("put", "cats")
    answer = lading("put", "cats", "-t", "model")

    assert answer.code == 1
    assert "already exists with type 'dataset'" in answer.err


def test_it_says_what_bound_it_when_asked(lading: Lading, cats: Path) -> None:
    (cats / "large").write_bytes(bytes(9 << 20))

    assert "bound by" in lading("put", "cats", "--explain").err
    assert "bound by" not in lading("put", "cats", "-n", "other").err
    (cats / "large").write_bytes(bytes(10 << 20))  # there is something to do again, also for who trusts the index by now
    assert lading("put", "cats", "-n", "third", "--explain", "--json").json["bound_by"] in ("disk", "cpu")


def test_of_a_uri_references_are_logged(lading: Lading, cats: Path, tmp_path: Path) -> None:
    put = lading("put", cats.as_uri(), "--name", "there")
    got = lading("get", "there", "--root", "out")

    assert (put.code, put.out) == (0, "ann/pets/there:v0\n")
    entries = {entry["path"]: entry["ref"] for entry in lading("ls", "there:v0", "--json").json}
    assert entries["wild/lynx.txt"] == (cats / "wild/lynx.txt").as_uri()
    assert (got.code, (tmp_path / "out/felix.txt").read_text()) == (0, "felix")


def test_a_uri_without_a_name_gets_its_last_part(lading: Lading, cats: Path) -> None:
    assert lading("put", cats.as_uri(), "--dry-run").out == "ann/pets/cats\n"
    assert "error: --ignore leaves out local files" in lading("put", cats.as_uri(), "--ignore", "x").err
    assert "nowhere" in lading("put", (cats / "nowhere").as_uri()).err
