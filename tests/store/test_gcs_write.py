"""Large objects in Google Cloud Storage: components, compose, and lost answers."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence

import pytest

from lading.errors import AlreadyExistsError, DigestMismatchError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.gcs.store import GcsStore
from lading.store.gcs.write import GcsWrite
from lading.store.store import Write, read_bytes
from lading.testing.gcs_server import Drop, GcsServer, LoseAnswer, Meanwhile, Refuse
from lading.testing.gcs_server_bucket import GcsObject, Source

from .uploads import DATA, KEY, NAME, components, write_parts


@pytest.fixture
def store(gcs: GcsServer) -> GcsStore:
    return GcsStore(f"gs://bucket/root?endpoint={gcs.url}&anonymous=1")


async def begun(store: GcsStore, data: bytes = DATA, part: int = 4, *, replace: bool = False) -> Write:
    write = await store.begin(KEY, len(data), part=part, replace=replace)
    parts = [(start, min(start + part, len(data))) for start in range(0, len(data), part)]
    await write_parts(write, *parts, data=data)
    return write


@pytest.mark.parametrize(("parts", "composes"), [(1, 1), (32, 1), (33, 2), (70, 4), (1025, 32 + 1 + 1)])
async def test_any_number_of_parts_makes_one_object(gcs: GcsServer, store: GcsStore, parts: int, composes: int) -> None:
    data = os.urandom(parts * 3 - 1)
    write = await store.begin(KEY, len(data), part=3)
    assert isinstance(write, GcsWrite)
    for start in range(0, len(data), 3):  # as lanes would leave them, at less expense
        stop = min(start + 3, len(data))
        write.part(start, stop)
        gcs.bucket.insert(f"root/{write.upload.component(start, stop)}", data[start:stop])

    await write.complete()

    assert await read_bytes(store, KEY) == data
    assert gcs.bucket.objects[NAME].components == parts
    assert gcs.count("compose") == composes
    assert list(gcs.bucket.objects) == [NAME]


async def test_the_sources_and_the_absence_of_the_object_are_conditions(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    first = components(gcs)[0]
    gcs.fail("compose", Meanwhile(lambda: gcs.bucket.insert(first, b"evil")))

    with pytest.raises(StoreError, match=r"a part in gs://.* was replaced meanwhile"):
        await write.complete()
    await write.abort()

    assert gcs.bucket.objects == {}


async def test_a_part_that_is_replaced_on_the_way_of_many_is_noticed(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store, b"x" * 33, 1)
    first = components(gcs)[0]
    gcs.fail("compose", Meanwhile(lambda: gcs.bucket.insert(first, b"y")))

    with pytest.raises(StoreError, match="was replaced meanwhile"):
        await write.complete()
    await write.abort()

    assert gcs.bucket.objects == {}


async def test_a_part_that_is_gone_is_noticed_before_and_during_the_compose(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    first, *_, last = components(gcs)
    gcs.fail("compose", Meanwhile(lambda: gcs.bucket.delete(first, {})))

    with pytest.raises(StoreError, match=r"a part in gs://.* is gone"):
        await write.complete()
    gcs.bucket.delete(last, {})
    with pytest.raises(StoreError, match="not all parts were written"):
        await write.complete()
    await write.abort()

    assert gcs.bucket.objects == {}


async def test_an_object_that_came_meanwhile_stays_and_the_components_go(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("compose", Meanwhile(lambda: gcs.bucket.insert(NAME, b"another")))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert {name: one.data for name, one in gcs.bucket.objects.items()} == {NAME: b"another"}


async def test_an_equal_object_of_another_is_anothers_too(gcs: GcsServer, store: GcsStore) -> None:
    one, two = await begun(store), await begun(store)
    await one.complete()

    with pytest.raises(AlreadyExistsError):
        await two.complete()

    assert list(gcs.bucket.objects) == [NAME]


async def test_a_compose_whose_answer_is_lost_is_looked_up_and_not_repeated(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("compose", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert gcs.count("compose") == 1
    assert components(gcs) == []


@pytest.mark.parametrize("fault", [Drop(), Refuse(503)])
async def test_a_compose_that_was_not_done_may_be_asked_for_again(gcs: GcsServer, store: GcsStore, fault: Drop | Refuse) -> None:
    write = await begun(store)
    gcs.fail("compose", fault)

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    assert NAME not in gcs.bucket.objects
    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert components(gcs) == []


async def test_a_lost_answer_and_a_lost_look_end_well_when_complete_is_called_again(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("compose", LoseAnswer())
    gcs.fail("get", Refuse(503))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert gcs.count("compose") == 1
    assert list(gcs.bucket.objects) == [NAME]


async def test_after_a_lost_answer_another_object_is_not_taken_for_ours(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("compose", Drop())
    gcs.fail("get", Meanwhile(lambda: gcs.bucket.insert(NAME, b"012345678x")))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert {name: one.data for name, one in gcs.bucket.objects.items()} == {NAME: b"012345678x"}


async def test_a_lost_answer_of_a_replacing_compose_is_looked_up_too(gcs: GcsServer, store: GcsStore) -> None:
    gcs.bucket.insert(NAME, b"before")
    write = await begun(store, replace=True)
    gcs.fail("compose", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert gcs.count("compose") == 1


async def test_a_composed_object_with_another_checksum_is_taken_back(
    gcs: GcsServer, store: GcsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = await begun(store)
    right = gcs.bucket.compose

    def wrong(name: str, sources: Sequence[Source], query: Mapping[str, str], *, content_type: str | None = None) -> GcsObject:
        return right(name, sources[::-1], query, content_type=content_type)

    monkeypatch.setattr(gcs.bucket, "compose", wrong)

    with pytest.raises(DigestMismatchError, match="10 bytes with crc32c"):
        await write.complete()
    await write.abort()

    assert gcs.bucket.objects == {}


async def test_cleaning_that_fails_is_gone_on_with(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("delete", Refuse(503))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert list(gcs.bucket.objects) == [NAME]
    assert gcs.count("compose") == 1


async def test_an_object_without_bytes_needs_no_parts(gcs: GcsServer, store: GcsStore) -> None:
    write = await store.begin(KEY, 0)
    gcs.fail("insert", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b""
    assert list(gcs.bucket.objects) == [NAME]


async def test_parts_are_read_back_where_they_lie(store: GcsStore) -> None:
    write = await begun(store)
    job, found = write.written(4, 8), bytearray()
    assert job is not None

    await asyncio.to_thread(job.read, memoryview(bytearray(8)), found.extend)

    assert found == b"4567"
    assert write.written(5, 6) is None
    await write.abort()


async def test_components_are_listed_by_no_store_above_or_beside(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    above = GcsStore(f"gs://bucket?endpoint={gcs.url}&anonymous=1")

    assert components(gcs)
    assert [meta async for meta in store.list("")] == []
    assert [meta async for meta in above.list("")] == []
    await write.abort()


async def test_who_may_not_delete_is_told_so(gcs: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    gcs.fail("delete", Refuse(403))

    with pytest.raises(StoreDeniedError):
        await write.complete()

    with contextlib.suppress(StoreError):
        await write.abort()
    assert list(gcs.bucket.objects) == [NAME]
