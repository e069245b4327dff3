"""Uploads in parts that the dead left: noted, gone on with, begun anew, or listed and discarded."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from lading.errors import StoreError, StoreUnavailableError
from lading.store.checksum import checksum, fast_checksum
from lading.store.journal import Begun, Journal
from lading.store.owner import this_process
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import read_bytes
from lading.testing.s3_server import LoseAnswer, Refuse, S3Server

from .uploads import DATA, PARTS, begun, dead, notes_of, nothing_is_left


@pytest.fixture
def store(s3: S3Server, journal: Journal) -> S3Store:
    return open_s3(f"s3://bucket?endpoint={s3.url}", journal=journal)


def _orphan(journal: Journal) -> None:
    """Let the journal's notes be of a process that is gone."""
    for path in notes_of(journal):
        path.rename(path.with_name(path.name.replace(str(this_process()), str(dead()))))


async def test_the_upload_of_a_dead_process_is_gone_on_with(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await begun(store, (0, 4), (8, 10))
    _orphan(journal)
    s3.calls.clear()

    write = await store.begin("k", len(DATA), part=4)
    done, proofs = write.done, [write.proof(*part) for part in PARTS]
    await asyncio.to_thread(write.part(4, 8).write, (DATA[4:8],))
    await write.complete()

    assert done == {(0, 4), (8, 10)}
    name = fast_checksum()
    assert proofs == [checksum(name, DATA[:4]), None, checksum(name, DATA[8:])]
    assert await read_bytes(store, "k") == DATA
    assert (s3.count("begin"), s3.count("part")) == (0, 1)
    assert nothing_is_left(s3, journal)


async def test_where_checksums_are_ignored_the_etag_is_the_proof(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.checksums = False
    await begun(store, (0, 4))
    _orphan(journal)

    write = await store.begin("k", len(DATA), part=4)

    assert write.proof(0, 4) == checksum("md5", DATA[:4])
    assert write.proof(0, 8) is None
    await write.abort()


async def test_an_upload_that_is_gone_or_other_is_begun_anew(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await begun(store, (0, 4))
    _orphan(journal)
    s3.bucket.uploads.clear()

    gone = await store.begin("k", len(DATA), part=4)
    other = await store.begin("k", len(DATA), part=5)

    assert (gone.done, other.done, s3.count("begin")) == (frozenset(), frozenset(), 3)
    await gone.abort()
    await other.abort()
    assert nothing_is_left(s3, journal)


async def test_an_upload_whose_checksum_this_machine_cannot_compute_is_begun_anew(
    s3: S3Server, store: S3Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(store, (0, 4))
    _orphan(journal)
    monkeypatch.setattr("lading.store.s3.beginning.can_compute", _nothing)  # as on one without the library

    write = await store.begin("k", len(DATA), part=4)

    assert (write.done, len(s3.bucket.uploads)) == (frozenset(), 1)
    await write.abort()
    assert nothing_is_left(s3, journal)


def _nothing(name: str) -> bool:
    del name
    return False


async def test_a_living_upload_is_left_alone(s3: S3Server, store: S3Store) -> None:
    one = await begun(store, (0, 4))

    two = await store.begin("k", len(DATA), part=4)

    assert (two.done, len(s3.bucket.uploads)) == (frozenset(), 2)
    await one.abort()
    await two.abort()


async def test_an_adoption_that_fails_leaves_the_note_to_the_next(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await begun(store, (0, 4))
    _orphan(journal)
    s3.fail("parts", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await store.begin("k", len(DATA), part=4)
    write = await store.begin("k", len(DATA), part=4)

    assert write.done == {(0, 4)}
    await write.abort()
    assert nothing_is_left(s3, journal)


async def test_what_a_dead_process_left_is_listed_and_discarded(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.page = 1
    await begun(store, (0, 4), key="named")
    await begun(store, key="unnamed")
    await begun(store, key="unnamed-but-another")
    for note in notes_of(journal):  # it died before the store had named this one to it
        if b'"key":"unnamed"' in note.read_bytes():
            note.write_bytes(note.read_bytes().replace(b'"upload":"upload-', b'"upload":"","was":"upload-'))
    _orphan(journal)

    left = journal.leftovers()
    for leftover in left[:2]:
        await store.discard(leftover.noted.begun)
        await store.discard(leftover.noted.begun)

    assert [leftover.noted.begun.key for leftover in left] == ["named", "unnamed", "unnamed-but-another"]
    assert [found.key async for found in store.uploads()] == ["unnamed-but-another"]


async def test_an_upload_of_another_time_is_not_discarded(s3: S3Server, store: S3Store) -> None:
    await begun(store)

    await store.discard(Begun(store.url, "k", len(DATA), 4, "marker", time.time() - 3600))

    assert len(s3.bucket.uploads) == 1


@pytest.mark.parametrize(
    ("fault", "notes"),
    [(Refuse(503, "SlowDown"), 0), (Refuse(403, "AccessDenied"), 0), (LoseAnswer(), 1)],
)
async def test_a_beginning_that_fails_leaves_a_note_only_if_it_may_have_begun(
    s3: S3Server, store: S3Store, journal: Journal, fault: Refuse | LoseAnswer, notes: int
) -> None:
    s3.fail("begin", fault)

    with pytest.raises(StoreError):
        await begun(store)

    assert len(notes_of(journal)) == notes == len(s3.bucket.uploads)


async def test_a_note_that_cannot_be_written_begins_nothing(s3: S3Server, store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("no folder")

    with pytest.raises(OSError, match="journal"):
        await begun(store)

    assert s3.bucket.uploads == {}


_KILLED = """
import asyncio, os, signal, sys
from lading.store.journal import Journal
from lading.store.s3.store import open_s3

async def main():
    write = await open_s3(sys.argv[1], journal=Journal(sys.argv[2])).begin("k", 10, part=4)
    for start, stop in ((0, 4), (8, 10)):
        await asyncio.to_thread(write.part(start, stop).write, (b"0123456789"[start:stop],))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_after_a_kill_only_what_is_missing_is_sent(s3: S3Server, store: S3Store, journal: Journal) -> None:
    killed = await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", _KILLED, store.url, journal.folder)
    assert await killed.wait() == -signal.SIGKILL
    s3.calls.clear()

    write = await store.begin("k", len(DATA), part=4)
    await asyncio.to_thread(write.part(4, 8).write, (DATA[4:8],))
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert (s3.count("begin"), s3.count("part")) == (0, 1)
    assert nothing_is_left(s3, journal)
