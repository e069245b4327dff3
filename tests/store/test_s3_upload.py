"""Uploads in parts: completed once, aborted to the last part, and looked up when an answer was lost."""

import asyncio
import pickle

import pytest

from lading.errors import AlreadyExistsError, InvalidValueError, NotFoundError, StoreError, StoreUnavailableError
from lading.store.journal import Journal
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import read_bytes
from lading.testing.s3_server import Drop, Late, LoseAnswer, Meanwhile, Refuse, S3Server

from .uploads import DATA, PARTS, begun, nothing_is_left


@pytest.fixture
def store(s3: S3Server, journal: Journal) -> S3Store:
    return open_s3(f"s3://bucket?endpoint={s3.url}", journal=journal)


async def test_a_complete_that_fails_after_its_200_is_tried_again(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await begun(store, *PARTS)
    s3.fail("complete", Late("InternalError"))

    with pytest.raises(StoreUnavailableError, match="InternalError"):
        await write.complete()
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert nothing_is_left(s3, journal)


@pytest.mark.parametrize("metadata", [True, False])
async def test_a_lost_answer_of_complete_is_looked_up(s3: S3Server, store: S3Store, journal: Journal, metadata: bool) -> None:
    s3.bucket.rules.metadata = metadata
    write = await begun(store, *PARTS)
    s3.fail("complete", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert s3.count("complete") == 1
    assert nothing_is_left(s3, journal)


async def test_a_lookup_that_fails_too_is_made_before_anything_is_sent_again(
    s3: S3Server, store: S3Store, journal: Journal
) -> None:
    write = await begun(store, *PARTS)
    s3.fail("complete", LoseAnswer())
    s3.fail("head", Refuse(503, "SlowDown"))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert s3.count("complete") == 1
    assert nothing_is_left(s3, journal)


async def test_a_complete_that_never_arrived_is_sent_again(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await begun(store, *PARTS)
    s3.fail("complete", Drop())

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert await read_bytes(store, "k") == DATA
    assert nothing_is_left(s3, journal)


async def test_an_object_of_somebody_else_is_not_taken_for_ours(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await begun(store, *PARTS)
    s3.fail("complete", Meanwhile(lambda: s3.bucket.put("k", b"9876543210", {})))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert await read_bytes(store, "k") == b"9876543210"
    assert nothing_is_left(s3, journal)


async def test_the_same_bytes_of_somebody_else_leave_no_upload_behind(s3: S3Server, store: S3Store, journal: Journal) -> None:
    s3.bucket.rules.metadata = False  # so that nobody can tell whose they are
    one, two = await begun(store, *PARTS), await begun(store, *PARTS)

    await one.complete()
    await two.complete()

    assert await read_bytes(store, "k") == DATA
    assert nothing_is_left(s3, journal)


async def test_of_two_writers_at_the_same_moment_one_wins(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await begun(store, *PARTS)
    s3.fail("complete", Refuse(409, "ConditionalRequestConflict"))

    with pytest.raises(StoreUnavailableError, match="ConditionalRequestConflict"):
        await write.complete()
    s3.bucket.put("k", b"9876543210", {})
    s3.bucket.uploads.clear()  # as AWS may do with that of the loser
    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert await read_bytes(store, "k") == b"9876543210"
    assert nothing_is_left(s3, journal)


async def test_an_upload_that_somebody_aborted_is_an_error_that_says_so(s3: S3Server, store: S3Store) -> None:
    write = await begun(store, *PARTS)
    s3.bucket.uploads.clear()

    with pytest.raises(StoreError, match="aborted by somebody else"):
        await write.complete()
    with pytest.raises(NotFoundError):
        await asyncio.to_thread(write.part(0, 4).write, (DATA[:4],))


async def test_an_incomplete_object_is_not_completed(s3: S3Server, store: S3Store, journal: Journal) -> None:
    write = await begun(store, (0, 4), (8, 10))

    with pytest.raises(StoreError, match="1 of 3 parts were not written"):
        await write.complete()
    await write.abort()

    assert nothing_is_left(s3, journal)


async def test_what_lanes_elsewhere_wrote_is_asked_for(s3: S3Server, store: S3Store) -> None:
    write = await begun(store)
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
    write = await begun(store, (0, 4))
    s3.fail("abort", Refuse(500, "InternalError"))

    with pytest.raises(StoreUnavailableError):
        await write.abort()
    assert len(s3.bucket.uploads) == 1
    await write.abort()
    await write.abort()

    assert nothing_is_left(s3, journal)


@pytest.mark.parametrize("part", [(1, 4), (0, 8), (8, 12), (12, 16), (4, 4)])
async def test_what_is_no_part_is_refused(store: S3Store, part: tuple[int, int]) -> None:
    write = await begun(store)

    with pytest.raises(InvalidValueError, match="is no part"):
        write.part(*part)

    await write.abort()


async def test_more_parts_than_s3_has_are_refused_at_once(s3: S3Server, store: S3Store) -> None:
    with pytest.raises(InvalidValueError, match="10001 parts"):
        await store.begin("k", 10_001, part=1)

    assert s3.calls == []
