"""Each public name of an artifact in each of its states: a draft, one that is being logged, one that is logged."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.errors import ArtifactFinalizedError, ArtifactNotLoggedError

Do = Callable[[lading.Artifact], Any]
OK, NOT_LOGGED, FINAL = "ok", ArtifactNotLoggedError, ArtifactFinalizedError

# SEMANTICS 1.1: ★ raises ArtifactNotLoggedError while draft, and "after `run.log_artifact(a)` it is *still* draft until
# `a.wait()` returns"; "`finalize()`: after it add_*/new_file/remove raise ArtifactFinalizedError".
STARRED = (
    *("entity", "project", "version", "url", "commit_hash", "file_count", "created_at", "updated_at", "history_step"),
    *("collection", "source_entity", "source_project", "source_version", "source_collection", "aliases", "tags", "linked_at"),
    *("linked_artifacts", "source_artifact", "qualified_name", "source_qualified_name"),
)
ALWAYS = (
    *("id", "name", "source_name", "is_link", "type", "state", "digest", "size", "incremental", "manifest"),
    *("description", "metadata", "distributed_id", "digest_algorithm"),
)


def new_file(artifact: lading.Artifact) -> None:
    with artifact.new_file("made") as file:
        file.write("text")


def look(artifact: lading.Artifact, starred: Any) -> None:
    """At every attribute: nothing changes by that."""
    for name in STARRED:
        check(artifact, get(name), starred)
    for name in ALWAYS:
        getattr(artifact, name)


def table() -> lading.Table:
    return lading.Table(columns=["a"], data=[[1]])


def set_to(name: str, value: object) -> Do:
    return lambda artifact: setattr(artifact, name, value)


def get(name: str) -> Do:
    return lambda artifact: getattr(artifact, name)


# method: before logging, while it is being logged, after wait()
TABLE: dict[str, tuple[Do, Any, Any, Any]] = {
    "description =": (set_to("description", "x"), OK, OK, OK),
    "metadata =": (set_to("metadata", {"k": 1}), OK, OK, OK),
    "distributed_id =": (set_to("distributed_id", "x"), OK, OK, OK),
    "ttl =": (set_to("ttl", timedelta(days=1)), OK, OK, OK),
    "ttl": (get("ttl"), NOT_LOGGED, NOT_LOGGED, OK),
    "aliases =": (set_to("aliases", ["a"]), NOT_LOGGED, NOT_LOGGED, OK),
    "tags =": (set_to("tags", ["a"]), NOT_LOGGED, NOT_LOGGED, OK),
    "entity =": (set_to("entity", "x"), AttributeError, AttributeError, AttributeError),
    "add_file": (lambda a: a.add_file("other"), OK, FINAL, FINAL),
    "add_dir": (lambda a: a.add_dir("folder"), OK, FINAL, FINAL),
    "new_file": (new_file, OK, FINAL, FINAL),
    "add": (lambda a: a.add(table(), "t"), OK, FINAL, FINAL),
    "[…] =": (lambda a: a.__setitem__("t", table()), OK, FINAL, FINAL),
    "add_reference": (lambda a: a.add_reference("ref://a/b", name="ref"), OK, FINAL, FINAL),
    "remove": (lambda a: a.remove("file"), OK, FINAL, FINAL),
    "manifest.add_entry": (lambda a: a.manifest.add_entry(lading.Artifact("x").add_file("other")), OK, FINAL, FINAL),
    "manifest.remove_entry": (lambda a: a.manifest.remove_entry(a.manifest.entries["file"]), OK, FINAL, FINAL),
    "get_added_local_path_name": (lambda a: a.get_added_local_path_name("file"), OK, OK, OK),
    "finalize": (lambda a: a.finalize(), OK, OK, OK),
    "is_draft": (lambda a: a.is_draft(), OK, OK, OK),
    "get_entry": (lambda a: a.get_entry("file"), NOT_LOGGED, NOT_LOGGED, OK),
    "get_path": (lambda a: a.get_path("file"), NOT_LOGGED, NOT_LOGGED, OK),
    "get": (lambda a: a.get("t"), NOT_LOGGED, NOT_LOGGED, OK),
    "[…]": (lambda a: a["t"], NOT_LOGGED, NOT_LOGGED, OK),
    "files": (lambda a: a.files(), NOT_LOGGED, NOT_LOGGED, OK),
    "file": (lambda a: a.file(), NOT_LOGGED, NOT_LOGGED, OK),
    "download": (lambda a: a.download(), NOT_LOGGED, NOT_LOGGED, OK),
    "checkout": (lambda a: a.checkout(), NOT_LOGGED, NOT_LOGGED, OK),
    "verify": (lambda a: a.verify("folder"), NOT_LOGGED, NOT_LOGGED, OK),
    "new_draft": (lambda a: a.new_draft(), NOT_LOGGED, NOT_LOGGED, OK),
    "delete": (lambda a: a.delete(delete_aliases=True), NOT_LOGGED, NOT_LOGGED, OK),
    "unlink": (lambda a: a.unlink(), NOT_LOGGED, NOT_LOGGED, ValueError),
    "used_by": (lambda a: a.used_by(), NOT_LOGGED, NOT_LOGGED, OK),
    "logged_by": (lambda a: a.logged_by(), NOT_LOGGED, NOT_LOGGED, OK),
    "lineage": (lambda a: a.lineage(), NOT_LOGGED, NOT_LOGGED, OK),
    "json_encode": (lambda a: a.json_encode(), NOT_LOGGED, NOT_LOGGED, OK),
    "wait": (lambda a: a.wait(timeout=0.001), NOT_LOGGED, TimeoutError, OK),
    "link": (lambda a: a.link("portfolio"), OK, None, OK),
    "save": (lambda a: a.save(), OK, None, OK),
}


@pytest.fixture(autouse=True)
def files(home: Path, fill: Callable[..., Path]) -> None:
    fill(".", {"file": "text", "other": "more", "folder/file": "text"})


def draft() -> lading.Artifact:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file("file", policy="immutable")
    return artifact


@pytest.fixture
def being_logged(run: lading.Run, home: Path) -> Iterator[lading.Artifact]:
    """One that cannot be committed until the test is over: the files are immutable, so `log_artifact` has returned."""
    artifact = draft()
    with closing(sqlite3.connect(home / "catalog.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        run.log_artifact(artifact)
        yield artifact
        other.execute("ROLLBACK")
    artifact.wait()


def check(artifact: lading.Artifact, do: Do, expected: Any) -> None:
    if expected is OK:
        do(artifact)
        return
    with pytest.raises(expected) as caught:
        do(artifact)
    if expected in (NOT_LOGGED, FINAL):
        assert isinstance(caught.value, AttributeError)


def test_attributes_before_it_is_logged(run: lading.Run) -> None:
    look(draft(), NOT_LOGGED)


def test_attributes_while_it_is_being_logged(being_logged: lading.Artifact) -> None:
    look(being_logged, NOT_LOGGED)


def test_attributes_once_it_is_logged(run: lading.Run) -> None:
    look(run.log_artifact(draft()).wait(), OK)


@pytest.mark.parametrize("name", TABLE)
def test_before_it_is_logged(run: lading.Run, name: str) -> None:
    do, expected, _, _ = TABLE[name]

    check(draft(), do, expected)


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name][2] is not None])
def test_while_it_is_being_logged(being_logged: lading.Artifact, name: str) -> None:
    do, _, expected, _ = TABLE[name]

    check(being_logged, do, expected)


@pytest.mark.parametrize("name", TABLE)
def test_once_it_is_logged(run: lading.Run, name: str) -> None:
    do, _, _, expected = TABLE[name]

    check(run.log_artifact(draft()).wait(), do, expected)


def test_no_name_of_wandbs_is_left_out() -> None:
    """SEMANTICS 1.1: the methods of its table, and the properties that can be set."""
    methods = (
        *(
            "new_draft",
            "finalize",
            "is_draft",
            "save",
            "wait",
            "[…]",
            "[…] =",
            "new_file",
            "add_file",
            "add_dir",
            "add_reference",
        ),
        *("add", "remove", "get_path", "get_entry", "get", "get_added_local_path_name", "download", "checkout", "verify", "file"),
        *("files", "delete", "link", "unlink", "used_by", "logged_by", "json_encode"),
    )
    set_too = ("description", "metadata", "distributed_id", "aliases", "tags", "ttl")

    assert {"ttl", *methods, *(f"{name} =" for name in set_too)} - TABLE.keys() == set()
