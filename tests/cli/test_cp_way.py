"""The way that `lading cp` takes to a store: by which proxy, trusting whom, as whom, how fast, and what held it up."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from lading.store.http.connection import close_idle
from lading.testing.http_relay import HttpRelay
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.trees import read_tree, seeded, write_tree

from .conftest import Lading

LARGE = seeded(9 << 20)
TREE = {"a": b"small", "b": LARGE}

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine is set to is none of the tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def s3(keys: None) -> Iterator[S3Server]:
    with S3Server(keys={"AKIA": Key("secret")}) as server:
        yield server
        close_idle()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path / "x", TREE)
    return tmp_path / "x"


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    """It alone knows the way to the host `s3.example`."""
    port = urlsplit(s3.url).port
    assert port is not None
    with HttpRelay(port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ann:word@"))
        yield proxy
        close_idle()


def test_a_bucket_behind_a_proxy_is_reached_through_it(
    lading: Lading, s3: S3Server, proxy: HttpServer, tree: Path, tmp_path: Path
) -> None:
    options = ("--endpoint", "http://s3.example")

    up = lading("cp", *options, "--verify", "x/", "s3://bucket/p/")
    down = lading("cp", *options, "s3://bucket/p/", "out/")

    assert (up.code, down.code) == (0, 0), up.err + down.err
    assert {key: one.data for key, one in s3.bucket.objects.items()} == {f"p/{name}": data for name, data in TREE.items()}
    assert read_tree(tmp_path / "out") == TREE
    assert len(proxy.seen) == len(s3.calls)
    assert {seen.target.partition("/bucket")[0] for seen in proxy.seen} == {"http://s3.example"}
    assert {seen.headers["proxy-authorization"] for seen in proxy.seen} == {"Basic YW5uOndvcmQ="}


def test_what_no_proxy_names_is_reached_without_it(
    lading: Lading, s3: S3Server, proxy: HttpServer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "elsewhere.example,127.0.0.1")

    answer = lading("cp", "--endpoint", s3.url, "x/", "s3://bucket/p/")

    assert answer.code == 0, answer.err
    assert sorted(s3.bucket.objects) == ["p/a", "p/b"]
    assert proxy.seen == []


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    signer = trustme.CA()
    signer.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return signer


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[HttpServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # it also knows pyOpenSSL
    with HttpServer({"/a": b"small", "/b": LARGE}, tls=context) as server:
        yield server
        close_idle()


def test_a_certificate_is_trusted_that_ssl_cert_file_vouches_for(
    lading: Lading, https: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    answers = [lading("cp", f"{https.url}/{name}", "out/") for name in TREE]

    assert [answer.code for answer in answers] == [0, 0], answers
    assert read_tree(tmp_path / "out") == TREE


def test_a_certificate_that_nobody_vouches_for_is_not(lading: Lading, https: HttpServer, tmp_path: Path) -> None:
    answer = lading("cp", f"{https.url}/a", "out/")

    assert (answer.code, read_tree(tmp_path / "out"), https.seen) == (1, {}, [])
    assert "its certificate is not trusted" in answer.err
    assert "SSL_CERT_FILE" in answer.err.splitlines()[-1]


def test_the_profile_says_who_asks_and_where(
    lading: Lading, s3: S3Server, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "AWS_SHARED_CREDENTIALS_FILE").write_text(
        "[default]\naws_access_key_id = NOBODY\naws_secret_access_key = nothing\n"
        "[team]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n"
    )
    (tmp_path / "AWS_CONFIG_FILE").write_text(
        f"[default]\nendpoint_url = {s3.url}\n[profile team]\nregion = us-east-1\nendpoint_url = {s3.url}\n"
    )

    team = lading("cp", "--profile", "team", "x/a", "s3://bucket/a")
    nobody = lading("cp", "x/b", "s3://bucket/b")
    unknown = lading("cp", "--profile", "typo", "x/b", "s3://bucket/b")

    assert (team.code, nobody.code, unknown.code) == (0, 1, 1), team.err
    assert "InvalidAccessKeyId" in nobody.err
    assert "typo" in unknown.err
    assert sorted(s3.bucket.objects) == ["a"]


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_bandwidth_that_is_set_is_kept_to(
    lading: Lading, s3: S3Server, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("LADING_MAX_BANDWIDTH", "20MB")
    s3.bucket.put("b", LARGE, {})
    places = ("x/b", "s3://bucket/c") if way == "up" else ("s3://bucket/b", "out/")

    def bound_by() -> str:
        began = time.monotonic()
        answer = lading("cp", "--endpoint", s3.url, "--json", "--explain", *places)

        assert time.monotonic() - began >= len(LARGE) / 20e6 - 0.05  # what may go at once after a rest
        assert (s3.bucket.objects["c"].data if way == "up" else (tmp_path / "out/b").read_bytes()) == LARGE
        return str(answer.json["bound_by"])

    assert "bandwidth limit" in (bound_by() for _ in range(3))  # unless the machine stood still for longer


@pytest.mark.parametrize(("way", "call"), [("up", "put"), ("down", "get")])
def test_a_store_that_asks_to_be_left_alone_is_named_as_what_held_it_up(
    lading: Lading, s3: S3Server, tree: Path, monkeypatch: pytest.MonkeyPatch, way: str, call: str
) -> None:
    monkeypatch.setattr("lading.transfer.driver.random.random", lambda: 0.5)  # 0.1, 0.2 and 0.4 seconds between the attempts
    s3.bucket.put("a", b"small", {})
    places = ("x/a", "s3://bucket/c") if way == "up" else ("s3://bucket/a", "out/")

    def told() -> str:
        s3.fail(call, *[Refuse(503, "SlowDown")] * 3)
        answer = lading("cp", "--endpoint", s3.url, "--explain", *places)

        assert answer.code == 0, answer.err
        return answer.err.splitlines()[-1].partition(": ")[0]

    # Unless the machine stood still for longer.
    assert "bound by the store, which was busy or did not answer" in (told() for _ in range(3))
    assert s3.unused == []
