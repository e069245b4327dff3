"""What `artifact.manifest` hands out."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import Api, ArtifactManifest
from lading.errors import ArtifactFinalizedError, ArtifactNotLoggedError, InvalidValueError, StoreError

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]
FILES = {"file1.txt": "hello", "nest/file2.txt": "my", "nest/nest/file3.txt": "dude"}


@pytest.fixture
def labelled(run: lading.Run, fill: Fill) -> lading.Artifact:
    """With W&B's digests, looked up."""
    artifact = lading.Artifact("ds", "dataset", digest_algorithm="MD5")
    artifact.add_dir(fill("in", FILES))
    run.log_artifact(artifact)
    return lading.Api(project="p").artifact("ds")


def test_entries_are_those_of_get_entry(labelled: lading.Artifact) -> None:
    """SEMANTICS 1.1: values with the digest that is shown, and methods."""
    manifest = labelled.manifest
    entry = manifest.entries["file1.txt"]

    assert entry == labelled.get_entry("file1.txt")
    assert (entry.path, entry.digest, entry.size, entry.ref) == ("file1.txt", "XUFAKrxLKna5cZ2REBfFkg==", 5, None)
    assert (entry.extra, entry.local_path, entry.birth_artifact_id, entry.skip_cache) == ({}, None, None, False)
    assert entry.to_json() == {"digest": "XUFAKrxLKna5cZ2REBfFkg==", "size": 5}
    assert {path: entry.to_json() for path, entry in manifest.entries.items()} == manifest.to_manifest_json()["contents"]
    assert Path(entry.download("out")).read_text() == "hello"
    with pytest.raises(InvalidValueError, match="reference"):
        entry.ref_target()


def test_a_manifest_is_asked_as_w_and_bs(labelled: lading.Artifact) -> None:
    """SEMANTICS 1.1: "`entries` (dict), `version()`, … `digest()`, `size()`, … `get_entry_by_path`,
    `get_entries_in_directory`, `__len__`, `storage_policy`"; 2.1, the digest."""
    manifest = labelled.manifest

    assert manifest.digest() == labelled.digest == "72414374bfd4b0f60a116e7267845f71"
    assert (manifest.size(), manifest.version(), len(manifest), manifest.storage_policy) == (11, 1, 3, "lading-v1")
    assert sorted(manifest.entries) == sorted(FILES)
    found = manifest.get_entry_by_path("nest/file2.txt")
    assert found is not None
    assert found.size == 2
    assert manifest.get_entry_by_path("nest") is None
    assert [entry.path for entry in manifest.get_entries_in_directory("nest")] == ["nest/file2.txt", "nest/nest/file3.txt"]
    assert len(manifest.get_entries_in_directory("")) == 3
    assert "file1.txt" in manifest
    assert "file1.txt" in manifest.entries
    assert "nest" not in manifest.entries
    assert repr(manifest) == "<ArtifactManifest [3 entries, MD5]>"
    assert repr(manifest.entries) == "<3 entries>"
    assert manifest == labelled.manifest
    assert hash(manifest) == hash(labelled.manifest)
    assert manifest != lading.Artifact("ds", "dataset").manifest
    assert lading.Artifact("ds", "dataset").manifest  # an empty one is one, too
    with pytest.raises(KeyError):
        _ = manifest.entries["nest"]


def test_the_manifest_of_a_draft_follows_it_and_names_local_files(fill: Fill) -> None:
    artifact = lading.Artifact("ds", "dataset")
    manifest = artifact.manifest

    artifact.add_dir(fill("in", {"a": "1"}))

    assert manifest.entries["a"].local_path == str(Path("in/a").absolute()) or manifest.entries["a"].local_path == "in/a"
    with pytest.raises(ArtifactNotLoggedError):
        manifest.entries["a"].download()


# -- changing it ----------------------------------------------------------------------------------------------------------


def test_entries_of_a_logged_artifact_are_added_and_move_nothing(
    dataset: Make, run: lading.Run, stored: Callable[..., dict[str, int]]
) -> None:
    """SEMANTICS 1.1: `add_entry(entry, overwrite=False)`."""
    first = dataset({"a": "1", "d/b": "2", "d/c": "3"})
    before = stored("objects/")
    second = lading.Artifact("second", "dataset")

    for entry in Api().artifact("p/ds").manifest.get_entries_in_directory("d"):
        second.manifest.add_entry(entry)
    run.log_artifact(second)

    assert stored("objects/") == before
    first.delete(delete_aliases=True)
    root = Path(second.download())
    assert {path: (root / path).read_text() for path in second.manifest.entries} == {"d/b": "2", "d/c": "3"}


