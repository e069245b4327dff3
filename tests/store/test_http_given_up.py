"""Exchanges that are given up: each wait of theirs ends at once, and no socket is left."""

import socket
import threading

import pytest

from lading.store.halt import Halt, Halted, halting
from lading.store.http.body import Bytes
from lading.store.http.connection import exchange
from lading.store.http.request import Request
from lading.testing.http_faults import Drip, Fault, Stall
from lading.testing.http_server import HttpServer

from .conftest import ask, get
from .sockets import AT_ONCE, deaf, given_up, open_sockets


@pytest.mark.parametrize("fault", [Stall(-1), Stall(500), Drip(1, 0.05)], ids=["head", "body", "drip"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_waiting_for_an_answer_is_given_up_at_once(request: pytest.FixtureRequest, fault: Fault, scheme: str) -> None:
    server: HttpServer = request.getfixturevalue("server" if scheme == "http" else "tls_server")
    server.objects["/a"] = b"0123456789" * 100
    server.fail(fault)
    before = open_sockets()

    took = given_up(lambda: ask(get(server)), lambda: bool(server.seen))

    assert took < AT_ONCE
    server.close()
    assert open_sockets() <= before


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_sending_is_given_up_at_once(authority: object, scheme: str) -> None:
    del authority
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        before = open_sockets()
        # Over TLS it is the handshake that hangs.
        took = given_up(
            lambda: ask(Request.of("PUT", f"{scheme}://127.0.0.1:{port}/"), Bytes(b"x" * (64 << 20))),
            lambda: len(open_sockets()) > len(before),
        )

    assert took < AT_ONCE
    assert open_sockets() <= before


def test_connecting_is_given_up_at_once() -> None:
    with deaf() as port:
        before = open_sockets()
        took = given_up(lambda: ask(Request.of("GET", f"http://127.0.0.1:{port}/")), lambda: len(open_sockets()) > len(before))
        after = open_sockets()

    assert took < AT_ONCE
    assert after <= before


def test_finding_an_address_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> list[object]:
        asked.set()
        answer.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    took = given_up(lambda: ask(Request.of("GET", "http://slow.example/")), asked.is_set)
    answer.set()

    assert took < AT_ONCE


def test_an_exchange_within_another_leaves_the_outer_one_to_be_given_up(served: HttpServer) -> None:
    served.fail(Stall(500))

    def nested() -> None:
        with exchange(get(served)) as outer:
            ask(get(served))
            outer.read(1000)

    assert given_up(nested, lambda: len(served.seen) == 2) < AT_ONCE


def test_work_that_was_given_up_before_it_began_asks_nobody(served: HttpServer) -> None:
    halt = Halt()
    halt.ask()

    with halting(halt), pytest.raises(Halted):
        ask(get(served))

    assert served.seen == []
