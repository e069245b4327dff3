"""What `artifact.manifest` hands out."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import ArtifactNotLoggedError, InvalidValueError

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
