"""What lies under one path of an artifact, as SEMANTICS 1.1 tells of `ArtifactManifestEntry`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lading
from lading.api import Api, ArtifactManifestEntry
from lading.errors import ArtifactNotLoggedError

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]


def test_an_entry_that_was_added_says_what_it_is(fill: Fill) -> None:
    """SEMANTICS 1.1: "path, digest, ref=None, birth_artifact_id=None, size=None (inferred from local_path), extra={},
    local_path=None, skip_cache=False"; seed 000: `add_file` returns an `ArtifactManifestEntry`."""
    path = fill("in", {"a.txt": "hello"}) / "a.txt"

    entry = lading.Artifact("ds", "dataset", digest_algorithm="MD5").add_file(path, skip_cache=True)

    assert isinstance(entry, ArtifactManifestEntry)
    assert (entry.path, entry.name, entry.digest, entry.size) == ("a.txt", "a.txt", "XUFAKrxLKna5cZ2REBfFkg==", 5)
    assert (entry.ref, entry.birth_artifact_id, entry.extra, entry.skip_cache) == (None, None, {}, False)
    assert entry.local_path == str(path)
    assert repr(entry) == "<ArtifactManifestEntry a.txt (5 bytes, XUFAKrxLKna5cZ2REBfFkg==)>"


def test_it_knows_its_artifact_and_its_document(dataset: Make) -> None:
    """SEMANTICS 1.1: `parent_artifact()`, `to_json()`; 2.2: "Defaults omitted; `path`, `local_path`, `skip_cache` never
    written"."""
    artifact = dataset({"a": "1"})

    entry = artifact.get_entry("a")

    assert entry.parent_artifact() is artifact
    assert entry.to_json() == {"digest": entry.digest, "size": 1}


def test_it_is_downloaded_with_the_arguments_of_w_and_b(dataset: Make, tmp_path: Path) -> None:
    """SEMANTICS 1.1: `download(root=None, skip_cache=None, executor=None)`; seed 003, `Entry.download`."""
    entry = dataset({"sub/a": "1"}).get_entry("sub/a")

    with ThreadPoolExecutor(1) as executor:
        place = entry.download("out", True, executor)

    assert place == str(Path("out/sub/a"))
    assert Path(place).read_text() == "1"
    assert entry.download() == str(tmp_path / "work/artifacts/ds:v0/sub/a")


def test_a_reference_says_where_it_leads(run: lading.Run, fill: Fill) -> None:
    """Seed 003, `Entry.ref`: the URI of what `add_reference` added; SEMANTICS 1.1: "`ref_target()` (ValueError if not a
    reference)"."""
    uri = f"file://{fill('in', {'a': '1'})}/a"
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_reference(uri)
    stored = artifact.add_file("in/a", "b")
    run.log_artifact(artifact)

    entry = artifact.get_path("a")

    assert (entry.ref, entry.ref_target()) == (uri, uri)
    with pytest.raises(ValueError, match=r"Only reference entries support ref_target\(\)\."):
        stored.ref_target()


def test_its_address_is_for_other_artifacts(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.1: `ref_url()`; the scheme is ours (DESIGN 7): `lading-artifact://<id>/<path>`."""
    artifact, second = dataset({"a b": "1"}), lading.Artifact("second", "dataset")

    url = artifact.get_entry("a b").ref_url()
    second.add_reference(url)

    assert url == f"lading-artifact://{artifact.id}/a%20b"
    run.log_artifact(second)
    assert Path(Api().artifact("p/second").get_entry("a b").download()).read_text() == "1"


def test_before_its_artifact_is_logged_it_has_no_address_and_no_content(fill: Fill) -> None:
    """SEMANTICS 1.1: ★ of the artifact holds for what hangs on it."""
    entry = lading.Artifact("ds", "dataset").add_file(fill("in", {"a": "1"}) / "a")

    for call in (entry.ref_url, entry.download, entry.open):
        with pytest.raises(ArtifactNotLoggedError):
            call()
