"""The S3 server of the test kit, as Amazon's own client sees it."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from lading.store.checksum import checksum
from lading.testing.s3_server import Drop, Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.s3_server_bucket import Rules

SESSION: Any = boto3.Session()  # one, because it reads what Amazon's services are for a second


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with S3Server(keys={"AKIA": Key("secret", "token+/=")}, region="eu-west-1") as server:
        yield server


def _client(s3: S3Server, secret: str = "secret") -> Any:
    config: Any = Config(
        signature_version="s3v4",
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        s3={"addressing_style": "path"},
    )
    return SESSION.client(
        "s3",
        endpoint_url=s3.url,
        aws_access_key_id="AKIA",
        aws_secret_access_key=secret,
        aws_session_token="token+/=",
        region_name="eu-west-1",
        config=config,
    )


@pytest.fixture
def client(s3: S3Server) -> Iterator[Any]:
    made = _client(s3)
    yield made
    made.close()


def _code(caught: pytest.ExceptionInfo[Any]) -> str:
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize("key", ["plain", "a b/é+%&?#=~", "../x//y"])
def test_an_object_goes_up_down_and_away(s3: S3Server, client: Any, key: str) -> None:
    put = client.put_object(Bucket="bucket", Key=key, Body=b"content", Metadata={"a": "b"}, IfNoneMatch="*")
    got = client.get_object(Bucket="bucket", Key=key, Range="bytes=1-3", IfMatch=put["ETag"])
    listed = client.list_objects_v2(Bucket="bucket")["Contents"]
    deleted = client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": key}]})

    assert (got["Body"].read(), got["ContentRange"], got["Metadata"]) == (b"ont", "bytes 1-3/7", {"a": "b"})
    assert [(one["Key"], one["Size"]) for one in listed] == [(key, 7)]
    assert "Errors" not in deleted
    assert s3.bucket.objects == {}


def test_an_object_is_made_of_parts_whose_checksums_are_compared(s3: S3Server, client: Any) -> None:
    s3.bucket.rules = Rules(page=1, equal_parts=True)
    name = {"Bucket": "bucket", "Key": "k"}
    upload = client.create_multipart_upload(**name, ChecksumAlgorithm="CRC32")["UploadId"]
    with pytest.raises(ClientError) as wrong:
        client.upload_part(**name, UploadId=upload, PartNumber=1, Body=b"x", ChecksumCRC32="AAAAAA==")
    with pytest.raises(ClientError) as without:
        client.upload_part(**name, UploadId=upload, PartNumber=1, Body=b"x")
    for number, body in ((2, b"4567"), (1, b"0123"), (3, b"89")):
        value = checksum("crc32", body).base64
        client.upload_part(**name, UploadId=upload, PartNumber=number, Body=body, ChecksumCRC32=value)
    parts = [part for page in client.get_paginator("list_parts").paginate(**name, UploadId=upload) for part in page["Parts"]]
    listed = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    with pytest.raises(ClientError) as disordered:
        client.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={"Parts": listed[::-1]})
    client.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={"Parts": listed})
    head = client.head_object(**name, ChecksumMode="ENABLED")

    assert [_code(caught) for caught in (wrong, without, disordered)] == ["BadDigest", "InvalidRequest", "InvalidPartOrder"]
    assert [(part["Size"], part["ChecksumCRC32"]) for part in parts][2] == (2, checksum("crc32", b"89").base64)
    assert (head["ContentLength"], head["ChecksumCRC32"]) == (10, checksum("crc32", b"0123456789").base64)
    assert client.list_multipart_uploads(Bucket="bucket").get("Uploads") is None


def test_only_who_holds_the_secret_may_call(s3: S3Server, client: Any) -> None:
    other = _client(s3, "another")
    with pytest.raises(ClientError) as wrong:
        other.list_objects_v2(Bucket="bucket")
    other.close()
    s3.skew = 1000
    with pytest.raises(ClientError) as late:
        client.put_object(Bucket="bucket", Key="k", Body=b"")

    assert [_code(caught) for caught in (wrong, late)] == ["SignatureDoesNotMatch", "RequestTimeTooSkewed"]
    assert s3.bucket.objects == {}


def test_who_signs_for_another_region_is_told_the_right_one(s3: S3Server, client: Any) -> None:
    s3.region = "us-east-2"

    client.put_object(Bucket="bucket", Key="k", Body=b"content")  # it understands, and asks again

    assert s3.bucket.objects["k"].data == b"content"
    assert s3.count("put") > 1


def test_a_presigned_url_opens_one_object_for_a_while(s3: S3Server, client: Any) -> None:
    client.put_object(Bucket="bucket", Key="k", Body=b"content")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"}, ExpiresIn=60)

    with urllib.request.urlopen(url) as answer:
        content = answer.read()
    s3.skew = 61
    with pytest.raises(urllib.error.HTTPError) as expired:
        urllib.request.urlopen(url)
    expired.value.close()

    assert content == b"content"
    assert expired.value.code == 403


def test_versions_stay_readable(s3: S3Server, client: Any) -> None:
    s3.bucket.rules = Rules(versioned=True)
    first = client.put_object(Bucket="bucket", Key="k", Body=b"first")["VersionId"]
    client.put_object(Bucket="bucket", Key="k", Body=b"second")

    assert client.get_object(Bucket="bucket", Key="k", VersionId=first)["Body"].read() == b"first"
    assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == b"second"


def test_faults_are_met_once_and_known_when_unmet(s3: S3Server, client: Any) -> None:
    s3.fail("head", Refuse(503, "SlowDown"))
    s3.fail("list", Drop())

    with pytest.raises(ClientError):
        client.head_object(Bucket="bucket", Key="k")
    with pytest.raises(ClientError) as missing:
        client.head_object(Bucket="bucket", Key="k")

    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404  # pyright: ignore
    assert [kind for kind, _ in s3.unused] == ["list"]
