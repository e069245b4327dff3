"""A small HTTP server in threads of its own, which serves objects correctly until it is told to misbehave.

    with HttpServer({"/a": data}) as server:
        server.fail(Cut(100), times=2)          # the next two requests
        server.fail(Status(403), skip=5, times=ALWAYS, method="GET")
        ...                                     # server.url, server.seen, server.unused

It knows GET, HEAD and PUT, single ranges, strong ETags, If-Match and If-None-Match.
"""

import contextlib
import functools
import hashlib
import random
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader
from types import TracebackType

from .http_faults import ALWAYS, Fault, Reply, Seen, Status

_MOMENT = 0.01  # seconds


@dataclass(slots=True)
class _Planned:
    fault: Fault
    method: str | None
    path: str | None
    about: str
    skip: int
    times: int
    chance: float


@functools.lru_cache(4)  # as large objects are asked for part by part
def etag_of(data: bytes) -> str:
    """The ETag under which the server serves these bytes."""
    return f'"{hashlib.blake2s(data, digest_size=8).hexdigest()}"'


class HttpServer:
    """The server. `objects` by path may be changed at any time; what was PUT is among them. Serves TLS with a context."""

    def __init__(self, objects: Mapping[str, bytes] | None = None, *, tls: ssl.SSLContext | None = None, seed: int = 0) -> None:
        self.objects: dict[str, bytes] = dict(objects or {})
        self.seen: list[Seen] = []
        self.random = random.Random(seed)
        self.connections = 0
        self._tls = tls
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._quiet = threading.Event()
        self._quiet.set()
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._start(self._accept)

    def __enter__(self) -> "HttpServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Without a slash at its end; a path of `objects` follows."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    @property
    def unused(self) -> list[Fault]:
        """Faults that were planned for certain and are still to come."""
        return [planned.fault for planned in self._planned if 0 < planned.times < ALWAYS and planned.chance == 1]

    def fail(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str | None = None,
        about: str = "",
        skip: int = 0,
        times: int = 1,
        chance: float = 1,
    ) -> None:
        """Let requests (of this method, of this path, with `about` in their target) meet the fault: the first `skip` do not, the
        next `times` do, each with this chance by the server's seed. A request meets the first planned fault that applies."""
        with self._lock:
            self._planned.append(_Planned(fault, method, path, about, skip, times, chance))

    def mend(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._planned.clear()

    def said(self) -> None:
        """Wait until what comes unasked behind the latest answer has come."""
        self._quiet.wait()

    def close(self) -> None:
        """Close all connections, and wait for the threads."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def right(self, seen: Seen) -> Reply:
        """The reply to a request by a server without faults. A PUT takes effect."""
        if seen.method == "PUT":
            if seen.headers.get("if-none-match") == "*" and seen.path in self.objects:
                return Reply(412)
            self.objects[seen.path] = seen.body
            return Reply(200, {"etag": etag_of(seen.body)})
        if seen.method not in ("GET", "HEAD"):
            return Reply(405)
        data = self.objects.get(seen.path)
        if data is None:
            return Reply(404, {"content-type": "text/plain"}, b"no such object")
        headers = {"etag": etag_of(data), "accept-ranges": "bytes"}
        if seen.headers.get("if-match", headers["etag"]) != headers["etag"]:
            return Reply(412, headers)
        match = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", seen.headers.get("range", ""))
        if match is None:
            return Reply(200, headers, data)
        start, stop = int(match[1]), min(int(match[2]) + 1, len(data))
        if start >= len(data):
            return Reply(416, {**headers, "content-range": f"bytes */{len(data)}"})
        return Reply(206, {**headers, "content-range": f"bytes {start}-{stop - 1}/{len(data)}"}, data[start:stop])

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="lading-http-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                sock, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, sock, self.connections - 1)

    def _serve(self, sock: socket.socket, number: int) -> None:
        with self._lock:
            self._sockets.add(sock)
        live = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._over.is_set():
                return
            if self._tls:
                live = self._tls.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._sockets.add(live)
            with live.makefile("rb") as incoming:
                while self._exchange(live, incoming, number):
                    pass
        except (OSError, ValueError):
            pass  # the client went away, which is its right
        finally:
            with self._lock:
                self._sockets -= {sock, live}
            live.close()
            sock.close()

    def _exchange(self, sock: socket.socket, incoming: BufferedReader, number: int) -> bool:
        if not incoming.peek(1)[:1].isalpha():
            return False  # the end, or no HTTP: TLS has no lines that could be waited for
        first = incoming.readline(65536).decode("latin-1").split()
        if len(first) != 3:
            return False
        headers: dict[str, str] = {}
        while (line := incoming.readline(65536).decode("latin-1")) not in ("\r\n", ""):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        fault = self._next(first[0], first[1])
        early = isinstance(fault, Status) and fault.early
        body = b"" if early else incoming.read(int(headers.get("content-length", "0")))
        seen = Seen(first[0], first[1], headers, body, number)
        self.seen.append(seen)
        if len(body) < int(headers.get("content-length", "0")) and not early:
            return False
        with self._lock:
            reply = fault.apply(self, seen, lambda: self.right(seen)) if fault else self.right(seen)
        if not reply.after:
            return self._send(sock, seen, reply)
        self._quiet.clear()
        try:
            return self._send(sock, seen, reply)
        finally:
            self._quiet.set()

    def _next(self, method: str, target: str) -> Fault | None:
        path = target.partition("?")[0]
        with self._lock:
            for planned in self._planned:
                if not planned.times or planned.method not in (None, method) or planned.path not in (None, path):
                    continue
                if planned.about not in target:
                    continue
                if planned.skip:
                    planned.skip -= 1
                elif planned.chance == 1 or self.random.random() < planned.chance:
                    planned.times -= 1
                    return planned.fault
        return None

    def _send(self, sock: socket.socket, seen: Seen, reply: Reply) -> bool:
        if reply.raw is not None:
            sock.sendall(reply.raw)
        else:
            body, headers = reply.body, dict(reply.headers)
            if reply.chunk:
                headers["transfer-encoding"] = "chunked"
                body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in _sliced(body, reply.chunk)) + b"0\r\n\r\n"
            elif reply.status not in (204, 304):
                headers.setdefault("content-length", str(len(body)))
            try:
                reason = HTTPStatus(reply.status).phrase
            except ValueError:
                reason = "Odd"
            lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
            sock.sendall(reply.before + "\r\n".join(lines).encode("latin-1"))
            if seen.method != "HEAD":
                for piece in _sliced(body[: reply.cut], reply.piece):
                    sock.sendall(piece)
                    if reply.pause and self._over.wait(reply.pause):
                        return False
        if reply.after:
            time.sleep(_MOMENT)
            sock.sendall(reply.after)
        if reply.stall:
            self._over.wait()
        if reply.reset:
            # Given a moment to arrive: a reset that comes together with bytes may take them away again.
            time.sleep(_MOMENT)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return reply.cut is None and not reply.close and not reply.stall


def _sliced(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
