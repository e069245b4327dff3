"""Making artifacts, and looking them up."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    CommError,
)

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]

# -- the constructor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a" * 129, "ä", "a\n", " a", "..", "a;b"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    """SEMANTICS 1.6: `^[a-zA-Z0-9_\\-.]+$`, at most 128 characters; DESIGN 7 adds inner spaces."""
    with pytest.raises(ValueError, match=r"Artifact name|artifact name"):
        lading.Artifact(name, "dataset")


def test_a_name_may_hold_inner_spaces_and_a_type_need_not_be_said() -> None:
    """Seed 003, `Artifact("reference model")`."""
    artifact = lading.Artifact("reference model")

    assert (artifact.name, artifact.type) == ("reference model", "unspecified")


@pytest.mark.parametrize(("type", "name"), [("job", "x"), ("wandb-x", "x"), ("run_table", "run-1"), ("code", "source-x")])
def test_a_reserved_type_is_refused(type: str, name: str) -> None:
    """SEMANTICS 1.6, "is reserved for internal use"."""
    with pytest.raises(ValueError, match="reserved for internal use"):
        lading.Artifact(name, type)


def test_arguments_that_cannot_be_are_refused() -> None:
    """SEMANTICS 1.1: ValueError, TypeError for metadata; DESIGN 4: XXH128 is refused with a hint."""
    with pytest.raises(TypeError):
        lading.Artifact("ds", "dataset", metadata=[1])  # type: ignore[arg-type]  # pyright: ignore
    for region in (" ", "", 5):
        with pytest.raises(ValueError, match="storage_region"):
            lading.Artifact("ds", "dataset", storage_region=region)  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(ValueError, match="BLAKE3"):
        lading.Artifact("ds", "dataset", digest_algorithm="XXH128")
    with pytest.warns(DeprecationWarning, match="use_as"):
        lading.Artifact("ds", "dataset", use_as="x")


# -- adding -----------------------------------------------------------------------------------------------------------------


def test_add_file_takes_the_base_name_or_the_given_one(fill: Fill) -> None:
    """Seed 000, "add_file": 'file.txt', 'new/path/file.txt'."""
    path = fill("in", {"file.txt": "hello"}) / "file.txt"
    artifact = lading.Artifact("ds", "dataset")

    entry = artifact.add_file(str(path))
    other = artifact.add_file(path, name="new/path/file.txt")

    assert (entry.path, entry.size, entry.local_path, entry.ref) == ("file.txt", 5, str(path), None)
    assert other.path == "new/path/file.txt"
    assert sorted(artifact.manifest.entries) == ["file.txt", "new/path/file.txt"]
    assert artifact.get_added_local_path_name(path) == "file.txt"
    assert artifact.get_added_local_path_name("no/such") is None
    assert artifact.add_file(path, "").path == "file.txt"  # an empty name is no name


def test_is_tmp_replaces_the_name_up_to_its_first_dot(fill: Fill) -> None:
    """SEMANTICS 2.4, "is_tmp: first dot-part of the basename is replaced by hex(md5)[:20]"; md5("hello") = 5d41402a…"""
    path = fill("in", {"x.table.json": "hello"}) / "x.table.json"
    labelled, plain = lading.Artifact("ds", "dataset", digest_algorithm="MD5"), lading.Artifact("ds", "dataset")

    assert labelled.add_file(str(path), is_tmp=True).path == "5d41402abc4b2a76b971.table.json"
    assert labelled.add_file(str(path), "media/t.table.json", is_tmp=True).path == "media/5d41402abc4b2a76b971.table.json"
    assert plain.add_file(str(path), is_tmp=True).path == "ea8f163db38682925e44.table.json"


def test_the_same_path_takes_the_same_content_again_and_no_other(fill: Fill) -> None:
    """SEMANTICS 1.1, "Cannot add the same path twice"."""
    folder = fill("in", {"a": "1", "b": "1", "c": "2"})
    artifact = lading.Artifact("ds", "dataset")
    first = artifact.add_file(folder / "a", "x")

    assert artifact.add_file(folder / "b", "x") == first
    with pytest.raises(ValueError, match="Cannot add the same path twice: 'x'"):
        artifact.add_file(folder / "c", "x")
    assert artifact.add_file(folder / "c", "x", overwrite=True).digest != first.digest


def test_a_file_that_was_touched_and_added_again_can_be_logged(run: lading.Run, fill: Fill) -> None:
    folder = fill("in", {"a": "1", "b": "1"})
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(folder / "a")
    os.utime(folder / "a", ns=(1, 1))
    artifact.add_file(folder / "a")
    artifact.add_file(folder / "b", "a")  # the same content from elsewhere: the file that was added last is read
    (folder / "a").unlink()

    run.log_artifact(artifact)

    assert artifact.version == "v0"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "", "C:x", "\\x", "a/.lading-x"])
def test_a_path_that_cannot_be_is_refused(fill: Fill, name: str) -> None:
    """SEMANTICS 1.6, "Invalid artifact path"; DESIGN 4, "`.lading-*` is reserved"."""
    path = fill("in", {"a": "1"}) / "a"
    artifact = lading.Artifact("ds", "dataset")

    if name:
        with pytest.raises(ValueError, match="Invalid artifact path"):
            artifact.add_file(path, name)
    with pytest.raises(ValueError, match="Invalid artifact path"), artifact.new_file(name):
        pass
    assert len(artifact.manifest) == 0


def test_what_is_no_file_and_what_is_no_folder_is_refused(fill: Fill) -> None:
    """SEMANTICS 1.1: ValueError, not a file / not a dir / bad policy."""
    folder = fill("in", {"a": "1"})
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(ValueError, match="not a file"):
        artifact.add_file(folder)
    with pytest.raises(ValueError, match="not a file"):
        artifact.add_file(folder / "gone")
    with pytest.raises(ValueError, match="not a directory"):
        artifact.add_dir(folder / "a")
    with pytest.raises(ValueError, match="policy"):
        artifact.add_file(folder / "a", policy="sometimes")
    with pytest.raises(ValueError, match="policy"):
        artifact.add_dir(folder, policy="sometimes")


def test_add_dir_puts_all_below_the_root_or_a_folder(fill: Fill) -> None:
    """Seed 000, "add_dir"."""
    folder = fill("my_dir", {"a": "1", "sub/b": "2"})
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(f"{folder}/")
    artifact.add_dir(folder, name="destination")

    assert sorted(artifact.manifest.entries) == ["a", "destination/a", "destination/sub/b", "sub/b"]


def test_add_dir_replaces_what_changed_only_with_merge_and_removes_nothing(fill: Fill) -> None:
    """SEMANTICS 1.1 and 2.4, "merge never removes"."""
    folder = fill("my_dir", {"a": "1", "b": "2"})
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    before = artifact.digest
    fill("my_dir", {"a": "changed", "c": "3"})
    (folder / "b").unlink()

    with pytest.raises(ValueError, match="Cannot add the same path twice: 'a'"):
        artifact.add_dir(folder)
    assert artifact.digest == before  # all or nothing
    artifact.add_dir(folder, merge=True)

    assert sorted(artifact.manifest.entries) == ["a", "b", "c"]
    assert artifact.size == len("changed") + 2


def test_add_dir_follows_links_and_leaves_out_what_is_ignored(fill: Fill) -> None:
    folder = fill("my_dir", {"a.txt": "1", "b.tmp": "2", "keep/c.log": "3", ".ladingignore": "*.tmp\n"})
    (folder / "link.txt").symlink_to(folder / "a.txt")
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(folder, ignore=["*.log"])

    assert sorted(artifact.manifest.entries) == ["a.txt", "link.txt"]


def test_add_dir_follows_links_to_folders(fill: Fill) -> None:
    """SEMANTICS 2.4: "`os.walk(followlinks=True)`"."""
    folder = fill("my_dir", {"a": "1"})
    (folder / "linked").symlink_to(fill("elsewhere", {"b": "2"}))
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(folder)

    assert sorted(artifact.manifest.entries) == ["a", "linked/b"]


@pytest.mark.parametrize("policy", ["mutable", "immutable"])
def test_adding_copies_nothing(fill: Fill, home: Path, policy: str) -> None:
    """SEMANTICS 2.4: there, a mutable file is copied to a staging folder first, and 3 (#3823, #7673) says what became of that;
    "skip_cache: do not put into the local cache": there is none."""
    folder = fill("in", {"a": "1" * 100_000})
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(folder, policy=policy, skip_cache=True)
    artifact.add_file(folder / "a", "b", policy=policy, skip_cache=True)

    assert [path for path in home.rglob("*") if path.is_file() and b"1" * 1000 in path.read_bytes()] == []


def test_add_dir_tells_how_far_it_is(fill: Fill) -> None:
    told: list[int] = []
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(fill("my_dir", {"a": "12345"}), progress=lambda progress: told.append(progress.bytes_hashed))

    assert told[-1] == 5


def test_eight_threads_that_add_one_file_leave_one_entry(fill: Fill) -> None:
    """SEMANTICS 2.4, "8 threads adding the same file concurrently must leave one entry"."""
    from concurrent.futures import ThreadPoolExecutor

    path = fill("in", {"a": "1"}) / "a"
    artifact = lading.Artifact("ds", "dataset")

    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(artifact.add_file, [path] * 16))

    assert len(artifact.manifest) == 1
    assert all(entry == entries[0] for entry in entries)


def test_remove_takes_a_file_an_entry_or_a_folder(fill: Fill) -> None:
    """SEMANTICS 1.1, "path may be a directory (removes all below); FileNotFoundError"."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {"a": "1", "b": "2", "sub/c": "3", "sub/d/e": "4", "subway": "5"}))

    artifact.remove("a")
    artifact.remove(artifact.add_file("in/b"))
    artifact.remove("sub/")

    assert list(artifact.manifest.entries) == ["subway"]
    with pytest.raises(FileNotFoundError, match="gone"):
        artifact.remove("gone")


# -- finalized --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("finalize", [True, False])
def test_a_finalized_or_logged_artifact_takes_nothing_more(run: lading.Run, fill: Fill, finalize: bool) -> None:
    """Seed 000, "ArtifactFinalizedError"; SEMANTICS 1.1, the text."""
    folder = fill("in", {"a": "1"})
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(folder / "a")
    artifact.finalize() if finalize else run.log_artifact(artifact)

    calls: dict[str, Callable[[], object]] = {
        "add_file": lambda: artifact.add_file(folder / "a"),
        "add_dir": lambda: artifact.add_dir(folder),
        "new_file": lambda: artifact.new_file("n").__enter__(),
        "remove": lambda: artifact.remove("a"),
    }
    for name, call in calls.items():
        with pytest.raises(ArtifactFinalizedError, match=f"'Artifact.{name}' used on logged artifact"):
            call()


# -- logged methods before logging ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("checkout", ()),
        ("delete", ()),
        ("download", ()),
        ("file", ()),
        ("files", ()),
        ("get_entry", ("a",)),
        ("get_path", ("a",)),
        ("__getitem__", ("a",)),
        ("json_encode", ()),
        ("logged_by", ()),
        ("used_by", ()),
        ("verify", ()),
        ("wait", ()),
    ],
)
def test_a_draft_cannot_be_used(name: str, arguments: tuple[str, ...]) -> None:
    """Seed 000 and SEMANTICS 1.1: ArtifactNotLoggedError, which is an AttributeError."""
    artifact = lading.Artifact("ds", "dataset")

    with pytest.raises(ArtifactNotLoggedError, match="used prior to logging"):
        getattr(artifact, name)(*arguments)


