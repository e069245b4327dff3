"""What is logged under each digest algorithm, and what counts as the same content."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading

from .conftest import artifact_of

Fill = Callable[..., Path]

# SEMANTICS 2.1: golden values, recomputed from the published client.
GOLDEN: dict[str, dict[str, str | bytes]] = {
    "64e7c61456b10382e2f3b571ac24b659": {},
    "a00c2239f036fb656c1dcbf9a32d89b4": {"file1.txt": "hello"},
    "585b9ada17797e37c9cbab391e69b8c5": {"great-file.txt": "hello"},
    "a757208d042e8627b2970d72a71bed5b": {"subdir/file1.txt": "hello"},
    "72414374bfd4b0f60a116e7267845f71": {"file1.txt": "hello", "nest/file2.txt": "my", "nest/nest/file3.txt": "dude"},
    "f718baf2d4c910dc6ccd0d9c586fa00f": {"top/file1.txt": "hello", "top/nest/file2.txt": "my", "top/nest/nest/file3.txt": "dude"},
}


@pytest.mark.parametrize("digest", GOLDEN)
def test_with_md5_digests_are_those_of_wandb(run: lading.Run, fill: Fill, digest: str) -> None:
    """SEMANTICS 2.1."""
    artifact = artifact_of(fill("in", GOLDEN[digest]), digest_algorithm="MD5")
    assert artifact.digest == digest

    run.log_artifact(artifact)

    again = run.use_artifact("ds:latest")
    assert (artifact.digest, again.digest, again.manifest.digest()) == (digest, digest, digest)
    assert again.digest_algorithm == "MD5"


def test_with_md5_the_manifest_is_wandbs(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 2.1 and 2.2: base64 md5 of the files, version 1, defaults left out."""
    run.log_artifact(artifact_of(fill("in", {"file1.txt": "hello"}), digest_algorithm="MD5"))

    manifest = run.use_artifact("ds:latest").manifest

    assert manifest.to_manifest_json() == {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": {"file1.txt": {"digest": "XUFAKrxLKna5cZ2REBfFkg==", "size": 5}},
    }


@pytest.mark.parametrize(("label", "digest"), [("BLAKE3", "ea8f163d"), ("SHA256", "2cf24dba"), ("MD5", "XUFAKrxL")])
def test_each_algorithm_makes_the_round_trip(run: lading.Run, fill: Fill, label: str, digest: str) -> None:
    """DESIGN 4; docs/formats.md has the digests of "hello"."""
    big = os.urandom((8 << 20) + 1)
    run.log_artifact(artifact_of(fill("in", {"hello": "hello", "big": big}), digest_algorithm=label))

    artifact = run.use_artifact("ds:latest")
    root = Path(artifact.download())

    assert artifact.get_entry("hello").digest.startswith(digest)
    assert (root / "big").read_bytes() == big
    artifact.verify(root)


def test_the_default_algorithm_is_a_setting(run: lading.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 3, LADING_DIGEST."""
    run.finish()
    monkeypatch.setenv("LADING_DIGEST", "MD5")

    assert lading.Artifact("ds").digest == "64e7c61456b10382e2f3b571ac24b659"
    assert lading.Artifact("ds", digest_algorithm="BLAKE3").digest_algorithm == "BLAKE3"


def test_the_same_content_under_another_label_is_the_same_content(run: lading.Run, fill: Fill) -> None:
    """DESIGN 4: '"Same as `latest`" compares tree digests, whatever the label'; SHA256 differs by nature."""
    folder = fill("in", {"a": "1", "b": "2"})
    first = run.log_artifact(artifact_of(folder))

    labelled = run.log_artifact(artifact_of(folder, digest_algorithm="MD5"))
    other = run.log_artifact(artifact_of(folder, digest_algorithm="SHA256"))

    assert (labelled.version, labelled.digest, labelled.digest_algorithm) == ("v0", first.digest, "BLAKE3")
    assert labelled.get_entry("a").digest == first.get_entry("a").digest == labelled.manifest.entries["a"].digest
    assert other.version == "v1"
