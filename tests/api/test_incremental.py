"""Drafts that begin with a version: `new_draft` and `incremental=True`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import Api
from lading.errors import ArtifactFinalizedError, ArtifactNotLoggedError, EntryNotFoundError

Make = Callable[..., lading.Artifact]
Stored = Callable[..., dict[str, int]]
Fill = Callable[..., Path]


def write(artifact: lading.Artifact, files: dict[str, str], mode: str = "x") -> lading.Artifact:
    for path, content in files.items():
        with artifact.new_file(path, mode) as file:
            file.write(content)
    return artifact


def contents(artifact: lading.Artifact) -> dict[str, str]:
    root = Path(artifact.download())
    return {path: (root / path).read_text() for path in sorted(artifact.manifest.entries)}


def test_a_new_draft_holds_what_the_version_holds(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.1, `new_draft()`: "draft with same entries, base_id = source id; ttl/aliases/version not copied"."""
    first = dataset({"a": "1", "d/b": "2", "d/c": "3"}, aliases=["best"])
    first.description, first.metadata = "about", {"k": 1}
    first.save()

    draft = write(first.new_draft(), {"a": "new"}, "w")
    draft.remove("d")
    write(draft, {"e": "4"})

    assert (draft.is_draft(), draft.state, draft.name, draft.type) == (True, "PENDING", "ds", "dataset")
    assert (draft.description, draft.metadata) == ("about", {"k": 1})
    run.log_artifact(draft)
    assert (draft.version, draft.aliases) == ("v1", ["latest"])
    assert contents(Api().artifact("p/ds:v1")) == {"a": "new", "e": "4"}
    assert contents(Api().artifact("p/ds:v0")) == {"a": "1", "d/b": "2", "d/c": "3"}
    assert Api().artifact("p/ds:v0").aliases == ["best"]


def test_of_a_new_draft_only_what_is_added_is_sent(dataset: Make, run: lading.Run, stored: Stored) -> None:
    """SEMANTICS 2.7: "new_draft: same with explicit base"; DESIGN 5 "Log" (3)."""
    first = dataset({f"f{number}": str(number) for number in range(20)})
    before = stored("objects/")

    run.log_artifact(write(first.new_draft(), {"new": "content"}))

    assert len(stored("objects/").keys() - before.keys()) == 1
    assert stored("objects/").items() >= before.items()


def test_a_new_draft_that_is_not_changed_is_the_same_version(dataset: Make, run: lading.Run) -> None:
    first = dataset({"a": "1"})

    assert run.log_artifact(first.new_draft()).version == "v0"


def test_a_new_draft_of_anothers_version_takes_the_bytes_along(dataset: Make, stored: Stored) -> None:
    """DESIGN 5 "Trust": what one entity stores is not known to another."""
    first = dataset({"a": "1", "b": "1", "big": b"x" * (9 << 20)})

    with lading.init(project="p", entity="us") as run:
        logged = run.log_artifact(write(first.new_draft(), {"own": "2"}))

    assert (logged.qualified_name, sorted(logged.manifest.entries)) == ("us/p/ds:v0", ["a", "b", "big", "own"])
    first.delete(delete_aliases=True)
    assert (Path(logged.download()) / "big").stat().st_size == 9 << 20
    assert len(stored("objects/")) == 5  # two of the one, three of the other


def test_a_new_draft_of_a_link_is_of_its_source(dataset: Make, run: lading.Run) -> None:
    linked = dataset({"a": "1"}).link("portfolio")

    assert run.log_artifact(write(linked.new_draft(), {"b": "2"})).qualified_name == "me/p/ds:v1"


def test_only_a_version_has_a_new_draft() -> None:
    with pytest.raises(ArtifactNotLoggedError):
        lading.Artifact("ds", "dataset").new_draft()


