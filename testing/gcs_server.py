"""A Google Cloud Storage in this process, for tests: its JSON API over HTTP, with faults on demand."""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from .gcs_server_bucket import LARGEST_PAGE, Bucket, Refusal
from .gcs_server_calls import Answer, Call, GcsApi, Routed, refused


class Refuse(Struct, frozen=True):
    """The call is not done; this status is the answer."""

    status: int
    retry_after: int | None = None


class Drop(Struct, frozen=True):
    """The call is not done, and the connection ends without an answer."""


class LoseAnswer(Struct, frozen=True):
    """The call is done, and the connection ends without an answer."""


class Truncate(Struct, frozen=True):
    """The connection ends after so many bytes of the body that was announced."""

    after: int


class Flip(Struct, frozen=True):
    """A bit of this byte of the answer's body is wrong."""

    at: int


class Damage(Struct, frozen=True):
    """A bit of this byte of what was sent arrives wrong."""

    at: int


class Meanwhile(Struct, frozen=True):
    """This happens just before the call is done."""

    act: Callable[[], object]


Fault = Refuse | Drop | LoseAnswer | Truncate | Flip | Damage | Meanwhile


class GcsServer:
    """Serves buckets of these names at `url` from `with` to the end of the block.

    With a `token`, calls must bear it; `/token` and the path of the metadata server give it out to all who ask. Buckets that
    are `denied` exist for others. A list call returns at most `page` objects. The same `seed` gives the same generations.
    """

    def __init__(
        self, *names: str, seed: int = 0, token: str | None = None, denied: frozenset[str] = frozenset(), page: int = LARGEST_PAGE
    ) -> None:
        self.buckets = {name: Bucket(name, seed) for name in names or ("bucket",)}
        self.api = GcsApi(self.buckets, token, denied, page)
        self.calls = list[tuple[str, str]]()  # (kind of call, object or prefix), in the order in which they came
        self.payers = set[str | None]()  # whom the calls named
        self.connections = set[socket.socket]()
        self._faults = list[tuple[str, Fault]]()
        self._lock = threading.Lock()
        self._http = _HttpServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, name="gcs-server")
        self.api.url = self.url

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):  # its client was faster
                connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()  # waits for the threads of the connections
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def bucket(self) -> Bucket:
        """The first of them."""
        return next(iter(self.buckets.values()))

    def fail(self, kind: str, *faults: Fault) -> None:
        """Let the next calls of this kind (get, media, insert, compose, list, delete, bucket, token) meet these, one each."""
        self._faults.extend((kind, fault) for fault in faults)

    @property
    def unused(self) -> list[tuple[str, Fault]]:
        """Faults that no call has met yet."""
        return list(self._faults)

    def forgive(self) -> None:
        """Take back the faults that no call has met."""
        with self._lock:
            self._faults.clear()

    def count(self, kind: str) -> int:
        """How many calls of this kind came."""
        return sum(found == kind for found, _ in self.calls)

    def enter(self, routed: Routed) -> Fault | None:
        """Note the call, and take the fault that waits for it."""
        with self._lock:
            self.calls.append((routed.kind, routed.name))
            for index, (kind, fault) in enumerate(self._faults):
                if kind == routed.kind:
                    del self._faults[index]
                    return fault
        return None


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them: a test leaves no thread
    request_queue_size = 128

    def __init__(self, gcs: GcsServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gcs = gcs

    def process_request(self, request: Any, client_address: Any) -> None:
        self.gcs.connections.add(request)  # before its thread starts: closing must not miss it
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what tests do; anything else is a fault of this server, to be seen."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Lost(Exception):  # noqa: N818  # ends the connection, no error
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 << 10

    @property
    def gcs(self) -> GcsServer:
        assert isinstance(self.server, _HttpServer)
        return self.server.gcs

    def finish(self) -> None:
        self.gcs.connections.discard(self.connection)
        with contextlib.suppress(ConnectionError):  # what was still to be sent has no reader
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        call = Call(self.command, split.path, query, headers, b"".join(self._received()))
        routed = self.gcs.api.route(call)
        self.gcs.payers.add(headers.get("x-goog-user-project"))
        fault = self.gcs.enter(routed)
        try:
            answer = self._done(call, routed, fault)
        except _Lost:
            self.close_connection = True
        else:
            self._send(answer, fault.after if isinstance(fault, Truncate) else None)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the names that the library calls

    def _done(self, call: Call, routed: Routed, fault: Fault | None) -> Answer:
        match fault:
            case Drop():
                raise _Lost
            case Refuse(status, retry_after):
                return refused(Refusal(status, "backendError", "As the test has asked."), retry_after)
            case Meanwhile(act):
                act()
            case Damage(at):
                call.body = _changed(call.body, at)
            case _:
                pass
        try:
            if routed.kind != "token":
                self.gcs.api.authorize(call.headers.get("authorization"))
            answer = routed.act()
        except Refusal as refusal:
            return refused(refusal)
        if isinstance(fault, LoseAnswer):
            raise _Lost
        if isinstance(fault, Flip):
            answer.body = _changed(answer.body, fault.at)
        return answer

    def _send(self, answer: Answer, after: int | None) -> None:
        body = b"" if answer.status in (204, 304) else answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:after])
        self.wfile.flush()
        if after is not None:
            self.close_connection = True

    def _received(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self._exactly(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # trailers
        elif size := int(self.headers.get("Content-Length") or 0):
            yield self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError("the client ended the connection inside of its body")  # so nothing is done
        return data


def _changed(data: bytes | memoryview, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
