"""URLs, variables and profiles become a place; a place makes requests."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.session import get_session  # type: ignore[import-untyped]

from lading.errors import InvalidValueError, StoreDeniedError
from lading.store.s3.address import parse_place
from lading.store.s3.credentials import Anonymous, Static
from lading.store.s3.signing import Credentials


@pytest.fixture(autouse=True)
def config(aws: Path) -> Path:
    """The file for this machine's settings."""
    return aws / "config"


@pytest.mark.parametrize(
    ("url", "key", "target"),
    [
        ("s3://bucket", "a/b", "https://bucket.s3.us-east-1.amazonaws.com/a/b"),
        ("s3://bucket/some/prefix/", "a b+é?#%", "https://bucket.s3.us-east-1.amazonaws.com/some/prefix/a%20b%2B%C3%A9%3F%23%25"),
        ("s3://bucket/a%20b#c", "k", "https://bucket.s3.us-east-1.amazonaws.com/a%20b%23c/k"),
        ("s3://bucket?region=eu-west-1", "../x", "https://bucket.s3.eu-west-1.amazonaws.com/../x"),
        ("s3://bucket?region=cn-north-1", "k", "https://bucket.s3.cn-north-1.amazonaws.com.cn/k"),
        ("s3://with.dots", "k", "https://s3.us-east-1.amazonaws.com/with.dots/k"),
        ("s3://Old_Name", "k", "https://s3.us-east-1.amazonaws.com/Old_Name/k"),
        ("s3://bucket?style=path", "k", "https://s3.us-east-1.amazonaws.com/bucket/k"),
        ("s3://bucket?endpoint=http://localhost:9000", "k", "http://localhost:9000/bucket/k"),
        ("s3://bucket?endpoint=https://host/base/", "k", "https://host/base/bucket/k"),
        ("s3://bucket?endpoint=https://host&style=virtual", "k", "https://bucket.host/k"),
    ],
)
def test_an_object_has_an_address(url: str, key: str, target: str) -> None:
    assert parse_place(url).request("GET", key).url == target


def test_a_bucket_has_an_address() -> None:
    pairs = (("prefix", "a b"), ("list-type", "2"))

    assert parse_place("s3://bucket").request("GET", query=pairs).target == "/?list-type=2&prefix=a%20b"
    assert parse_place("s3://b.c").request("GET", query=pairs).target == "/b.c?list-type=2&prefix=a%20b"