def test_entries_of_another_draft_bring_their_files(run: lading.Run, fill: Fill) -> None:
    first, second = lading.Artifact("first", "dataset"), lading.Artifact("second", "dataset")
    with first.new_file("made") as file:
        file.write("made")
    first.add_file(fill("in", {"a": "1"}) / "a")

    for entry in first.manifest.entries.values():
        second.manifest.add_entry(entry)
    del first
    run.log_artifact(second)

    root = Path(second.download())
    assert [(root / path).read_text() for path in ("a", "made")] == ["1", "made"]


def test_an_entry_is_removed_and_added_again(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.1: `remove_entry`; FileNotFoundError as of `remove`."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {"a": "1", "b": "2"}))
    entry = artifact.manifest.entries["a"]

    artifact.manifest.remove_entry(entry)

    assert list(artifact.manifest.entries) == ["b"]
    with pytest.raises(FileNotFoundError, match="a"):
        artifact.manifest.remove_entry(entry)
    artifact.manifest.add_entry(entry)
    run.log_artifact(artifact)
    assert (Path(artifact.download()) / "a").read_text() == "1"


def test_an_entry_that_this_entity_does_not_store_is_named_when_it_is_logged(dataset: Make) -> None:
    """DESIGN 5 "Trust": known is only what the asker's entity stores."""
    entry = dataset({"a": "1"}).get_entry("a")
    artifact = lading.Artifact("ds", "dataset")
    artifact.manifest.add_entry(entry)

    with lading.init(project="p", entity="us") as run, pytest.raises(StoreError, match="a: not stored"):
        run.log_artifact(artifact)


def test_an_entry_takes_the_place_of_another_only_if_told(dataset: Make, fill: Fill) -> None:
    """SEMANTICS 2.4: "Same path: same digest = no-op, other digest = ValueError unless overwrite"."""
    theirs = dataset({"a": "theirs"}).get_entry("a")
    artifact = lading.Artifact("mine", "dataset")
    artifact.add_file(fill("in", {"a": "mine"}) / "a")

    with pytest.raises(ValueError, match="Cannot add the same path twice: 'a'"):
        artifact.manifest.add_entry(theirs)
    artifact.manifest.add_entry(theirs, overwrite=True)
    artifact.manifest.add_entry(theirs)

    assert artifact.manifest.entries["a"].digest == theirs.digest


def test_digests_of_another_kind_are_refused(dataset: Make) -> None:
    entry = dataset({"a": "1"}).get_entry("a")

    with pytest.raises(InvalidValueError, match="'a' has BLAKE3 digests; other has those of MD5"):
        lading.Artifact("other", "dataset", digest_algorithm="MD5").manifest.add_entry(entry)


def test_what_is_logged_cannot_be_changed(dataset: Make) -> None:
    """Seed 000, "manifest": it cannot be changed once the artifact is logged."""
    manifest = dataset({"a": "1"}).manifest

    with pytest.raises(ArtifactFinalizedError, match=r"'Artifact\.manifest\.add_entry'"):
        manifest.add_entry(manifest.entries["a"])
    with pytest.raises(ArtifactFinalizedError, match=r"'Artifact\.manifest\.remove_entry'"):
        manifest.remove_entry(manifest.entries["a"])


def test_a_document_of_w_and_bs_is_read(labelled: lading.Artifact) -> None:
    """SEMANTICS 1.1: `from_manifest_json()`; 2.2: "`version` must be the int 1 (`"1"`, `1.0` and 0/2 rejected)"."""
    document = labelled.manifest.to_manifest_json()

    read = ArtifactManifest.from_manifest_json(document)

    assert read.to_manifest_json() == document
    assert (read.digest(), read.size(), ArtifactManifest.version()) == ("72414374bfd4b0f60a116e7267845f71", 11, 1)
    with pytest.raises(ArtifactNotLoggedError):
        read.entries["file1.txt"].download()
    for version in ("1", 1.0, 0, 2, None):
        with pytest.raises(ValueError, match="version"):
            ArtifactManifest.from_manifest_json(document | {"version": version})
