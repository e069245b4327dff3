"""A smoke test with an emulator that others wrote. It ignores preconditions, pages nothing, and its compose drops the connection:
it only shows that somebody else's reading of Google's documents understands our plain calls."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from lading.errors import NotFoundError
from lading.store.checksum import checksum
from lading.store.gcs.store import GcsStore
from lading.store.store import read_bytes, write_bytes


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsStore]:
    emulator: Any = importlib.import_module("gcp_storage_emulator.server")  # has no types
    server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    try:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"127.0.0.1:{server._api._httpd.server_port}")
        yield GcsStore("gs://bucket/some/prefix")
    finally:
        server.stop()


async def test_what_is_put_is_there_until_it_is_deleted(store: GcsStore) -> None:
    await write_bytes(store, "a/b", b"0123456789")

    meta = await store.head("a/b")
    assert (meta.size, meta.checksum) == (10, checksum("crc32c", b"0123456789"))
    assert await read_bytes(store, "a/b") == b"0123456789"
    assert [found.key async for found in store.list("a/")] == ["a/b"]
    await store.delete(["a/b", "none"])
    with pytest.raises(NotFoundError):
        await store.head("a/b")