def test_the_endpoint_is_that_of_the_url_then_variables_then_the_profile(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("[default]\nendpoint_url = http://profile\n")
    found = [parse_place("s3://bucket").endpoint]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all")
    found.append(parse_place("s3://bucket").endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3")
    found.append(parse_place("s3://bucket").endpoint)
    found.append(parse_place("s3://bucket?endpoint=http://url").endpoint)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    found.append(parse_place("s3://bucket").endpoint)

    assert found == ["http://profile", "http://all", "http://s3", "http://url", ""]


def test_the_region_is_that_of_the_url_then_variables_then_the_profile(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [parse_place("s3://bucket").region]
    config.write_text("[default]\nregion = r1\n")
    found.append(parse_place("s3://bucket").region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "r2")
    found.append(parse_place("s3://bucket").region)
    monkeypatch.setenv("AWS_REGION", "r3")
    found.append(parse_place("s3://bucket").region)
    found.append(parse_place("s3://bucket?region=r4").region)

    assert found == ["us-east-1", "r1", "r2", "r3", "r4"]


@pytest.mark.parametrize("region", ["us-east-2", "us-west-2"])
@pytest.mark.parametrize("asked", [(), ("fips",), ("dualstack",), ("fips", "dualstack")], ids="+".join)
def test_aws_is_met_where_botocore_meets_it(monkeypatch: pytest.MonkeyPatch, region: str, asked: tuple[str, ...]) -> None:
    for name in asked:
        monkeypatch.setenv(f"AWS_USE_{name.upper()}_ENDPOINT", "true")
    session: Any = get_session()
    host = urlsplit(str(session.create_client("s3", region).meta.endpoint_url)).netloc

    as_host, in_path = (parse_place(f"s3://{bucket}?region={region}").request("GET", "k") for bucket in ("bucket", "with.dots"))

    assert (as_host.authority, as_host.target) == (f"bucket.{host}", "/k")
    assert (in_path.authority, in_path.target) == (host, "/with.dots/k")


def test_a_profile_says_by_which_endpoint_too(config: Path) -> None:
    config.write_text("[default]\nuse_dualstack_endpoint = true\n")

    assert parse_place("s3://bucket").request("GET", "k").host == "bucket.s3.dualstack.us-east-1.amazonaws.com"


def test_an_endpoint_of_ones_own_is_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")

    assert parse_place("s3://bucket?endpoint=https://host").request("GET", "k").authority == "host"


def test_a_profile_brings_its_style(config: Path) -> None:
    config.write_text("[default]\ns3 =\n  addressing_style = path\n")

    assert parse_place("s3://bucket").path_style


def test_the_url_opens_the_same_place_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://host:9000")
    place = parse_place("s3://bucket/a%20b/?requester_pays=1&sse=aws:kms&sse_kms_key_id=arn:aws:kms:1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    again = parse_place(place.url)

    assert again == place
    assert "endpoint=http://host:9000" in place.url


def test_options_become_headers() -> None:
    place = parse_place("s3://bucket?requester_pays=1&sse=aws:kms&sse_kms_key_id=id&storage_class=STANDARD_IA")

    assert place.request("GET", "k").headers == (("x-amz-request-payer", "requester"),)
    assert place.create == (
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "id"),
        ("x-amz-storage-class", "STANDARD_IA"),
    )


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("s3://", "does not name a bucket"),
        ("s3://-/k", "does not name a bucket"),
        ("gs://bucket", "does not name a bucket"),
        ("s3://bucket?endpont=x", "endpont is no option"),
        ("s3://bucket?endpoint=localhost:9000", "is no URL"),
        ("s3://bucket?endpoint=http://me@host", "http://host names a user"),
        ("s3://bucket?style=odd", "is no style"),
        ("s3://bucket?anonymous=maybe", "neither yes nor no"),
        ("s3://bucket?region=a/b", "is no region"),
        ("s3://bucket?sse=DES", "is no encryption"),
        ("s3://bucket?sse_kms_key_id=id", "without sse"),
        ("s3://bucket?sse=AES256&sse_customer_key_file=key", "two ways"),
    ],
)
def test_what_cannot_be_is_named(url: str, word: str) -> None:
    with pytest.raises(InvalidValueError, match=word):
        parse_place(url)


@pytest.mark.parametrize(
    "url", ["s3://me:sesame@bucket/x", "s3://me:+/sesame@bucket/x", "s3://bucket?endpoint=http://me:sesame@host"]
)
def test_no_key_that_stands_in_a_url_is_told(url: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        parse_place(url)

    assert "sesame" not in str(error.value)


def test_nobody_signs_nothing_and_cannot_presign() -> None:
    place = parse_place("s3://bucket?anonymous=1")
    request = place.request("GET", "k")

    assert place.source == Anonymous()
    assert place.signed(request, place.source.credentials()) == request
    with pytest.raises(StoreDeniedError, match="cannot sign"):
        place.presigned("GET", "k", 60, (), {})


@pytest.mark.parametrize("seconds", [0, 7 * 86400 + 1])
def test_a_presigned_url_lives_for_a_week_at_most(seconds: int) -> None:
    with pytest.raises(InvalidValueError, match="604800 seconds"):
        parse_place("s3://bucket").presigned("GET", "k", seconds, (), {})


def test_a_place_is_a_small_value_and_shows_no_secret() -> None:
    place = parse_place("s3://bucket/prefix?endpoint=http://localhost:9000&region=eu-west-1")

    again = pickle.loads(pickle.dumps(place))

    assert again == place
    assert place.source == Static(Credentials("AKIA", "secret"))
    assert "secret" not in repr(place)
    assert len(pickle.dumps(place)) < 1000


def test_a_region_that_was_learned_changes_host_and_signature() -> None:
    place = parse_place("s3://bucket?region=us-east-1")
    place.facts.region = "ap-south-1"

    request = place.signed(place.request("GET", "k"), place.source.credentials())

    assert request.host == "bucket.s3.ap-south-1.amazonaws.com"
    assert "/ap-south-1/s3/aws4_request" in (request.header("authorization") or "")


def test_what_is_needed_for_transfers_loads_no_sdk() -> None:
    code = (
        "import sys; from lading.store.s3.store import open_s3; store = open_s3('s3://bucket'); store.place.source.credentials();"
        "print([name for name in ('aiohttp', 'aiobotocore', 'botocore') if name in sys.modules])"
    )

    out = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True).stdout

    assert out.strip() == "[]"
