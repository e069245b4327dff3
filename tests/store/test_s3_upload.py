"""Uploads in parts: what was damaged, lost, interrupted or taken meanwhile."""

import asyncio
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidValueError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.checksum import checksum, fast_checksum
from lading.store.http.connection import close_idle
from lading.store.journal import Begun, Journal
from lading.store.owner import Owner, this_process
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import Write, read_bytes, write_bytes
from lading.testing.s3_server import Damage, Drop, Late, LoseAnswer, Meanwhile, Refuse, S3Server
from lading.testing.s3_server_auth import Key

DATA = b"0123456789"
PARTS = ((0, 4), (4, 8), (8, 10))


@pytest.fixture
def s3(aws: Path) -> Iterator[S3Server]:
    del aws
    with S3Server(keys={"AKIA": Key("secret")}) as server:
        yield server
        close_idle()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def store(s3: S3Server, journal: Journal) -> S3Store:
    return open_s3(f"s3://bucket?endpoint={s3.url}", journal=journal)


async def _begun(store: S3Store, *parts: tuple[int, int], key: str = "k") -> Write:
    write = await store.begin(key, len(DATA), part=4)
    for start, stop in parts:
        await asyncio.to_thread(write.part(start, stop).write, (DATA[start:stop],))
    return write


def _nothing_is_left(s3: S3Server, journal: Journal) -> bool:
    notes = Path(journal.folder)
    return not s3.bucket.uploads and not (notes.exists() and list(notes.iterdir())) and not s3.unused


def _notes(journal: Journal) -> list[Path]:
    return list(Path(journal.folder).iterdir())


def _orphan(journal: Journal) -> None:
    """Let the journal's notes be of a process that is gone."""
    here = this_process()
    dead = Owner(here.boot, here.namespace, 2**22 - 1, "1")
    for path in _notes(journal):
        path.rename(path.with_name(path.name.replace(str(here), str(dead))))


# Checksums


async def test_a_server_that_compares_checksums_is_found_out_once(s3: S3Server, store: S3Store) -> None:
    writes = await asyncio.gather(*(_begun(store, key=f"k{number}") for number in range(5)))

    assert {write.part(0, 4).checks for write in writes} == {fast_checksum()}
    assert store.put("k", 1).checks == fast_checksum()
    assert s3.count("put") == 1
    assert s3.bucket.objects == {}
    for write in writes:
        await write.abort()


@pytest.mark.parametrize(
    ("conditional", "calls"), [("kept", ["complete", "head", "abort"]), ("ignored", ["head", "head", "abort"])]
)
async def test_a_server_that_compares_nothing_is_found_out_and_the_probe_removed(
    s3: S3Server, store: S3Store, journal: Journal, conditional: str, calls: list[str]
) -> None:
    s3.bucket.rules.checksums, s3.bucket.rules.conditional = False, conditional

    write = await _begun(store, *PARTS)
    probes = dict(s3.bucket.objects)
    await write_bytes(store, "k", b"first")
    s3.calls.clear()
    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert [call.kind for call in s3.calls] == calls
    assert write.part(0, 4).checks is None
    assert probes == {}
    assert await read_bytes(store, "k") == b"first"
    assert _nothing_is_left(s3, journal)


async def test_a_damaged_part_is_refused_and_may_be_sent_again(s3: S3Server, store: S3Store) -> None:
    write = await _begun(store)
    s3.fail("part", Damage(1))

    with pytest.raises(DigestMismatchError):
        await asyncio.to_thread(write.part(0, 4).write, (DATA[:4],))
    for start, stop in PARTS:
        await asyncio.to_thread(write.part(start, stop).write, (DATA[start:stop],))
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert s3.bucket.objects["k"].sum == checksum(fast_checksum(), DATA)


