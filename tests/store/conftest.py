"""Fixtures for stores behind HTTP."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from lading.store.http.connection import close_idle
from lading.testing.http_server import HttpServer


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


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine is set to is none of the tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one pair of AWS keys, that has learned nothing yet of any server; the folder where AWS's files would lie."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})
    return tmp_path
