"""Web addresses as references: servers that say little, redirects, and which addresses are public."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.references import web as module
from lading.api.references.web import is_public
from lading.errors import StoreDeniedError
from lading.testing.http_faults import ALWAYS, Header, NoRanges, Status
from lading.testing.http_server import HttpServer


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer({"/file1.txt": b"hello", "/big.bin": bytes(range(256)) * 50_000}) as server:
        yield server


def test_a_server_that_refuses_head(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.3: W&B asks by GET; a URL that is signed for GET alone must do."""
    web.fail(Status(403), method="HEAD", times=ALWAYS)
    artifact = lading.Artifact("web", "dataset")

    (entry,) = artifact.add_reference(f"{web.url}/file1.txt")

    assert entry.size == 5
    assert Path(run.log_artifact(artifact).wait().download(), "file1.txt").read_bytes() == b"hello"


def test_a_server_without_ranges_sends_all_in_one_stream(run: lading.Run, web: HttpServer) -> None:
    web.fail(NoRanges(), times=ALWAYS)
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/big.bin")

    path = run.log_artifact(artifact).wait().download()

    assert Path(path, "big.bin").read_bytes() == web.objects["/big.bin"]


def test_what_nothing_pins_comes_in_one_stream(run: lading.Run, web: HttpServer) -> None:
    """Parts of a file that is replaced meanwhile could not be told apart."""
    web.fail(Header("ETag", None), times=ALWAYS)
    artifact = lading.Artifact("web", "dataset")

    (entry,) = artifact.add_reference(f"{web.url}/big.bin")

    assert (entry.digest, entry.size, entry.extra) == (entry.ref, 12_800_000, {})
    path = run.log_artifact(artifact).wait().download()
    assert Path(path, "big.bin").read_bytes() == web.objects["/big.bin"]
    assert sum(each.method == "GET" for each in web.seen) == 1


def test_redirects_are_followed(run: lading.Run, web: HttpServer) -> None:
    web.fail(Status(302, (("Location", "/big.bin"),)), path="/moved.bin", times=ALWAYS)
    artifact = lading.Artifact("web", "dataset")

    (entry,) = artifact.add_reference(f"{web.url}/moved.bin")

    assert (entry.path, entry.ref, entry.size) == ("moved.bin", f"{web.url}/moved.bin", 12_800_000)
    path = run.log_artifact(artifact).wait().download()
    assert Path(path, "moved.bin").read_bytes() == web.objects["/big.bin"]


def test_the_bandwidth_holds_for_references_too(home: Path, web: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_MAX_BANDWIDTH", "40MB")
    with lading.init(project="p") as run:
        artifact = lading.Artifact("web", "dataset")
        artifact.add_reference(f"{web.url}/big.bin")
        run.log_artifact(artifact).wait()
        began = time.monotonic()
        path = artifact.download()

    assert Path(path, "big.bin").read_bytes() == web.objects["/big.bin"]
    assert time.monotonic() - began > 0.8 * 12.8 / 40


def test_a_server_in_trouble_is_asked_again(home: Path, web: HttpServer) -> None:
    web.fail(Status(503, (("Retry-After", "0"),)), times=2)

    (entry,) = lading.Artifact("web", "dataset").add_reference(f"{web.url}/file1.txt")

    assert entry.size == 5
    assert web.unused == []


def test_the_secret_of_a_signed_address_is_in_no_message(home: Path, web: HttpServer) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        lading.Artifact("web", "dataset").add_reference(f"{web.url}/none?signature=secret")

    assert "secret" not in str(caught.value)


def test_nor_in_one_of_what_follows_it(run: lading.Run, web: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/none?signature=secret", checksum=False)
    logged = run.log_artifact(artifact).wait()

    with pytest.raises(FileNotFoundError) as caught:
        logged.download()
    logged.download(allow_missing_references=True)
    with pytest.raises(ValueError, match="has no name of its own") as nameless:
        artifact.new_draft().add_reference(f"{web.url}/?signature=secret", checksum=False)

    assert "left out" in caplog.text
    assert "secret" not in f"{caught.value}{caught.value.__dict__}{caplog.text}{nameless.value}"


@pytest.fixture
def bait(home: Path, web: HttpServer) -> Callable[[], lading.Artifact]:
    """An artifact of others with a reference to a server that is public, as far as this test is concerned."""

    def make() -> lading.Artifact:
        with lading.init(entity="them", project="p") as run:
            artifact = lading.Artifact("bait", "dataset")
            artifact.add_reference(f"{web.url}/file1.txt", checksum=False)
            run.log_artifact(artifact).wait()
        return lading.Api().artifact("them/p/bait:latest")

    return make


def test_a_public_address_of_strangers_is_followed(
    bait: Callable[[], lading.Artifact], web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def public(address: str) -> bool:
        return address == "127.0.0.1"

    monkeypatch.setattr(module, "is_public", public)

    assert Path(bait().download(), "file1.txt").read_bytes() == b"hello"


def test_a_name_that_leads_elsewhere_after_it_was_looked_at_is_not_asked_again(
    home: Path, web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 5, Trust: what is asked is the address that was judged, also where a name server answers differently each time."""
    asked, resolve = list[str](), socket.getaddrinfo

    def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "rebind.test":
            return resolve(host, *arguments, **options)
        asked.append("127.0.0.1" if not asked else "127.0.0.2")
        return resolve(asked[-1], *arguments, **options)

    def public(address: str) -> bool:
        return address == "127.0.0.1"

    with lading.init(entity="them", project="p") as run:
        artifact = lading.Artifact("bait", "dataset")
        artifact.add_reference(f"http://rebind.test:{web.port}/big.bin", checksum=False)
        run.log_artifact(artifact).wait()
    monkeypatch.setattr(module, "is_public", public)
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    path = lading.Api().artifact("them/p/bait:latest").download()

    assert Path(path, "big.bin").read_bytes() == web.objects["/big.bin"]
    assert asked == ["127.0.0.1"]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_redirect_of_strangers_to_a_private_address_is_not(
    bait: Callable[[], lading.Artifact], web: HttpServer, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """DESIGN 5, Trust: neither where it is looked at, nor where it is read."""

    def public(address: str) -> bool:
        return address == "127.0.0.1"

    monkeypatch.setattr(module, "is_public", public)
    with HttpServer({"/secret": b"secret"}) as inner:
        web.fail(Status(302, (("Location", f"http://127.0.0.2:{inner.port}/secret"),)), method=method, times=ALWAYS)
        artifact = bait()

        with pytest.raises(OSError, match=r"127\.0\.0\.2|redirect|302"):
            artifact.download()
        assert inner.seen == []


def test_what_the_active_run_logs_to_is_no_stranger(home: Path, web: HttpServer) -> None:
    with lading.init(entity="team", project="p") as run:
        artifact = lading.Artifact("ours", "dataset")
        artifact.add_reference(f"{web.url}/file1.txt")
        run.log_artifact(artifact).wait()
        found = lading.Api().artifact("team/p/ours:latest")
        assert Path(found.download(), "file1.txt").read_bytes() == b"hello"

    with pytest.raises(StoreDeniedError):
        lading.Api().artifact("team/p/ours:latest").download()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a9fe:a9fe", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public
