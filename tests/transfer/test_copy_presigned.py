"""Copies to a presigned URL: one object goes there by one PUT, which nobody signs but the URL."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.session import get_session  # type: ignore[import-untyped]

from lading.errors import InvalidValueError, StoreDeniedError, StoreError
from lading.store.http.connection import close_idle
from lading.testing.buckets import run_task
from lading.testing.s3_server import Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.trees import seeded, write_tree
from lading.transfer.copier import Copier

LARGE = seeded(40 << 20)  # more than would be one part

Presign = Callable[..., str]


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """Nobody here has its key."""
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with S3Server(keys={"AKIA": Key("secret")}) as server:
        yield server
        close_idle()


@pytest.fixture
def presign(s3: S3Server) -> Presign:
    """Makes URLs as their owner would, by AWS's own library."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, region_name="us-east-1")
    owner: Any = get_session()
    client = owner.create_client(
        "s3", endpoint_url=s3.url, aws_access_key_id="AKIA", aws_secret_access_key="secret", config=config
    )

    def url(key: str, method: str = "put_object", expires: int = 60) -> str:
        made: str = client.generate_presigned_url(method, Params={"Bucket": "bucket", "Key": key}, ExpiresIn=expires)
        return made

    return url


@pytest.fixture
async def copier() -> AsyncIterator[Copier]:
    async with aclosing(Copier()) as copier:
        yield copier


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
async def test_a_file_goes_there_by_one_request(
    copier: Copier, s3: S3Server, presign: Presign, tmp_path: Path, data: bytes
) -> None:
    write_tree(tmp_path, {"a": data})

    report = await run_task(copier, tmp_path / "a", presign("p/one"))

    assert {key: made.data for key, made in s3.bucket.objects.items()} == {"p/one": data}
    assert [call.kind for call in s3.calls] == ["put"]
    assert (report.progress.files_done, report.progress.bytes_moved) == (1, len(data))


async def test_one_url_is_copied_to_another(copier: Copier, s3: S3Server, presign: Presign) -> None:
    s3.bucket.put("from", LARGE, {})

    await run_task(copier, presign("from", "get_object"), presign("to"))

    assert s3.bucket.objects["to"].data == LARGE


async def test_what_fails_for_a_moment_is_sent_again(copier: Copier, s3: S3Server, presign: Presign, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": LARGE})
    s3.fail("put", Refuse(503, "SlowDown"))

    report = await run_task(copier, tmp_path / "a", presign("one"))

    assert s3.bucket.objects["one"].data == LARGE
    assert (report.progress.retries, report.progress.bytes_done) == (1, len(LARGE))


@pytest.mark.parametrize(
    ("method", "age", "reason"), [("put_object", 61, "Request has expired"), ("get_object", 0, "SignatureDoesNotMatch")]
)
async def test_a_url_that_does_not_allow_it_is_named_without_its_signature(
    copier: Copier, s3: S3Server, presign: Presign, tmp_path: Path, method: str, age: int, reason: str
) -> None:
    write_tree(tmp_path, {"a": b"a"})
    url = presign("one", method)
    s3.skew = age

    with pytest.raises(StoreDeniedError, match=reason) as caught:
        await run_task(copier, tmp_path / "a", url)

    assert "/bucket/one" in str(caught.value)
    assert "whether a signed URL has expired" in str(caught.value)
    assert parse_qs(url)["X-Amz-Signature"][0] not in str(caught.value)
    assert s3.bucket.objects == {}


async def test_more_than_one_request_may_carry_is_said_so(copier: Copier, s3: S3Server, presign: Presign, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": b"as if it were 6 GiB"})
    s3.fail("put", Refuse(400, "EntityTooLarge"))

    with pytest.raises(StoreError, match=r"EntityTooLarge.*(?s:.*)s3:// and gs:// name takes it in parts"):
        await run_task(copier, tmp_path / "a", presign("one"))

    assert s3.bucket.objects == {}


async def test_a_folder_does_not_fit_into_one_url(copier: Copier, s3: S3Server, presign: Presign, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"a": b"a"})

    with pytest.raises(InvalidValueError, match="is one web address"):
        await run_task(copier, tmp_path / "x", presign("one"))

    assert s3.calls == []
