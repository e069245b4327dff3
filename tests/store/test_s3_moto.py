"""The contract over moto's server, which knows S3's semantics and looks at no checksum."""

import itertools

import pytest

from lading.store.s3.asking import Ask, ask
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import Store, read_bytes, write_bytes
from lading.store.threads import in_thread
from lading.store.within import copied
from lading.testing.store_contract import StoreContract

_numbers = itertools.count()


@pytest.fixture
async def store(moto: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A bucket of its own."""
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = open_s3(f"s3://bucket-{next(_numbers)}/some/prefix?endpoint={moto}")
    await ask(store.place, Ask("PUT"))
    return store


class TestS3(StoreContract):
    async def leftovers(self, store: Store) -> list[str]:
        assert isinstance(store, S3Store)
        return [found.key async for found in store.uploads()]


async def test_it_copies_objects_and_parts_by_itself(store: S3Store) -> None:
    await write_bytes(store, "a b+é", b"0123456789")
    etag = (await store.head("a b+é")).etag
    write = await store.begin("parts", 10, part=4)

    whole = await in_thread(lambda: copied(store.read("a b+é", 0, 10, etag=etag), store.put("whole", 10, replace=True)))
    await in_thread(lambda: write.part(0, 4).write((b"abcd",)))
    middle = await in_thread(lambda: copied(store.read("a b+é", 2, 6, etag=etag), write.part(4, 8)))
    last = await in_thread(lambda: copied(store.read("a b+é", 8, 10, etag=etag), write.part(8, 10)))
    await write.complete()

    assert (whole, middle, last) == (True, True, True)
    assert await read_bytes(store, "whole") == b"0123456789"
    assert await read_bytes(store, "parts") == b"abcd234589"
