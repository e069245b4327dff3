"""What dead writers left is found and cleared away; what the living write stays."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.store.folder import FolderStore
from lading.store.gcs.store import GcsStore
from lading.store.http.connection import close_idle
from lading.store.journal import Journal
from lading.store.opening import open_store
from lading.store.owner import Fate, Owner, scratch_name, this_process
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import Store
from lading.testing.gcs_server import GcsServer
from lading.testing.s3_server import Drop, Refuse, S3Server
from lading.upkeep.uploads import OLD, Found, Leftover, Removal, leftovers, may_go, remove

from .conftest import patiently

ROOT = Path(__file__).resolve().parents[2]
DEAD = Owner(this_process().boot, this_process().namespace, 2**22 - 1, "1")
FOREIGN = Owner("another", "1", 7, "1")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with S3Server() as server:
        yield server
        close_idle()


def opened(s3: S3Server, journal: Journal | None) -> S3Store:
    return open_s3(f"s3://bucket/ours?endpoint={s3.url}&anonymous=1", journal=journal)


async def found_in(store: Store | None, journal: Journal, *folders: Path) -> list[Found]:
    def reopen(url: str) -> Store:
        return open_store(url, journal=journal)

    places = [str(folder) for folder in folders]
    return [found async for found in leftovers(store, journal, reopen, places, persist=patiently)]


async def swept(
    store: Store | None, journal: Journal, *folders: Path, now: float | None = None, older_than: float = OLD
) -> Removal:
    now = time.time() if now is None else now
    return await remove([one for one in await found_in(store, journal, *folders) if may_go(one.leftover, now, older_than)])


def as_if_by(path: Path, owner: Owner) -> Path:
    """The file of this process, had it been written by another."""
    return path.rename(path.with_name(path.name.replace(str(this_process()), str(owner))))


def notes(journal: Journal) -> list[Path]:
    return sorted(Path(journal.folder).iterdir())


# The rule


@pytest.mark.parametrize(
    ("fate", "touched", "goes"),
    [
        (Fate.GONE, 999.0, True),
        (Fate.GONE, None, True),
        (Fate.ALIVE, 0.0, False),
        (Fate.UNKNOWN, 899.0, True),
        (Fate.UNKNOWN, 901.0, False),
        (Fate.UNKNOWN, None, False),
    ],
)
def test_what_the_dead_left_goes_and_what_nobody_knows_goes_when_it_is_old(fate: Fate, touched: float | None, goes: bool) -> None:
    assert may_go(Leftover("upload", "s3://b", "k", fate, touched), now=1000.0, older_than=100.0) is goes


@pytest.mark.parametrize(
    ("fate", "touched", "goes"), [(Fate.GONE, 899.0, True), (Fate.GONE, 999.0, False), (Fate.UNKNOWN, 0.0, False)]
)
def test_files_of_artifacts_go_when_their_maker_is_dead_and_they_are_old(fate: Fate, touched: float, goes: bool) -> None:
    assert may_go(Leftover("file", "/tmp", "x", fate, touched), now=1000.0, older_than=100.0) is goes


# S3


async def test_a_noted_upload_of_the_dead_is_aborted_and_its_note_goes(s3: S3Server, journal: Journal) -> None:
    store = opened(s3, journal)
    await store.begin("k", 20 << 20)
    as_if_by(notes(journal)[0], DEAD)

    removal = await swept(store, journal)

    assert [(left.name, left.fate, left.journalled) for left in removal.removed] == [("k", Fate.GONE, True)]
    assert (s3.bucket.uploads, notes(journal)) == ({}, [])


async def test_a_noted_upload_in_another_store_is_aborted_there(s3: S3Server, journal: Journal, tmp_path: Path) -> None:
    await opened(s3, journal).begin("k", 20 << 20)
    as_if_by(notes(journal)[0], DEAD)

    await swept(FolderStore(tmp_path / "store"), journal)

    assert (s3.bucket.uploads, notes(journal)) == ({}, [])


async def test_an_upload_that_was_never_named_is_aborted(s3: S3Server, journal: Journal) -> None:
    store = opened(s3, journal)
    await store.begin("k", 20 << 20)
    path = notes(journal)[0]
    path.write_bytes(path.read_bytes().replace(next(iter(s3.bucket.uploads)).encode(), b""))
    as_if_by(path, DEAD)

    await swept(store, journal)

    assert (s3.bucket.uploads, notes(journal)) == ({}, [])


async def test_uploads_of_the_living_stay_however_old(s3: S3Server, journal: Journal) -> None:
    store = opened(s3, journal)
    await store.begin("k", 20 << 20)

    removal = await swept(store, journal, now=time.time() + 100 * OLD)

    assert removal.removed == ()
    assert (len(s3.bucket.uploads), len(notes(journal))) == (1, 1)


async def test_uploads_that_nobody_noted_go_when_they_are_old_and_only_below_our_prefix(s3: S3Server, journal: Journal) -> None:
    await opened(s3, None).begin("ours too", 20 << 20)
    await open_s3(f"s3://bucket/theirs?endpoint={s3.url}&anonymous=1").begin("k", 20 << 20)
    store = opened(s3, journal)

    young = await swept(store, journal)
    old = await swept(store, journal, now=time.time() + OLD + 5)

    assert young.removed == ()
    assert [left.name for left in old.removed] == ["ours too"]
    assert [upload.key for upload in s3.bucket.uploads.values()] == ["theirs/k"]


async def test_what_the_store_refuses_to_abort_is_told_and_stays_noted(s3: S3Server, journal: Journal) -> None:
    store = opened(s3, journal)
    await store.begin("a", 20 << 20)
    await store.begin("b", 20 << 20)
    for path in notes(journal):
        as_if_by(path, DEAD)
    s3.fail("abort", Refuse(403, "AccessDenied"))

    removal = await swept(store, journal)

    assert ([left.name for left, _ in removal.failed], [left.name for left in removal.removed]) == (["a"], ["b"])
    assert (len(s3.bucket.uploads), len(notes(journal))) == (1, 1)


async def test_a_store_that_is_busy_for_a_moment_is_asked_again(s3: S3Server, journal: Journal) -> None:
    store = opened(s3, journal)
    await store.begin("noted", 20 << 20)
    as_if_by(notes(journal)[0], DEAD)
    await opened(s3, None).begin("unknown", 20 << 20)
    s3.fail("uploads", Refuse(503, "SlowDown"), Drop())
    s3.fail("abort", Refuse(503, "SlowDown"), Drop())

    removal = await swept(store, journal, now=time.time() + OLD + 5)

    assert ([left.name for left in removal.removed], removal.failed) == (["noted", "unknown"], ())
    assert (s3.bucket.uploads, notes(journal), s3.unused) == ({}, [], [])


# GCS


def run_script(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=False, env=os.environ | {"PYTHONPATH": str(ROOT / ".src")})


async def test_components_of_the_dead_go(journal: Journal, tmp_path: Path) -> None:
    with GcsServer() as server:
        url = f"gs://bucket/ours?endpoint={server.url}&anonymous=1"
        store = GcsStore(url)
        script = (
            "import asyncio, os\n"
            "from lading.store.gcs.store import GcsStore\n"
            f"write = asyncio.run(GcsStore({url!r}).begin('k', 20, part=10))\n"
            "write.part(0, 10).write([b'0123456789'])\n"
            "os.kill(os.getpid(), 9)\n"
        )
        run_script(script)
        alive = await store.begin("other", 20, part=10)
        alive.part(0, 10).write([b"0123456789"])

        removal = await swept(store, journal)

        assert [(left.fate, left.size) for left in removal.removed] == [(Fate.GONE, 10)]
        assert [left.fate async for left in store.unfinished()] == [Fate.ALIVE]
        await alive.abort()


# Folders


async def test_files_in_the_making_of_dead_writers_go_from_a_folder(tmp_path: Path, journal: Journal) -> None:
    store = FolderStore(tmp_path / "store")
    for key, owner in (("dead", DEAD), ("foreign", FOREIGN), ("alive", None)):
        write = await store.begin(key, 1 << 20)
        write.part(0, 1 << 20).write([bytes(1 << 20)])
        if owner:
            as_if_by(next(path for path in (tmp_path / "store/tmp").iterdir() if f"-{key}-" in path.name), owner)

    now = await swept(store, journal)
    later = await swept(store, journal, now=time.time() + OLD + 5)

    assert [(left.name, left.size) for left in now.removed] == [("dead", 1 << 20)]
    assert [left.name for left in later.removed] == ["foreign"]
    assert ["-alive-" in path.name for path in (tmp_path / "store/tmp").iterdir()] == [True]


async def test_downloads_of_the_dead_go_and_links_are_not_followed(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "down/deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "down/link").symlink_to(tmp_path / "other")
    mine, other = f".lading-{'d' * 64}-{DEAD}-0", tmp_path / f"other/.lading-x-{DEAD}-0"
    for path in (tmp_path / "down/deep" / mine, other, tmp_path / "down/.lading-notes", tmp_path / "down/data"):
        path.write_text("x")

    removal = await swept(None, journal, tmp_path / "down")

    assert [(left.kind, left.name) for left in removal.removed] == [("download", mine)]
    assert other.exists()
    assert sorted(path.name for path in (tmp_path / "down").rglob("*")) == [".lading-notes", "data", "deep", "link"]


async def test_what_dead_processes_made_for_artifacts_goes_when_it_is_old(tmp_path: Path, journal: Journal) -> None:
    scratch = tmp_path / "tmp"
    dead, folder, mine = f"{'0' * 16}-{DEAD}-table.json", f"{'1' * 16}-{DEAD}", scratch_name()
    for name in (dead, f"{folder}/deep/x", mine, "notes", "ffffffffffffffff-x.json"):
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_text("x")

    found = [each async for each in leftovers(None, journal, open_store, [], str(scratch), persist=patiently)]
    removal = await remove([each for each in found if may_go(each.leftover, time.time() + OLD + 60)])

    assert [left.name for left in removal.removed] == [dead, folder]
    assert sorted(path.name for path in scratch.iterdir()) == sorted([mine, "notes", "ffffffffffffffff-x.json"])
