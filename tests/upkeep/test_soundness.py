"""Every kind of damage in a store is found, and what is repaired is sent again by the next log."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

import lading
from lading.api.keeping import keeper_of
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.api.storecheck import StoreCheck, subjects_of
from lading.api.workspace import Workspace, close_workspaces
from lading.catalog import open_catalog
from lading.errors import DigestMismatchError, ManifestError, StoreForeignError, StoreUnavailableError
from lading.manifest.digest import LEAF_SIZE
from lading.store.http.connection import close_idle
from lading.testing.s3_server import S3Server
from lading.testing.wrappers import FaultyStore
from lading.transfer.progress import Meter
from lading.upkeep.keeper import Keeper
from lading.upkeep.soundness import Bad, repair, subjects

from .conftest import Log

FILES: dict[str, str | bytes] = {"small": b"small" * 100, "empty": b"", "large": bytes(LEAF_SIZE * 9) + b"large"}
Stored = Callable[..., list[str]]


@pytest.fixture
def version(log: Log) -> lading.Artifact:
    return log(FILES)


@pytest.fixture
def checked(workspace: Workspace, keeper: Keeper) -> Callable[[], tuple[Bad, ...]]:
    async def run() -> tuple[Bad, ...]:
        return await StoreCheck(workspace.engine, Meter()).check(subjects(keeper))

    return blocking(run)


Checked = Callable[[], tuple[Bad, ...]]


def file_of(home: Path, version: lading.Artifact, path: str) -> Path:
    digest = version.manifest.entries[path].digest
    (found,) = (home / "store/objects").rglob(digest[2:])
    found.chmod(0o644)
    return found


def flip(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(8 * LEAF_SIZE + 1)
        opened.write(b"\1")


def test_a_sound_store_has_nothing_bad_and_everything_is_read(
    version: lading.Artifact, workspace: Workspace, keeper: Keeper
) -> None:
    meter = Meter()

    bad = blocking(StoreCheck(workspace.engine, meter).check)(subjects(keeper))

    final = meter.statistics()
    assert bad == ()
    assert (final.files, final.files_done, final.bytes_hashed) == (5, 5, 9 * LEAF_SIZE + 505)


def overwrite(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


def shorten(file: Path) -> None:
    os.truncate(file, LEAF_SIZE)


@pytest.mark.parametrize(
    ("path", "damage", "problem"),
    [
        ("small", overwrite(b"other" * 100), "has bytes that hash to "),
        ("small", overwrite(b"short"), "has 5 bytes, not 500"),
        ("empty", overwrite(b"!"), "has 1 bytes, not 0"),
        ("large", shorten, f"has {LEAF_SIZE} bytes, not "),
        ("large", flip, "has bytes that hash to "),
        ("large", Path.unlink, "is not in the store"),
        ("small", Path.unlink, "is not in the store"),
    ],
)
def test_damage_is_found_and_mended_by_the_next_log(
    version: lading.Artifact,
    log: Log,
    checked: Checked,
    keeper: Keeper,
    home: Path,
    path: str,
    damage: Callable[[Path], object],
    problem: str,
) -> None:
    file = file_of(home, version, path)
    damage(file)

    bad = checked()
    blocking(repair)(keeper, bad)
    again = log(FILES)

    assert [(each.subject.info.digest, each.problem.startswith(problem)) for each in bad] == [
        (version.manifest.entries[path].digest, True)
    ]
    assert again.version == version.version
    assert checked() == ()


def test_damaged_documents_are_found_and_mended(
    version: lading.Artifact, log: Log, checked: Checked, keeper: Keeper, home: Path
) -> None:
    for file in (home / "store/manifests").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(gzip.compress(b"{}"))

    bad = checked()
    blocking(repair)(keeper, bad)
    log(FILES)

    assert [(each.subject.info.kind, each.problem[:10]) for each in bad] == [("manifest", "is damaged")] * 2
    assert checked() == ()


def test_one_version_can_be_checked_alone(version: lading.Artifact, log: Log, workspace: Workspace, home: Path) -> None:
    other = log({"other": "other"}, "other")
    file_of(home, version, "small").unlink()

    async def run(artifact: lading.Artifact) -> list[str]:
        found = subjects_of(workspace, artifact.logged_version("x"))
        return [each.problem for each in await StoreCheck(workspace.engine, Meter()).check(found)]

    assert blocking(run)(other) == []
    assert blocking(run)(version) == ["is not in the store"]


def test_a_store_that_does_not_answer_says_nothing_of_its_objects(
    version: lading.Artifact, workspace: Workspace, keeper: Keeper
) -> None:
    faulty = FaultyStore(workspace.store)
    faulty.fail("head", StoreUnavailableError("away"), times=2)
    workspace.engine.store = faulty

    assert blocking(StoreCheck(workspace.engine, Meter()).check)(subjects(keeper)) == ()
    assert not faulty.unused


def test_only_the_owner_checks(version: lading.Artifact, workspace: Workspace, tmp_path: Path) -> None:
    other = blocking(open_catalog)(f"sqlite:///{tmp_path}/other.db")

    with pytest.raises(StoreForeignError):
        blocking(Keeper(other, workspace.store, workspace.persist).check_owner)()
    blocking(other.close)()


@pytest.mark.parametrize("what", ["objects", "manifests"])
@pytest.mark.parametrize("found_by", ["a check", "a download"])
def test_what_is_bad_in_a_bucket_is_sent_again_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found_by: str, what: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with S3Server() as server:
        monkeypatch.setenv("LADING_STORE", f"s3://bucket/ours?endpoint={server.url}&anonymous=1")
        with lading.init() as run:

            def log() -> lading.Artifact:
                artifact = lading.Artifact("ds", "dataset")
                with artifact.new_file("a", "w") as file:
                    file.write("right")
                return run.log_artifact(artifact).wait()

            first = log()
            digest = first.commit_hash if what == "manifests" else first.manifest.entries["a"].digest
            (key,) = (key for key in server.bucket.objects if key.endswith(digest[2:]))
            good = server.bucket.objects[key]
            server.bucket.objects[key] = replace(good, data=b"wrong", etag='"wrong"')
            if found_by == "a check":
                assert [each.subject.info.digest for each in blocking(_repaired)()] == [digest]
            else:
                with pytest.raises((DigestMismatchError, ManifestError)):
                    lading.Api().artifact(first.name).download(str(tmp_path / "out"), rehash=True)
            again = log()

        assert again.version == "v0"
        assert server.bucket.objects[key].data == good.data
        blocking(close_workspaces)()
        close_idle()


async def _repaired() -> tuple[Bad, ...]:
    workspace = await workspace_here()
    keeper = keeper_of(workspace)
    bad = await StoreCheck(workspace.engine, Meter()).check(subjects(keeper))
    await repair(keeper, bad)
    return bad
