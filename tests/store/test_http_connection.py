"""Connections: kept, replaced, given up, through proxies, over TLS, and in forked children."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from lading.errors import InvalidValueError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.halt import Halt, Halted, halting
from lading.store.http import connection
from lading.store.http.body import Body, Bytes, Pieces
from lading.store.http.connection import close_idle, exchange
from lading.store.http.patience import PATIENT, Patience
from lading.store.http.request import Request
from lading.testing.http_faults import ALWAYS, Bye, Cut, Drip, Fault, Lost, Stall, Status, Unasked
from lading.testing.http_server import HttpServer

HURRIED = Patience(answer=0.3, window=0.3)


def get(server: HttpServer, path: str = "/a") -> Request:
    return Request.of("GET", server.url + path)


def put(server: HttpServer) -> Request:
    return Request.of("PUT", server.url + "/new")


def ask(request: Request, body: Body | None = None, patience: Patience = PATIENT) -> bytes:
    with exchange(request, body or Bytes(), patience=patience) as answer:
        return answer.read(1 << 30)


def open_sockets() -> set[str]:
    found = set[str]()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(path.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.fixture
def served(server: HttpServer) -> HttpServer:
    server.objects["/a"] = b"0123456789" * 100
    return server


def test_a_connection_is_kept(served: HttpServer) -> None:
    for _ in range(5):
        assert len(ask(get(served))) == 1000
        ask(put(served), Bytes(b"new"))

    assert served.connections == 1


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
    time.sleep(0.05)

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


@contextlib.contextmanager
def deaf() -> Generator[int]:
    """A port where connecting neither succeeds nor fails: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_connecting_ends_at_its_deadline() -> None:
    with deaf() as port, pytest.raises(StoreUnavailableError, match="no answer to the attempt to connect"):
        ask(Request.of("GET", f"http://127.0.0.1:{port}/"), patience=Patience(connect=0.1))


