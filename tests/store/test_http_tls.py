"""Exchanges over TLS."""

import os

import pytest

from lading.errors import StoreError, StoreUnavailableError
from lading.store.http.body import Bytes, Pieces
from lading.store.http.patience import Patience
from lading.store.http.request import Request
from lading.testing.http_faults import ALWAYS, Bye, Cut, Drip, Fault, Lost, Stall, Status
from lading.testing.http_server import HttpServer

from .conftest import ask, get


def test_tls_is_kept_and_carries_both_ways(tls_server: HttpServer) -> None:
    body = os.urandom(3 << 20)

    ask(Request.of("PUT", f"{tls_server.url}/a"), Pieces("a", [body[:5], body[5:]], len(body)))
    ask(Request.of("PUT", f"{tls_server.url}/b"), Bytes(b"small"))

    assert ask(get(tls_server)) == body
    assert tls_server.objects["/b"] == b"small"
    assert tls_server.connections == 1


def test_a_certificate_of_nobody_we_know_is_refused(tls_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(StoreError, match="not trusted") as caught:
        ask(get(tls_server))

    assert not caught.value.retryable
    assert "SSL_CERT_FILE" in (caught.value.hint or "")


def test_a_certificate_of_another_name_is_refused(tls_server: HttpServer) -> None:
    with pytest.raises(StoreError, match="not trusted"):
        ask(Request.of("GET", f"https://127.1:{tls_server.port}/a"))


def test_tls_where_there_is_none_is_named(served: HttpServer) -> None:
    with pytest.raises(StoreUnavailableError, match="no TLS connection"):
        ask(Request.of("GET", f"https://127.0.0.1:{served.port}/a"))


@pytest.mark.parametrize("fault", [Bye(), Lost(), Cut(500), Stall(500), Status(503)], ids=repr)
def test_tls_has_the_same_troubles(tls_server: HttpServer, fault: Fault) -> None:
    tls_server.objects["/a"] = b"0123456789" * 100
    ask(get(tls_server))
    tls_server.fail(fault)

    if isinstance(fault, Bye | Lost | Status):
        ask(get(tls_server))
    else:
        with pytest.raises(StoreUnavailableError, match="broke off"):
            ask(get(tls_server), patience=Patience(window=0.3))

    tls_server.fail(Drip(1000, 0.0), times=ALWAYS)
    assert len(ask(get(tls_server))) == 1000
