"""Tokens for Google Cloud Storage: where they come from, when they end, and what is said where there are none."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from gcloud.aio.auth import token as library

from lading.errors import StoreDeniedError, StoreUnavailableError
from lading.store.gcs import credentials
from lading.store.gcs.store import GcsStore
from lading.store.halt import Halt, Halted, halting
from lading.store.store import read_bytes, write_bytes
from lading.testing.gcs_server import GcsServer, Meanwhile, Refuse


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(token="first") as server:
        yield server
        assert server.unused == []


@pytest.fixture
def file(server: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `gcloud auth application-default login` leaves, but for where tokens come from."""
    found = tmp_path / "credentials.json"
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    found.write_text(json.dumps({**user, "token_uri": f"{server.url}/token"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(found))
    return found


@pytest.fixture
def store(server: GcsServer, file: Path) -> GcsStore:
    return GcsStore(f"gs://bucket?endpoint={server.url}")


def read(store: GcsStore, key: str, stop: int) -> bytes:
    found = bytearray()
    store.read(key, 0, stop).read(memoryview(bytearray(100)), found.extend)
    return bytes(found)


async def test_one_token_serves_all_calls_and_lanes(server: GcsServer, store: GcsStore) -> None:
    await asyncio.gather(*(write_bytes(store, str(number), b"1") for number in range(8)))
    write = await store.begin("large", 2)
    await asyncio.to_thread(write.part(0, 2).write, (b"12",))
    await write.complete()

    assert len([meta async for meta in store.list("")]) == 9
    assert server.count("token") == 1


async def test_a_token_that_is_over_is_renewed_once(server: GcsServer, store: GcsStore) -> None:
    await write_bytes(store, "k", b"data")
    server.api.token = "second"

    found = [await read_bytes(store, "k"), await asyncio.to_thread(read, store, "k", 4)]

    assert found == [b"data", b"data"]
    assert server.count("token") == 2


async def test_a_lane_renews_it_too(server: GcsServer, store: GcsStore, tmp_path: Path) -> None:
    server.bucket.insert("k", b"data")
    await asyncio.to_thread(read, store, "k", 4)
    server.api.token = "second"

    assert await asyncio.to_thread(read, store, "k", 4) == b"data"
    assert [kind for kind, _ in server.calls] == ["token", "media", "media", "token", "media"]


async def test_bytes_from_a_file_are_sent_again_and_pieces_by_who_has_them(
    server: GcsServer, store: GcsStore, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"data")
    await write_bytes(store, "0", b"1")
    server.api.token = "second"
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)

    assert await asyncio.to_thread(store.put("1", 4).take, descriptor, 0, None)

    os.close(descriptor)
    assert server.bucket.objects["1"].data == b"data"


async def test_pieces_are_asked_for_again_from_who_has_them(server: GcsServer, store: GcsStore) -> None:
    await write_bytes(store, "0", b"1")
    server.api.token = "second"

    with pytest.raises(StoreUnavailableError, match="there is another now"):
        await asyncio.to_thread(store.put("1", 4).write, (b"da", b"ta"))
    await asyncio.to_thread(store.put("1", 4).write, (b"da", b"ta"))

    assert server.bucket.objects["1"].data == b"data"


async def test_a_token_that_is_never_good_is_a_denial(server: GcsServer, store: GcsStore) -> None:
    server.fail("token", *(Meanwhile(lambda: setattr(server.api, "token", f"t{server.count('token')}")) for _ in range(3)))
    server.fail("get", Refuse(401), Refuse(401))
    server.fail("media", Refuse(401))
    server.fail("insert", Refuse(401))

    with pytest.raises(StoreDeniedError, match="does not know who asks"):
        await store.head("k")
    with pytest.raises(StoreDeniedError):
        await asyncio.to_thread(read, store, "k", 4)
    with pytest.raises(StoreDeniedError):
        await asyncio.to_thread(store.put("1", 4).write, (b"da", b"ta"))


async def test_without_credentials_it_says_how_to_get_some(server: GcsServer) -> None:
    store = GcsStore(f"gs://bucket?endpoint={server.url}&anonymous=1")

    with pytest.raises(StoreDeniedError, match="gcloud auth application-default login"):
        await store.head("k")
    with pytest.raises(StoreDeniedError, match="gcloud auth application-default login"):
        await asyncio.to_thread(read, store, "k", 4)
    assert server.count("token") == 0


@pytest.mark.parametrize("endpoint", ["https://evil.example", "https://evilgoogleapis.com", "http://storage.googleapis.com"])
async def test_a_token_is_given_to_nobody_but_google(server: GcsServer, file: Path, endpoint: str) -> None:
    """Who writes the URL, as in a project file, must not get what opens everything."""
    store = GcsStore(f"gs://bucket?endpoint={endpoint}")

    with pytest.raises(StoreDeniedError, match="a token would be given away"):
        await store.head("k")
    with pytest.raises(StoreDeniedError, match="a token would be given away"):
        await asyncio.to_thread(read, store, "k", 4)
    assert server.count("token") == 0


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without credentials, in a process that never had any."""
    monkeypatch.setattr(credentials, "_all", {})
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("CLOUDSDK_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("nothing")
async def test_a_machine_of_googles_gives_tokens_itself(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"{server.url}/computeMetadata/v1/instance/service-accounts/default/token"
    monkeypatch.setattr(library, "GCE_ENDPOINT_TOKEN", where)
    server.bucket.insert("k", b"data")
    store = GcsStore(f"gs://bucket?endpoint={server.url}")

    assert await read_bytes(store, "k") == b"data"


@pytest.mark.usefixtures("nothing")
async def test_any_other_machine_says_how_to_get_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "GCE_ENDPOINT_TOKEN", "http://127.0.0.1:1/")

    with pytest.raises(StoreDeniedError, match="there are no credentials") as error:
        await GcsStore("gs://bucket").head("k")

    assert "set GOOGLE_APPLICATION_CREDENTIALS" in str(error.value)
    assert "?anonymous=1" in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("not json", "holds no Google credentials"),
        ('{"type": "odd"}', "no Google credentials"),
        ('{"type": "service_account"}', "no token"),
    ],
)
def test_a_file_without_credentials_is_named(file: Path, store: GcsStore, content: str | None, said: str) -> None:
    file.unlink()
    if content is not None:
        file.write_text(content)

    with pytest.raises(StoreDeniedError, match=said):
        asyncio.run(store.head("k"))


async def test_credentials_that_google_refuses(server: GcsServer, store: GcsStore) -> None:
    server.fail("token", Refuse(400), Refuse(503))

    with pytest.raises(StoreDeniedError, match="Google refuses the credentials: 400"):
        await store.head("k")
    with pytest.raises(StoreUnavailableError, match="no token for Google Cloud Storage now: 503"):
        await store.head("k")


def test_work_that_is_given_up_does_not_wait_for_a_token(server: GcsServer, store: GcsStore) -> None:
    halt = Halt()
    server.fail("token", Meanwhile(halt.ask))

    with halting(halt), pytest.raises(Halted):
        read(store, "k", 1)
    server.bucket.insert("k", b"1")

    assert read(store, "k", 1) == b"1"
