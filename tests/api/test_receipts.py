"""Receipts: what is needed to rebuild the catalogue lies beside the objects."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import lading
from lading.api.portal import blocking
from lading.api.receipts import Receipt, receipt_key, receipt_of, write_receipts
from lading.api.workspace import Workspace
from lading.catalog import Change

Make = Callable[..., lading.Artifact]


def read(home: Path, index: int) -> Receipt:
    return msgspec.json.decode((home / f"store/versions/me/p/ds/v{index}.json").read_bytes(), type=Receipt)


def test_a_receipt_says_what_the_version_was_when_it_was_committed(dataset: Make, home: Path) -> None:
    """DESIGN 4, "Keys": `versions/<entity>/<project>/<collection>/<vN>.json`."""
    artifact = dataset({"a": "1"}, aliases=["best"], tags=["t"])
    version = artifact.logged_version("test")

    receipt = read(home, 0)

    assert receipt == receipt_of(version)
    assert (receipt.format, receipt.version_id, receipt.document) == (1, artifact.id, artifact.commit_hash)
    assert (receipt.aliases, receipt.tags, receipt.metadata) == (["best", "latest"], ["t"], {})
    artifact.description = "edited later"
    artifact.save()
    dataset({"a": "2"})
    assert read(home, 0) == receipt


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format":1}'])
def test_a_receipt_that_a_crash_cut_short_is_replaced_and_a_good_one_stays(
    dataset: Make, workspace: Workspace, home: Path, damage: bytes
) -> None:
    first, second = dataset({"a": "1"}).logged_version("x"), dataset({"a": "2"}).logged_version("x")
    path = home / "store" / receipt_key(first)
    path.chmod(0o600)
    path.write_bytes(damage)
    good = (home / "store" / receipt_key(second)).stat().st_ino
    for name, later in (("ds", "away"), ("away", "ds")):  # what is renamed counts as not written
        blocking(workspace.catalog.change_collection)("me", "p", name, Change(name=later))
    assert len(blocking(workspace.catalog.unreceipted)("me", "p", "ds")) == 2

    blocking(write_receipts)(workspace, second)

    assert blocking(workspace.catalog.unreceipted)("me", "p", "ds") == ()
    assert read(home, 0).version_id == first.id
    assert (home / "store" / receipt_key(second)).stat().st_ino == good


def test_a_renamed_collection_has_receipts_under_its_new_name_after_the_next_log(dataset: Make, home: Path) -> None:
    dataset({"a": "1"})
    found = lading.Api().artifact_collection("dataset", "p/ds")
    found.name = "renamed"
    found.save()

    dataset({"a": "2"}, "renamed")

    assert sorted(path.name for path in (home / "store/versions/me/p/renamed").iterdir()) == ["v0.json", "v1.json"]
