"""Making, editing and deleting artifacts."""

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import (
    AliasesRemainError,
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    CommError,
    InvalidTypeError,
    InvalidValueError,
    UnknownNameError,
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
    with pytest.raises(ValueError, match="storage_region"):
        lading.Artifact("ds", "dataset", storage_region=" ")
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

    if name:  # an empty name is no name: the base name is taken
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


# -- new_file ---------------------------------------------------------------------------------------------------------------


def test_new_file_is_added_when_it_is_closed() -> None:
    """Seed 000, "new_file"."""
    artifact = lading.Artifact("my_data", type="dataset")

    with artifact.new_file("sub/hello.txt") as f:
        f.write("hello!")
        assert len(artifact.manifest) == 0

    assert artifact.manifest.entries["sub/hello.txt"].size == 6


def test_new_file_takes_bytes_encodings_and_no_mode(home: Path) -> None:
    """Seed 000, `new_file(name, mode=None)`."""
    artifact = lading.Artifact("my_data", type="dataset")

    with artifact.new_file("b", "wb") as f:
        f.write(b"\xff")
    with artifact.new_file("l", mode=None, encoding="latin-1") as f:
        f.write("ä")

    assert artifact.manifest.entries["b"].size == artifact.manifest.entries["l"].size == 1


def test_new_file_replaces_only_without_x() -> None:
    """SEMANTICS 1.1, '"x" not in mode ⇒ overwrite; FileExists → ValueError'."""
    artifact = lading.Artifact("my_data", type="dataset")
    with artifact.new_file("a") as f:
        f.write("1")

    with pytest.raises(ValueError, match="already exists"), artifact.new_file("./a") as f:
        f.write("22")
    with artifact.new_file("a", "w") as f:
        f.write("333")

    assert artifact.size == 3
    for mode in ("r", "a", "xw", "q", "b"):
        with pytest.raises(ValueError, match="mode"), artifact.new_file("z", mode):
            pass


def test_a_block_that_raises_adds_nothing_and_leaves_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SEMANTICS 1.1, "UnicodeEncodeError re-raised after printing"."""
    artifact = lading.Artifact("my_data", type="dataset")

    with pytest.raises(RuntimeError, match="no"), artifact.new_file("a"):
        raise RuntimeError("no")
    with pytest.raises(UnicodeEncodeError), artifact.new_file("b", encoding="ascii") as f:
        f.write("ä")

    assert len(artifact.manifest) == 0
    assert list((home / "tmp").iterdir()) == []
    assert "ERROR Failed to open the provided file" in capsys.readouterr().err


def test_made_files_go_when_the_artifact_is_logged_or_goes(run: lading.Run, home: Path) -> None:
    """DESIGN 5: "Apart from the store's one copy, lading makes no second copy of data by default"."""
    logged, dropped = lading.Artifact("a", "dataset"), lading.Artifact("b", "dataset")
    for artifact in (logged, dropped):
        with artifact.new_file("f") as f:
            f.write(artifact.name)
    assert len(list((home / "tmp").iterdir())) == 2

    run.log_artifact(logged)
    del dropped, artifact
    gc.collect()

    assert list((home / "tmp").iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_take_the_parents_made_files_with_it(run: lading.Run) -> None:
    artifact = lading.Artifact("a", "dataset")
    with artifact.new_file("f") as f:
        f.write("1")
    if not (child := os.fork()):
        del artifact
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)

    run.log_artifact(artifact)

    assert artifact.version == "v0"


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


# -- save -------------------------------------------------------------------------------------------------------------------


def test_edits_in_place_are_saved(dataset: Make) -> None:
    """Seed 000, "update an artifact"."""
    dataset({"a": "1"}, aliases=["old"])
    artifact = lading.Api().artifact("p/ds:latest")

    artifact.description = "My new description"
    artifact.metadata["oldKey"] = "new value"
    artifact.aliases.append("best")
    artifact.aliases.remove("latest")
    artifact.tags.append("t")
    artifact.save()

    again = lading.Api().artifact("p/ds:v0")
    assert (again.description, again.metadata) == ("My new description", {"oldKey": "new value"})
    assert (sorted(again.aliases), again.tags) == (["best", "old"], ["t"])


def test_sets_are_replaced_completely(dataset: Make) -> None:
    """Seed 000, "replace completely"."""
    artifact = dataset({"a": "1"}, aliases=["x"], tags=["t", "u"])
    artifact.metadata = {"newKey": "new value"}
    artifact.aliases = ["replaced"]
    artifact.tags = ["u", "u"]
    artifact.description = None

    artifact.save()

    again = lading.Api().artifact("p/ds:replaced")
    assert (again.metadata, again.aliases, again.tags, again.description) == ({"newKey": "new value"}, ["replaced"], ["u"], None)


def test_an_older_version_that_is_saved_does_not_take_latest_back(dataset: Make) -> None:
    """SEMANTICS 2.7, "aliases/tags diffed against the saved ones"."""
    old = dataset({"a": "1"}, aliases=["mine"], tags=["t"])
    dataset({"a": "2"}, aliases=["mine"])
    other = lading.Api().artifact("p/ds:v0")
    other.tags.append("theirs")
    other.save()

    old.aliases.append("best")
    old.tags = []
    old.save()

    assert (old.aliases, old.tags) == (["best"], ["theirs"])
    assert lading.Api().artifact("p/ds:latest").version == "v1"
    assert lading.Api().artifact("p/ds:mine").version == "v1"


def test_an_artifact_is_saved_and_deleted_after_its_collection_was_renamed(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    collection = lading.Api().artifact_collection("dataset", "p/ds")
    collection.name = "other"
    collection.save()

    artifact.description = "new"
    artifact.save()
    now = lading.Api().artifact("p/other").description
    artifact.delete(delete_aliases=True)

    assert (now, artifact.qualified_name, artifact.state) == ("new", "me/p/other:v0", "DELETED")


def test_edits_at_the_same_moment_are_all_kept(dataset: Make) -> None:
    dataset({"a": "1"}, aliases=["old"], tags=["old"])
    held = [lading.Api().artifact("p/ds") for _ in range(6)]
    ready = threading.Barrier(len(held))

    def edit(number: int, artifact: lading.Artifact) -> None:
        artifact.aliases.append(f"a{number}")
        artifact.tags.append(f"t{number}")
        ready.wait()
        artifact.save()

    threads = [threading.Thread(target=edit, args=each) for each in enumerate(held)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    now = lading.Api().artifact("p/ds")
    assert sorted(now.aliases) == [*(f"a{number}" for number in range(6)), "latest", "old"]
    assert sorted(now.tags) == ["old", *(f"t{number}" for number in range(6))]


def test_an_alias_is_taken_from_another_version(dataset: Make) -> None:
    """SEMANTICS 2.7, "an alias is unique within a collection"."""
    first, second = dataset({"a": "1"}, aliases=["best"]), dataset({"a": "2"})

    second.aliases.append("best")
    second.save()

    assert lading.Api().artifact("p/ds:best").version == "v1"
    assert lading.Artifact.from_id(first.id or "").aliases == []


def test_saving_what_was_not_edited_changes_nothing(dataset: Make) -> None:
    artifact = dataset({"a": "1"}, aliases=["b", "a"])
    before = artifact.updated_at

    artifact.save()

    assert lading.Api().artifact("p/ds:v0").updated_at == before


@pytest.mark.parametrize("alias", ["a/b", "a:b", "", "v1"])
def test_aliases_that_cannot_be_are_refused(dataset: Make, alias: str) -> None:
    """SEMANTICS 1.2, "Aliases must not contain any of the following characters"."""
    artifact = dataset({"a": "1"})

    artifact.aliases.append(alias)
    with pytest.raises(InvalidValueError, match=r"[Aa]lias"):
        artifact.save()
    with pytest.raises(InvalidValueError, match=r"[Aa]lias"):
        artifact.aliases = [alias]
    assert lading.Api().artifact("p/ds:v0").aliases == ["latest"]


def test_tags_and_metadata_edited_in_place_are_checked_on_save(dataset: Make) -> None:
    """SEMANTICS 1.1, "metadata validated on assignment and again on save"."""
    artifact = dataset({"a": "1"})

    artifact.tags.append("no/slash")
    with pytest.raises(InvalidValueError, match="Invalid tag"):
        artifact.save()
    artifact.tags.clear()
    artifact.metadata["f"] = object()
    with pytest.raises(InvalidTypeError, match=r"metadata\.f"):
        artifact.save()


def test_a_draft_that_is_saved_is_logged_by_the_active_run_or_one_made_for_it(home: Path, fill: Fill) -> None:
    """SEMANTICS 1.1, "PENDING → log with most recent active run, else create a run of job_type auto"."""
    lone, mine, other = (lading.Artifact(name, "dataset") for name in ("lone", "mine", "other"))
    for artifact in (lone, mine, other):
        artifact.add_file(fill("in", {artifact.name: artifact.name}) / artifact.name)

    lone.save()
    with lading.init(project="p") as run:
        mine.save()
        other.save(project="q")

    first, second, third = lone.logged_by(), mine.logged_by(), other.logged_by()
    assert first is not None
    assert second is not None
    assert third is not None
    assert (lone.project, first.job_type, first.state) == ("uncategorized", "auto", "finished")
    assert (mine.project, second.id) == ("p", run.id)
    assert (other.project, third.job_type) == ("q", "auto")


# -- delete -----------------------------------------------------------------------------------------------------------------


def test_a_version_with_aliases_is_deleted_only_with_them(dataset: Make) -> None:
    """Seed 000, "delete"; SEMANTICS 1.1."""
    artifact = dataset({"a": "1"}, aliases=["best"])

    with pytest.raises(AliasesRemainError, match="best, latest"):
        artifact.delete()
    assert artifact.state == "COMMITTED"
    artifact.delete(delete_aliases=True)

    assert (artifact.state, artifact.aliases) == ("DELETED", [])
    with pytest.raises(UnknownNameError, match="alias 'best' not found"):
        lading.Api().artifact("p/ds:best")
    with pytest.raises(UnknownNameError, match="v0 was deleted"):
        lading.Api().artifact("p/ds:v0")
    with pytest.raises(CommError):
        artifact.delete()


def test_a_version_without_aliases_is_deleted_and_its_number_not_used_again(dataset: Make) -> None:
    first, second = dataset({"a": "1"}), dataset({"a": "2"})

    lading.Artifact.from_id(first.id or "").delete()
    second.delete(delete_aliases=True)
    third = dataset({"a": "2"})

    assert (third.version, third.aliases) == ("v2", ["latest"])
    assert third.verify(third.download()) is None


def test_after_the_alias_latest_is_gone_the_highest_version_is_compared_with(dataset: Make) -> None:
    """DESIGN 5: "or, without that alias, to the highest committed version"."""
    artifact = dataset({"a": "1"})
    artifact.aliases = []
    artifact.save()

    again = dataset({"a": "1"})

    assert (again.version, again.aliases) == ("v0", ["latest"])


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