def test_an_increment_comes_on_top_of_latest(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 2.7: "incremental=True: new entries are merged onto `latest`"."""
    dataset({"a": "1", "b": "1"})
    dataset({"a": "2", "c": "2"})

    increment = write(lading.Artifact("ds", "dataset", incremental=True), {"a": "3", "d": "3"})
    assert increment.incremental
    run.log_artifact(increment)

    assert increment.version == "v2"
    assert contents(increment) == {"a": "3", "c": "2", "d": "3"}
    assert contents(Api().artifact("p/ds")) == {"a": "3", "c": "2", "d": "3"}
    assert not Api().artifact("p/ds").incremental


def test_an_increment_of_nothing_is_the_first_version(run: lading.Run) -> None:
    increment = write(lading.Artifact("ds", "dataset", incremental=True), {"a": "1"})

    run.log_artifact(increment)

    assert (increment.version, contents(increment)) == ("v0", {"a": "1"})


def test_an_increment_that_adds_nothing_new_is_latest(dataset: Make, run: lading.Run) -> None:
    dataset({"a": "1", "b": "1"})

    increment = run.log_artifact(write(lading.Artifact("ds", "dataset", incremental=True), {"a": "1"}))

    assert (increment.version, sorted(increment.manifest.entries)) == ("v0", ["a", "b"])


def test_an_increment_cannot_remove_what_it_does_not_hold(dataset: Make) -> None:
    dataset({"a": "1"})

    with pytest.raises(FileNotFoundError):
        lading.Artifact("ds", "dataset", incremental=True).remove("a")


def test_an_increment_keeps_to_the_digests_of_its_base(dataset: Make, run: lading.Run) -> None:
    dataset({"a": "1"})
    increment = write(lading.Artifact("ds", "dataset", incremental=True, digest_algorithm="MD5"), {"b": "2"})

    with pytest.raises(ValueError, match="ds:v0 has BLAKE3 digests"):
        run.log_artifact(increment)


_INCREMENT = """
import sys
import lading
with lading.init(project="p") as run:
    increment = lading.Artifact("ds", "dataset", incremental=True)
    with increment.new_file(sys.argv[1]) as file:
        file.write(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    run.log_artifact(increment)
"""


def test_increments_at_the_same_time_lose_nothing(dataset: Make) -> None:
    """Each is merged onto whatever is `latest` when it commits: DESIGN 5 "Log" (7)."""
    dataset({"a": "1"})
    names = ["one", "two", "three"]
    processes = [
        subprocess.Popen([sys.executable, "-P", "-c", _INCREMENT, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in names
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()

    assert sorted(Api().artifact("p/ds:v3").manifest.entries) == sorted(["a", *names])


# -- changing a draft -------------------------------------------------------------------------------------------------
def test_a_file_or_a_folder_is_removed(fill: Fill) -> None:
    """SEMANTICS 1.1, `remove`: "path may be a directory (removes all below); FileNotFoundError"."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {"a": "1", "d/b": "2", "d/e/c": "3", "dd": "4"}))

    artifact.remove("a")
    artifact.remove("d/")

    assert sorted(artifact.manifest.entries) == ["dd"]
    artifact.remove(artifact.manifest.entries["dd"])
    for gone in ("a", "d", "none"):
        with pytest.raises(FileNotFoundError) as caught:
            artifact.remove(gone)
        assert isinstance(caught.value, EntryNotFoundError)


def test_merging_replaces_and_never_removes(fill: Fill) -> None:
    """SEMANTICS 2.4: "other digest = ValueError unless overwrite/merge. merge never removes"."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("one", {"a": "1", "b": "1"}))
    other = fill("two", {"b": "2", "c": "2"})

    with pytest.raises(ValueError, match="Cannot add the same path twice: 'b'"):
        artifact.add_dir(other)
    assert sorted(artifact.manifest.entries) == ["a", "b"]
    artifact.add_dir(other, merge=True)

    assert sorted(artifact.manifest.entries) == ["a", "b", "c"]
    assert artifact.manifest.entries["b"].size == 1


def test_the_same_path_takes_another_content_only_if_told(fill: Fill, run: lading.Run) -> None:
    """SEMANTICS 2.4: "Same path: same digest = no-op, other digest = ValueError unless overwrite/merge"."""
    one, two = fill("one", {"a": "1"}) / "a", fill("two", {"a": "2"}) / "a"
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(one)
    artifact.add_file(one)

    with pytest.raises(ValueError, match="Cannot add the same path twice: 'a'"):
        artifact.add_file(two)
    artifact.add_file(two, overwrite=True)

    assert contents(run.log_artifact(artifact)) == {"a": "2"}
    with pytest.raises(ArtifactFinalizedError):
        artifact.add_file(one, overwrite=True)