async def test_a_part_is_taken_from_a_file_with_the_checksum_that_was_promised(
    s3: S3Server, store: S3Store, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(DATA)
    write, name = await _begun(store), fast_checksum()

    def take(job_sum: bytes, algorithm: str = name) -> bool:
        descriptor = os.open(tmp_path / "file", os.O_RDONLY)
        try:
            return write.part(0, 4).take(descriptor, 0, checksum(algorithm, job_sum))
        finally:
            os.close(descriptor)

    assert not await asyncio.to_thread(take, DATA[:4], "md5")  # another than was promised: nothing is sent
    with pytest.raises(DigestMismatchError):
        await asyncio.to_thread(take, b"else")
    assert await asyncio.to_thread(take, DATA[:4])
    assert [part.data for part in s3.bucket.uploads[next(iter(s3.bucket.uploads))].parts.values()] == [DATA[:4]]
    await write.abort()


async def test_a_server_that_knows_another_checksum_only_gets_that(s3: S3Server, store: S3Store) -> None:
    s3.fail("put", *[Refuse(400, "InvalidRequest")] * (fast_checksum() != "crc32"))

    write = await _begun(store)

    assert write.part(0, 4).checks == "crc32"
    await write.abort()


async def test_who_may_not_delete_can_upload_and_leaves_one_object_that_is_not_listed(s3: S3Server, store: S3Store) -> None:
    s3.bucket.rules.checksums = False
    s3.fail("delete", Refuse(403, "AccessDenied"), Refuse(403, "AccessDenied"))

    write = await _begun(store, *PARTS)
    await write.complete()

    assert [meta.key async for meta in store.list("")] == ["k"]
    assert set(s3.bucket.objects) <= {"k", ".lading-probe-checksum"}
    assert s3.unused == []


async def test_a_probe_that_gets_no_answer_is_tried_again_later(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.fail("put", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await _begun(store)
    write = await _begun(store)

    assert write.part(0, 4).checks == fast_checksum()
    await write.abort()
    assert _nothing_is_left(s3, journal)


# The end


async def test_a_complete_that_fails_after_its_200_is_tried_again(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await _begun(store, *PARTS)
    s3.fail("complete", Late("InternalError"))

    with pytest.raises(StoreUnavailableError, match="InternalError"):
        await write.complete()
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert _nothing_is_left(s3, journal)


@pytest.mark.parametrize("metadata", [True, False])
async def test_a_lost_answer_of_complete_is_looked_up(s3: S3Server, store: S3Store, journal: Journal, metadata: bool) -> None:
    s3.bucket.rules.metadata = metadata
    write = await _begun(store, *PARTS)
    s3.fail("complete", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert s3.count("complete") == 1
    assert _nothing_is_left(s3, journal)


async def test_a_lookup_that_fails_too_is_made_before_anything_is_sent_again(
    s3: S3Server, store: S3Store, journal: Journal
) -> None:
    write = await _begun(store, *PARTS)
    s3.fail("complete", LoseAnswer())
    s3.fail("head", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert s3.count("complete") == 1
    assert _nothing_is_left(s3, journal)


async def test_a_complete_that_never_arrived_is_sent_again(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await _begun(store, *PARTS)
    s3.fail("complete", Drop())

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert _nothing_is_left(s3, journal)


async def test_an_object_of_somebody_else_is_not_taken_for_ours(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await _begun(store, *PARTS)
    s3.fail("complete", Meanwhile(lambda: s3.bucket.put("k", b"9876543210", {})))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert await read_bytes(store, "k") == b"9876543210"
    assert _nothing_is_left(s3, journal)


async def test_the_same_bytes_of_somebody_else_leave_no_upload_behind(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.metadata = False  # so that nobody can tell whose they are
    one, two = await _begun(store, *PARTS), await _begun(store, *PARTS)

    await one.complete()
    await two.complete()

    assert await read_bytes(store, "k") == DATA
    assert _nothing_is_left(s3, journal)


async def test_an_upload_that_somebody_aborted_is_an_error_that_says_so(s3: S3Server, store: S3Store) -> None:
    write = await _begun(store, *PARTS)
    s3.bucket.uploads.clear()

    with pytest.raises(StoreError, match="aborted by somebody else"):
        await write.complete()
    with pytest.raises(NotFoundError):
        await asyncio.to_thread(write.part(0, 4).write, (DATA[:4],))


async def test_an_incomplete_object_is_not_completed(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await _begun(store, (0, 4), (8, 10))

    with pytest.raises(StoreError, match="1 of 3 parts were not written"):
        await write.complete()
    await write.abort()

    assert _nothing_is_left(s3, journal)


async def test_what_lanes_elsewhere_wrote_is_asked_for(s3: S3Server, store: S3Store) -> None:
    write = await _begun(store)
    jobs = [pickle.loads(pickle.dumps(write.part(start, stop))) for start, stop in PARTS]
    for job, (start, stop) in zip(jobs, PARTS, strict=True):
        await asyncio.to_thread(job.write, (DATA[start:stop],))
    write._taken.parts.clear()  # type: ignore[attr-defined]  # pyright: ignore
    s3.bucket.rules.page = 1

    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert s3.count("parts") == 3


async def test_an_empty_object_can_be_made_in_parts(store: S3Store) -> None:
    write = await store.begin("k", 0)

    await write.complete()

    assert await read_bytes(store, "k") == b""


async def test_an_abort_that_fails_is_repeated(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await _begun(store, (0, 4))
    s3.fail("abort", Refuse(500, "InternalError"))

    with pytest.raises(StoreUnavailableError):
        await write.abort()
    assert len(s3.bucket.uploads) == 1
    await write.abort()
    await write.abort()

    assert _nothing_is_left(s3, journal)


@pytest.mark.parametrize("part", [(1, 4), (0, 8), (8, 12), (12, 16), (4, 4)])
async def test_what_is_no_part_is_refused(store: S3Store, part: tuple[int, int]) -> None:
    write = await _begun(store)

    with pytest.raises(InvalidValueError, match="is no part"):
        write.part(*part)

    await write.abort()


async def test_more_parts_than_s3_has_are_refused_at_once(s3: S3Server, store: S3Store) -> None:
    with pytest.raises(InvalidValueError, match="10001 parts"):
        await store.begin("k", 10_001, part=1)

    assert s3.calls == []


# Resume


async def test_the_upload_of_a_dead_process_is_gone_on_with(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await _begun(store, (0, 4), (8, 10))
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
    assert _nothing_is_left(s3, journal)


async def test_where_checksums_are_ignored_the_etag_is_the_proof(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.checksums = False
    await _begun(store, (0, 4))
    _orphan(journal)

    write = await store.begin("k", len(DATA), part=4)

    assert write.proof(0, 4) == checksum("md5", DATA[:4])
    assert write.proof(0, 8) is None
    await write.abort()


async def test_an_upload_that_is_gone_or_other_is_begun_anew(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await _begun(store, (0, 4))
    _orphan(journal)
    s3.bucket.uploads.clear()

    gone = await store.begin("k", len(DATA), part=4)
    other = await store.begin("k", len(DATA), part=5)

    assert (gone.done, other.done, s3.count("begin")) == (frozenset(), frozenset(), 3)
    await gone.abort()
    await other.abort()
    assert _nothing_is_left(s3, journal)


async def test_an_upload_whose_checksum_this_machine_cannot_compute_is_begun_anew(
    s3: S3Server, store: S3Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _begun(store, (0, 4))
    _orphan(journal)
    monkeypatch.setattr("lading.store.s3.beginning.can_compute", _nothing)  # as on one without the library

    write = await store.begin("k", len(DATA), part=4)

    assert (write.done, len(s3.bucket.uploads)) == (frozenset(), 1)
    await write.abort()
    assert _nothing_is_left(s3, journal)


def _nothing(name: str) -> bool:
    del name
    return False


async def test_a_living_upload_is_left_alone(s3: S3Server, store: S3Store) -> None:
    one = await _begun(store, (0, 4))

    two = await store.begin("k", len(DATA), part=4)

    assert (two.done, len(s3.bucket.uploads)) == (frozenset(), 2)
    await one.abort()
    await two.abort()


async def test_an_adoption_that_fails_leaves_the_note_to_the_next(s3: S3Server, store: S3Store, journal: Journal) -> None:
    await _begun(store, (0, 4))
    _orphan(journal)
    s3.fail("parts", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await store.begin("k", len(DATA), part=4)
    write = await store.begin("k", len(DATA), part=4)

    assert write.done == {(0, 4)}
    await write.abort()
    assert _nothing_is_left(s3, journal)


async def test_what_a_dead_process_left_is_listed_and_discarded(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.page = 1
    await _begun(store, (0, 4), key="named")
    await _begun(store, key="unnamed")
    await _begun(store, key="unnamed-but-another")
    for note in _notes(journal):  # it died before the store had named this one to it
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
    await _begun(store)

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
        await _begun(store)

    assert len(_notes(journal)) == notes == len(s3.bucket.uploads)


async def test_a_note_that_cannot_be_written_begins_nothing(s3: S3Server, store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("no folder")

    with pytest.raises(OSError, match="journal"):
        await _begun(store)

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
    assert _nothing_is_left(s3, journal)
