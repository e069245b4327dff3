"""Objects that are encrypted with a key of the customer's."""

import asyncio
import base64
from pathlib import Path

import pytest

from lading.errors import InvalidValueError, SettingsError, StoreDeniedError
from lading.store.s3.address import parse_place
from lading.store.s3.customer import read_customer_key
from lading.store.s3.store import S3Store, open_s3
from lading.store.store import read_bytes, write_bytes
from lading.testing.s3_server import S3Server

KEY = bytes(range(32))
DATA = b"0123456789"


@pytest.fixture
def s3(aws: Path, s3: S3Server) -> S3Server:
    """An object that is encrypted so is given to nobody without its key."""
    (aws / "key").write_bytes(KEY)
    (aws / "other").write_bytes(KEY[::-1])
    return s3


def opened(s3: S3Server, key: Path | None) -> S3Store:
    return open_s3(f"s3://bucket/p?endpoint={s3.url}" + (f"&sse_customer_key_file={key}" if key else ""))


async def test_each_call_that_needs_the_key_has_it(s3: S3Server, aws: Path) -> None:
    store, view = opened(s3, aws / "key"), memoryview(bytearray(len(DATA)))

    await write_bytes(store, "job", DATA)
    with store.wholes() as many:
        many.write("whole", DATA)
        many.read("job", view)
    write = await store.begin("parts", len(DATA), part=4)
    for start, stop in ((0, 4), (4, 8), (8, 10)):
        await asyncio.to_thread(write.part(start, stop).write, (DATA[start:stop],))
    await write.complete()

    assert [await read_bytes(store, key) for key in ("job", "whole", "parts")] == [DATA] * 3
    assert bytes(view) == DATA
    digest = "x-amz-server-side-encryption-customer-key-md5"
    assert [digest in one.kept for one in s3.bucket.objects.values() if not one.key.startswith("p/.")] == [True] * 3


@pytest.mark.parametrize(("key", "hint"), [(None, "sse_customer_key_file"), ("other", "s3:GetObject")])
async def test_without_the_right_key_it_is_denied(s3: S3Server, aws: Path, key: str | None, hint: str) -> None:
    await write_bytes(opened(s3, aws / "key"), "k", DATA)
    store = opened(s3, aws / key if key else None)

    with pytest.raises(StoreDeniedError) as by_name:
        await store.head("k")
    with pytest.raises(StoreDeniedError) as by_bytes:
        await asyncio.to_thread(store.read("k", 0, 1).read, memoryview(bytearray(1)), bytearray().extend)

    assert hint in (by_name.value.hint or "")
    assert hint in (by_bytes.value.hint or "")


async def test_an_etag_of_what_is_encrypted_is_not_taken_for_an_md5(s3: S3Server, aws: Path) -> None:
    s3.bucket.rules.checksums = False
    store = opened(s3, aws / "key")

    await write_bytes(store, "k", DATA)

    assert (await store.head("k")).checksum is None


def test_the_key_is_shown_nowhere(s3: S3Server, aws: Path) -> None:
    store = opened(s3, aws / "key")

    shown = repr(store) + repr(store.place) + repr(store.read("k", 0, 1)) + store.url

    assert base64.b64encode(KEY).decode() not in shown
    assert repr(KEY)[2:-1] not in shown


async def test_no_url_can_be_signed_that_would_work_without_the_key(s3: S3Server, aws: Path) -> None:
    with pytest.raises(InvalidValueError, match="key of yours"):
        await opened(s3, aws / "key").presign("k")


def test_the_key_is_sent_to_nobody_in_the_clear(aws: Path) -> None:
    (aws / "key").write_bytes(KEY)

    with pytest.raises(InvalidValueError, match="for all to read"):
        parse_place(f"s3://bucket?endpoint=http://store.example&sse_customer_key_file={aws}/key")


@pytest.mark.parametrize("text", [KEY, base64.b64encode(KEY), base64.b64encode(KEY) + b"\n"])
def test_a_file_holds_the_key_or_its_base64(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)

    assert read_customer_key(str(tmp_path / "key")).key == KEY


@pytest.mark.parametrize("text", [b"", KEY[:16], base64.b64encode(KEY[:16]), b"no base64, and no key"])
def test_what_is_no_key_says_how_to_make_one(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)

    with pytest.raises(SettingsError, match=r"(?s)holds no key.*openssl rand 32"):
        read_customer_key(str(tmp_path / "key"))
    with pytest.raises(SettingsError, match="No such file"):
        read_customer_key(str(tmp_path / "none"))
