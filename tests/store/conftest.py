"""Servers, and what tests of stores behind HTTP ask of them."""

import random
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from lading.store.http.body import Body, Bytes
from lading.store.http.connection import close_idle, exchange
from lading.store.http.jobs import HttpPut, HttpRead
from lading.store.http.patience import PATIENT, Patience
from lading.store.http.request import Request
from lading.store.jobs import ReadJob
from lading.store.journal import Journal
from lading.testing.gcs_server import GcsServer
from lading.testing.http_faults import Drip, Fault, Stall
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import S3Server
from lading.testing.s3_server_auth import Key


class Authority(NamedTuple):
    """Who signs certificates: a server's context, and the file that lets a client believe it."""

    context: ssl.SSLContext
    file: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    signer, file = trustme.CA(), tmp_path_factory.mktemp("tls") / "ca.pem"
    signer.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue_cert("localhost", "127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # it also knows pyOpenSSL
    return Authority(context, file)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server
        close_idle()


@pytest.fixture
def tls_server(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    """Over TLS, and believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with HttpServer(tls=authority.context) as server:
        yield server
        close_idle()


@pytest.fixture
def served(server: HttpServer) -> HttpServer:
    """It has an object of 1000 bytes, /a."""
    server.objects["/a"] = b"0123456789" * 100
    return server


@pytest.fixture
def s3(aws: Path) -> Iterator[S3Server]:
    """Signed by the keys of the machine."""
    del aws
    with S3Server(keys={"AKIA": Key("secret")}) as s3:
        yield s3
        close_idle()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def gcs() -> Iterator[GcsServer]:
    with GcsServer(page=50) as gcs:
        yield gcs
        assert gcs.unused == []


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine is set to is none of the tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# What tests of exchanges ask for


def get(server: HttpServer, path: str = "/a") -> Request:
    return Request.of("GET", server.url + path)


def put(server: HttpServer) -> Request:
    return Request.of("PUT", server.url + "/new")


def ask(request: Request, body: Body | None = None, patience: Patience = PATIENT) -> bytes:
    with exchange(request, body or Bytes(), patience=patience) as answer:
        return answer.read(1 << 30)


# What tests of jobs ask for

DATA = random.Random(3).randbytes(300_000)
HURRIED = Patience(answer=0.2, window=0.2)


def reading(
    server: HttpServer, start: int = 0, stop: int = len(DATA), *, etag: str | None = None, patience: Patience = PATIENT
) -> HttpRead:
    request = Request.of("GET", f"{server.url}/a?X-Amz-Signature=secret")
    return HttpRead(request, "a", server.url, start, stop, etag, patience=patience)


def putting(server: HttpServer, size: int, *, patience: Patience = PATIENT) -> HttpPut:
    request = Request.of("PUT", f"{server.url}/new").with_headers(("If-None-Match", "*"))
    return HttpPut(request, "new", server.url, size, patience=patience)


def read(job: ReadJob, *, buffer: int = 1 << 16) -> bytes:
    found = bytearray()
    job.read(memoryview(bytearray(buffer)), found.extend)
    return bytes(found)


def patience_for(fault: Fault) -> Patience:
    """Only the wait that is tested ends soon: this machine may be busy."""
    if isinstance(fault, Stall) and fault.after < 0:
        return HURRIED
    return Patience(window=0.2) if isinstance(fault, Stall | Drip) else PATIENT
