"""Uploads in parts: which checksum a server compares is found out, and what it then refuses."""

import asyncio
import os
from pathlib import Path

import pytest

from lading.errors import AlreadyExistsError, DigestMismatchError, StoreUnavailableError
from lading.store.checksum import checksum, fast_checksum
from lading.store.journal import Journal
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import read_bytes, write_bytes
from lading.testing.s3_server import Damage, Refuse, S3Server

from .uploads import DATA, PARTS, begun, nothing_is_left


@pytest.fixture
def store(s3: S3Server, journal: Journal) -> S3Store:
    return open_s3(f"s3://bucket?endpoint={s3.url}", journal=journal)


async def test_a_server_that_compares_checksums_is_found_out_once(s3: S3Server, store: S3Store) -> None:
    writes = await asyncio.gather(*(begun(store, key=f"k{number}") for number in range(5)))

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

    write = await begun(store, *PARTS)
    probes = dict(s3.bucket.objects)
    await write_bytes(store, "k", b"first")
    s3.calls.clear()
    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert [call.kind for call in s3.calls] == calls
    assert write.part(0, 4).checks is None
    assert probes == {}
    assert await read_bytes(store, "k") == b"first"
    assert nothing_is_left(s3, journal)


async def test_a_damaged_part_is_refused_and_may_be_sent_again(s3: S3Server, store: S3Store) -> None:
    write = await begun(store)
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
    write, name = await begun(store), fast_checksum()

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

    write = await begun(store)

    assert write.part(0, 4).checks == "crc32"
    await write.abort()


async def test_who_may_not_delete_can_upload_and_leaves_one_object_that_is_not_listed(s3: S3Server, store: S3Store) -> None:
    s3.bucket.rules.checksums = False
    s3.fail("delete", Refuse(403, "AccessDenied"), Refuse(403, "AccessDenied"))

    write = await begun(store, *PARTS)
    await write.complete()

    assert [meta.key async for meta in store.list("")] == ["k"]
    assert set(s3.bucket.objects) <= {"k", ".lading-probe-checksum"}
    assert s3.unused == []


async def test_a_probe_that_gets_no_answer_is_tried_again_later(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.fail("put", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await begun(store)
    write = await begun(store)

    assert write.part(0, 4).checks == fast_checksum()
    await write.abort()
    assert nothing_is_left(s3, journal)