def test_a_server_that_takes_nothing_is_given_up(served: HttpServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(StoreUnavailableError, match="stalled"):
        ask(Request.of("PUT", f"http://127.0.0.1:{listener.getsockname()[1]}/"), Bytes(b"x" * (16 << 20)), HURRIED)


def test_a_slow_body_that_moves_enough_is_waited_for(served: HttpServer) -> None:
    served.objects["/a"] = b"x" * 1_000_000
    served.fail(Drip(100_000, 0.05))

    began = time.monotonic()
    found = ask(get(served), patience=HURRIED)

    assert len(found) == 1_000_000
    assert time.monotonic() - began > HURRIED.window


# giving up


def given_up(work: Callable[[], object], waiting: Callable[[], bool]) -> float:
    """How long it takes `work` to return after it is told to, once it is `waiting`. It must say that it was halted."""
    halt, outcome = Halt(), list[BaseException]()

    def run() -> None:
        with halting(halt):
            try:
                work()
            except BaseException as error:
                outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not waiting():
        time.sleep(0.005)
    time.sleep(0.03)
    began = time.monotonic()
    halt.ask()
    thread.join()
    assert [type(error) for error in outcome] == [Halted]
    return time.monotonic() - began


@pytest.mark.parametrize("fault", [Stall(-1), Stall(500), Drip(1, 0.05)], ids=["head", "body", "drip"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_waiting_for_an_answer_is_given_up_at_once(request: pytest.FixtureRequest, fault: Fault, scheme: str) -> None:
    server: HttpServer = request.getfixturevalue("server" if scheme == "http" else "tls_server")
    server.objects["/a"] = b"0123456789" * 100
    server.fail(fault)
    before = open_sockets()

    took = given_up(lambda: ask(get(server)), lambda: bool(server.seen))

    assert took < 0.5
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

    assert took < 0.5
    assert open_sockets() <= before


def test_connecting_is_given_up_at_once() -> None:
    with deaf() as port:
        before = open_sockets()
        took = given_up(lambda: ask(Request.of("GET", f"http://127.0.0.1:{port}/")), lambda: len(open_sockets()) > len(before))
        after = open_sockets()

    assert took < 0.5
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

    assert took < 0.5


def test_an_exchange_within_another_leaves_the_outer_one_to_be_given_up(served: HttpServer) -> None:
    served.fail(Stall(500))

    def nested() -> None:
        with exchange(get(served)) as outer:
            ask(get(served))
            outer.read(1000)

    assert given_up(nested, lambda: len(served.seen) == 2) < 0.5


def test_work_that_was_given_up_before_it_began_asks_nobody(served: HttpServer) -> None:
    halt = Halt()
    halt.ask()

    with halting(halt), pytest.raises(Halted):
        ask(get(served))

    assert served.seen == []


# threads and processes


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


# what is sent


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


# proxies


class Proxying:
    """A proxy that connects every name to one server. `refuses` by this status."""

    def __init__(self, port: int, refuses: bytes = b"") -> None:
        self.port, self.refuses, self.heads = port, refuses, list[bytes]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def __enter__(self) -> "Proxying":
        return self

    def __exit__(self, *_: object) -> None:
        close_idle()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self.listener.close()
        for thread in self.threads[1:]:
            thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self._connect, args=(sock,)))
                self.threads[-1].start()

    def _connect(self, sock: socket.socket) -> None:
        with sock, socket.create_connection(("127.0.0.1", self.port)) as onward:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (byte := sock.recv(1)):
                    return
                head += byte
            self.heads.append(head)
            if self.refuses:
                sock.sendall(b"HTTP/1.1 " + self.refuses + b"\r\nContent-Length: 0\r\n\r\n")
                return
            if head.startswith(b"CONNECT"):
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = head.split(b" ")[1].split(b"/", 3)[3]
                onward.sendall(head.replace(head.split(b" ")[1], b"/" + path, 1))
            back = threading.Thread(target=_pump, args=(onward, sock))
            back.start()
            _pump(sock, onward)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_a_plain_proxy_is_given_the_whole_url(served: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxying(served.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:pass%20word@"))
        monkeypatch.setenv("NO_PROXY", "other.example")

        assert len(ask(Request.of("GET", "http://store.example/a"))) == 1000

    assert proxy.heads[0].startswith(b"GET http://store.example/a HTTP/1.1\r\nHost: store.example\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n" in proxy.heads[0]


def test_tls_goes_through_a_tunnel(tls_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    tls_server.objects["/a"] = b"through"
    with Proxying(tls_server.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:word@"))

        assert ask(Request.of("GET", f"https://localhost:{tls_server.port}/a")) == b"through"
        assert ask(Request.of("GET", f"https://localhost:{tls_server.port}/a")) == b"through"

    assert len(proxy.heads) == 1
    assert proxy.heads[0].startswith(f"CONNECT localhost:{tls_server.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic bWU6d29yZA==\r\n" in proxy.heads[0]
    assert "proxy-authorization" not in tls_server.seen[0].headers


@pytest.mark.parametrize(
    ("status", "error"),
    [(b"407 Who are you", StoreDeniedError), (b"502 Bad", StoreUnavailableError), (b"999 Odd", StoreUnavailableError)],
)
def test_a_proxy_that_refuses_is_named(
    served: HttpServer, monkeypatch: pytest.MonkeyPatch, status: bytes, error: type[Exception]
) -> None:
    with Proxying(served.port, refuses=status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:hidden@"))

        with pytest.raises(error, match=r"proxy http://127.0.0.1:[0-9]+ ") as caught:
            ask(Request.of("GET", "https://store.example/a"))

    assert "hidden" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://me:hidden@127.0.0.1:1")

    with pytest.raises(StoreUnavailableError, match=r"through the proxy http://127\.0\.0\.1:1: Connection refused") as caught:
        ask(Request.of("GET", "http://store.example/a"))

    assert "hidden" not in str(caught.value)


# TLS


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
    patience = HURRIED if isinstance(fault, Stall) else PATIENT
    tls_server.objects["/a"] = b"0123456789" * 100
    ask(get(tls_server), patience=patience)
    tls_server.fail(fault)

    if isinstance(fault, Bye | Lost | Status):
        ask(get(tls_server))
    else:
        with pytest.raises(StoreUnavailableError, match="broke off"):
            ask(get(tls_server), patience=patience)

    tls_server.fail(Drip(1000, 0.0), times=ALWAYS)
    assert len(ask(get(tls_server))) == 1000
