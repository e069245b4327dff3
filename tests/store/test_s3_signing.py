"""Signatures are AWS's: its published examples, and botocore on everything odd."""

import datetime
import time
from collections.abc import Mapping
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials as BotoCredentials  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.store.s3.signing import (
    NOTHING,
    UNSIGNED,
    Credentials,
    Scope,
    encode_path,
    encode_query,
    payload_of,
    presign,
    sign,
)

AWS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = {"host": "examplebucket.s3.amazonaws.com"}
NOW = datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC).timestamp()
EAST = Scope("us-east-1")


# AWS's documentation, "Authenticating Requests (AWS Signature Version 4)": one secret, one day, five requests.


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        ("GET", "test.txt", [], {"Range": "bytes=0-9"}, b"", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT",
            "test$file.text",
            [],
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "", [("lifecycle", "")], {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "",
            [("prefix", "J"), ("max-keys", "2")],
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_examples_come_out(
    method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes, signature: str
) -> None:
    made = sign(
        AWS,
        EAST,
        method,
        encode_path(f"/{path}"),
        encode_query(query),
        {**HOST, **headers},
        payload=payload_of(body),
        now=NOW,
    )

    assert made["authorization"].endswith(f"Signature={signature}")


def test_the_published_presigned_url_comes_out() -> None:
    query = presign(AWS, EAST, "GET", "/test.txt", [], HOST, expires=86400, now=NOW)

    assert query.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


# botocore, on keys and values as people never write and programs do.

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
KEYS = st.lists(TEXT | st.sampled_from([".", "..", "", "+", "%2F", "a b", "~", "é", "*'();:@&=$,/?#[]"]), min_size=1, max_size=4)
PAIRS = st.dictionaries(TEXT, st.text(st.characters(codec="utf-8"), max_size=20), max_size=4)
NAMES = st.from_regex(r"\A(?:x-amz-[a-z0-9-]{1,12}|Range|If-Match|Content-MD5|Content-Type)\Z")
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=5)
TOKENS = st.none() | st.just("FwoG//token+/=")
HOSTS = st.sampled_from(["bucket.s3.eu-west-1.amazonaws.com", "localhost:9000", "s3.example.org"])


def _botocore(method: str, url: str, headers: Mapping[str, str], who: Credentials, *, expires: int | None) -> Any:
    """The request as botocore signs it at `NOW`."""
    request: Any = AWSRequest(method=method, url=url, headers=dict(headers))
    boto = BotoCredentials(who.access, who.secret, who.token)
    signer: Any = S3SigV4QueryAuth(boto, "s3", "eu-west-1", expires=expires) if expires else S3SigV4Auth(boto, "s3", "eu-west-1")
    request.context["payload_signing_enabled"] = False
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime.datetime.fromtimestamp(NOW, datetime.UTC)):
        signer.add_auth(request)
    return request


@given(host=HOSTS, key=KEYS, query=PAIRS, headers=HEADERS, token=TOKENS, body=st.binary(max_size=10))
@settings(max_examples=200)
def test_a_signed_request_is_botocores(
    host: str, key: list[str], query: dict[str, str], headers: dict[str, str], token: str | None, body: bytes
) -> None:
    who = Credentials(AWS.access, AWS.secret, token)
    path, text = encode_path("/" + "/".join(key)), encode_query(query.items())
    lower = {name.lower(): value for name, value in headers.items()} | {"host": host}
    lower.pop("x-amz-content-sha256", None)

    made = sign(who, Scope("eu-west-1"), "PUT", path, text, lower, payload=NOTHING, now=NOW)

    theirs = _botocore("PUT", f"http://{host}{path}?{text}", lower, who, expires=None)
    assert made["authorization"] == theirs.headers["Authorization"]


@given(host=HOSTS, key=KEYS, query=PAIRS, token=TOKENS, method=st.sampled_from(["GET", "PUT"]))
@settings(max_examples=100)
def test_a_presigned_url_is_botocores(host: str, key: list[str], query: dict[str, str], token: str | None, method: str) -> None:
    who = Credentials(AWS.access, AWS.secret, token)
    path, text = encode_path("/" + "/".join(key)), encode_query(query.items())

    made = presign(who, Scope("eu-west-1"), method, path, query.items(), {"host": host}, expires=900, now=NOW)

    theirs = _botocore(method, f"https://{host}{path}?{text}", {}, who, expires=900)
    assert parse_qs(made, keep_blank_values=True) == parse_qs(urlsplit(str(theirs.url)).query, keep_blank_values=True)


def test_what_a_proxy_may_change_is_not_signed() -> None:
    headers = {**HOST, "User-Agent": "lading", "Connection": "keep-alive", "Transfer-Encoding": "chunked"}

    made = sign(AWS, EAST, "GET", "/", "", headers, payload=UNSIGNED, now=NOW)

    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date," in made["authorization"]


def test_a_secret_is_not_shown() -> None:
    shown = f"{Credentials('AKIAIOSFODNN7EXAMPLE', 'secret', 'token')!r}"

    assert shown == "Credentials(AKIA…)"


def test_a_signature_is_cheap() -> None:
    headers = {**HOST, "range": "bytes=0-16777215", "if-match": '"etag"'}
    sign(AWS, EAST, "GET", "/key", "", headers, payload=UNSIGNED, now=NOW)

    best = min(_timed(headers) for _ in range(5))

    assert best < 100e-6  # about 10 µs on the machine it was written on; a slow or busy one is allowed more


def _timed(headers: dict[str, str]) -> float:
    start = time.perf_counter()
    for number in range(200):
        sign(AWS, EAST, "GET", "/key", "", headers, payload=UNSIGNED, now=NOW + number)
    return (time.perf_counter() - start) / 200