def test_an_entry_of_a_draft_cannot_be_downloaded(fill: Fill) -> None:
    entry = lading.Artifact("ds", "dataset").add_file(fill("in", {"a": "1"}) / "a")

    with pytest.raises(ArtifactNotLoggedError):
        entry.download()


# -- looking up -------------------------------------------------------------------------------------------------------------


def test_from_id_finds_what_was_logged(dataset: Make) -> None:
    """Seed 000, `from_id(artifact_id, client)`."""
    artifact = dataset({"a": "1"})

    assert lading.Artifact.from_id(artifact.id or "", lading.Api()).qualified_name == "me/p/ds:v0"
    with pytest.raises(CommError, match="version 'nope' not found"):
        lading.Artifact.from_id("nope")


def test_expected_type_is_that_of_the_name_or_none(dataset: Make) -> None:
    """Seed 000, `expected_type(client, name, entity_name, project_name)`."""
    dataset({"a": "1"})

    assert lading.Artifact.expected_type(lading.Api(), "ds", "me", "p") == "dataset"
    assert lading.Artifact.expected_type(lading.Api(), "ds:latest", "me", "p") == "dataset"
    assert lading.Artifact.expected_type(lading.Api(), "other", "me", "p") is None
    assert lading.Artifact.expected_type(None, "ds", "nobody", "p") is None
