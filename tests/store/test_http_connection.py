"""Connections: kept, replaced, waited for until a deadline, and never shared by threads or with a forked child."""

import os
import socket
import threading
import time

import pytest
from msgspec import structs

from lading.errors import InvalidValueError, StoreUnavailableError
from lading.store.http import connection
from lading.store.http.body import Bytes, Pieces
from lading.store.http.connection import close_idle, exchange
from lading.store.http.patience import Patience
from lading.store.http.request import Request
from lading.testing.http_faults import Bye, Cut, Drip, Lost, Unasked
from lading.testing.http_server import HttpServer

from .conftest import HURRIED, ask, get, put
from .sockets import deaf, open_sockets


def test_a_connection_is_kept(served: HttpServer) -> None:
    for _ in range(5):
        assert len(ask(get(served))) == 1000
        ask(put(served), Bytes(b"new"))

    assert served.connections == 1


def test_a_connection_by_name_serves_nobody_who_says_the_address(served: HttpServer) -> None:
    """Where the name led to when it was made, nobody has judged."""
    ask(get(served))

    ask(structs.replace(get(served), addresses=("127.0.0.1",)))

    assert served.connections == 2


def test_a_connection_whose_answer_was_not_read_is_closed(served: HttpServer) -> None:
    for _ in range(2):
        with exchange(get(served)) as answer:
            assert answer.status == 200

    assert served.connections == 2


def test_a_connection_is_not_used_again_after_it_was_idle_for_long(served: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_sockets()
    ask(get(served))
    monkeypatch.setattr(connection, "IDLE", 0.0)

    ask(get(served))

    assert served.connections == 2
    close_idle()
    assert len(open_sockets() - before) <= 2  # the server's, which are about to end


def test_a_kept_connection_that_was_closed_is_replaced(served: HttpServer) -> None:
    served.fail(Bye(), times=3)

    for _ in range(4):
        assert len(ask(get(served))) == 1000

    assert served.connections == 4


def test_what_a_server_says_unasked_is_no_answer(served: HttpServer) -> None:
    served.fail(Unasked(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"))
    ask(get(served))
    served.said()

    with exchange(get(served)) as answer:
        status = answer.status

    assert (status, served.connections) == (200, 2)


@pytest.mark.parametrize("body", [b"", b"small", b"x" * (4 << 20)], ids=["none", "small", "large"])
def test_a_kept_connection_that_ends_before_its_answer_is_replaced_once(served: HttpServer, body: bytes) -> None:
    ask(get(served))
    served.fail(Lost())

    ask(put(served), Bytes(body))

    assert served.objects["/new"] == body
    assert [seen.connection for seen in served.seen] == [0, 0, 1]
    served.fail(Lost(), times=2)
    with pytest.raises(StoreUnavailableError, match="before the answer"):
        ask(put(served), Bytes(body))


def test_a_body_that_is_used_up_is_not_sent_again(served: HttpServer) -> None:
    ask(get(served))
    served.fail(Lost())
    ask(put(served), Pieces("new", [b"123456"], 6))
    served.fail(Lost())

    with pytest.raises(StoreUnavailableError):
        ask(put(served), Pieces("new", [b"123", b"456"], 6))

    assert served.objects["/new"] == b"123456"


def test_an_answer_that_breaks_off_is_not_asked_for_again(served: HttpServer) -> None:
    ask(get(served))
    served.fail(Cut(0))

    with pytest.raises(StoreUnavailableError, match="broke off"):
        ask(get(served))

    assert len(served.seen) == 2


def test_nobody_listening_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(StoreUnavailableError, match="refused"):
        ask(Request.of("GET", f"http://127.0.0.1:{port}/?sig=secret"))


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(StoreUnavailableError, match="name of the server is not known"):
        ask(Request.of("GET", "http://nothing.invalid/"))


def test_a_name_with_several_addresses_is_tried_until_one_answers(served: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def addresses(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, 0, 0, "", ("127.0.0.1", 1)), (socket.AF_INET, 0, 0, "", ("127.0.0.1", served.port))]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)

    for _ in range(4):
        assert ask(Request.of("GET", f"http://many.example:{served.port}/a")) == served.objects["/a"]
        close_idle()


def test_connecting_ends_at_its_deadline() -> None:
    with deaf() as port, pytest.raises(StoreUnavailableError, match="no answer to the attempt to connect"):
        ask(Request.of("GET", f"http://127.0.0.1:{port}/"), patience=Patience(connect=0.1))


def test_a_server_that_takes_nothing_is_given_up(served: HttpServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(StoreUnavailableError, match="stalled"):
        ask(Request.of("PUT", f"http://127.0.0.1:{listener.getsockname()[1]}/"), Bytes(b"x" * (16 << 20)), HURRIED)


def test_a_slow_body_that_moves_enough_is_waited_for(served: HttpServer) -> None:
    served.objects["/a"] = b"x" * 3_000_000
    served.fail(Drip(100_000, 0.05))
    patience = Patience(window=1.0)

    began = time.monotonic()
    found = ask(get(served), patience=patience)

    assert len(found) == 3_000_000
    assert time.monotonic() - began > patience.window


def test_each_thread_has_its_own_connections_and_takes_them_along(served: HttpServer) -> None:
    before = open_sockets()
    threads = [threading.Thread(target=ask, args=(get(served),)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert served.connections == 3
    served.close()
    assert open_sockets() <= before


def test_a_forked_child_leaves_its_parents_connections_alone(served: HttpServer) -> None:
    ask(get(served))

    child = os.fork()
    if not child:
        try:
            os._exit(0 if len(ask(get(served))) == 1000 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(ask(get(served))) == 1000
    assert [seen.connection for seen in served.seen] == [0, 1, 0]


def test_a_line_end_does_not_smuggle_a_header(served: HttpServer) -> None:
    for request in (
        get(served).with_headers(("X", "a\r\nY: b")),
        get(served).with_headers(("X", "a\nb")),
        get(served).with_headers(("X: a\rY", "b")),
        Request("GET", "http", "127.0.0.1", served.port, "/a HTTP/1.1"),
    ):
        with pytest.raises(InvalidValueError):
            ask(request)

    assert served.seen == []
