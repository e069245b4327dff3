"""Exchanges through a proxy."""

import contextlib
import socket
import threading

import pytest

from lading.errors import StoreDeniedError, StoreUnavailableError
from lading.store.http.connection import close_idle
from lading.store.http.request import Request
from lading.testing.http_server import HttpServer

from .conftest import ask


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
