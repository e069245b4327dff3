"""References to entries of other artifacts."""

from collections.abc import Callable

import pytest

import lading
from lading.api.portal import blocking
from lading.api.targets import MAX_CHAIN, find_targets
from lading.api.workspace import Workspace
from lading.errors import CommError, DigestMismatchError, EntryNotFoundError, ManifestError
from lading.manifest.entry import Entry
from lading.manifest.targets import artifact_uri, parse_uri

Make = Callable[..., lading.Artifact]


@pytest.mark.parametrize("path", ["a", "a/b c#d?e%20", "ä/ö", "a//b"])
def test_any_path_can_be_said(path: str) -> None:
    assert parse_uri(artifact_uri("0f", path.replace("//", "/"))) == ("0f", path.replace("//", "/"))


@pytest.mark.parametrize(
    "uri",
    ["", "s3://b/k", "lading-artifact://", "lading-artifact://id", "lading-artifact://id/", "lading-artifact://i d/a"]
    + [f"lading-artifact://id/{path}" for path in ("../a", "/etc/passwd", "a/..%2f..%2fb", ".", "%00", "%2Fetc")],
)
def test_what_names_no_entry_is_refused(uri: str) -> None:
    with pytest.raises(ManifestError):
        parse_uri(uri)


def test_targets_are_found_through_references(dataset: Make, workspace: Workspace) -> None:
    first = dataset({"a": "1", "b": "2"})
    entries = {path: Entry(first.get_entry(path).digest, ref=first.get_entry(path).ref_url()) for path in ("a", "b")}

    found = blocking(find_targets)(workspace, entries)

    assert {path: (target.version.id, target.path) for path, target in found.items()} == {
        "a": (first.id, "a"),
        "b": (first.id, "b"),
    }


def test_what_is_gone_or_another_is_an_error(dataset: Make, workspace: Workspace) -> None:
    artifact = dataset({"a": "1"})
    entry, id = artifact.get_entry("a"), artifact.id or ""

    for uri, digest, error in (
        (artifact_uri("nowhere", "a"), entry.digest, CommError),
        (artifact_uri(id, "b"), entry.digest, EntryNotFoundError),
        (artifact_uri(id, "a"), "0" * 64, DigestMismatchError),
    ):
        with pytest.raises(error):
            blocking(find_targets)(workspace, {"x": Entry(digest, ref=uri)})


def test_references_do_not_go_round_in_circles(run: lading.Run, workspace: Workspace) -> None:
    """Nobody can log such; somebody could write it into a catalogue of theirs."""
    artifact = lading.Artifact("ds", "dataset")
    with artifact.new_file("a") as file:
        file.write("1")
    run.log_artifact(artifact).wait()
    digest = artifact.get_entry("a").digest
    uri = artifact.get_entry("a").ref_url()
    for _ in range(MAX_CHAIN):
        chained = lading.Artifact("chained", "dataset")
        chained.draft.manifest.add_entry("a", Entry(digest, ref=uri, size=0))
        run.log_artifact(chained).wait()
        uri = chained.get_entry("a").ref_url()

    with pytest.raises(ManifestError, match="refers to another, more than 8 times"):
        blocking(find_targets)(workspace, {"x": Entry(digest, ref=uri)})
