"""An S3 in this process, for tests: signatures and checksums are compared, and faults come on demand."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from .s3_server_auth import Key, authorize
from .s3_server_bucket import Bucket, Refusal, Rules
from .s3_server_calls import Answer, Call, document, kind_of, perform, refused


class Refuse(Struct, frozen=True):
    """The call is not done; this is the answer."""

    status: int
    code: str = ""
    headers: dict[str, str] = {}


class Late(Struct, frozen=True):
    """The call is not done, and the answer says so in its body only."""

    code: str


class Drop(Struct, frozen=True):
    """The call is not done, and the connection ends without an answer."""


class LoseAnswer(Struct, frozen=True):
    """The call is done, and the connection ends without an answer."""


class Damage(Struct, frozen=True):
    """A bit of this byte of what was sent arrives wrong."""

    at: int


class Meanwhile(Struct, frozen=True):
    """This happens just before the call is done."""

    act: Callable[[], object]


Fault = Refuse | Late | Drop | LoseAnswer | Damage | Meanwhile


class S3Server:
    """Serves one bucket, addressed by path, at `url` from `with` to the end of the block. With `keys` all calls must be signed by
    one of them, for `region`; its clock is `skew` seconds ahead."""

    def __init__(
        self, *, keys: dict[str, Key] | None = None, region: str = "us-east-1", skew: float = 0.0, rules: Rules | None = None
    ) -> None:
        self.keys, self.region, self.skew = keys, region, skew
        self.bucket = Bucket("bucket", rules or Rules())
        self.calls = list[Call]()
        self._faults = list[tuple[str, Fault]]()
        self._lock = threading.Lock()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, name="s3-server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.close_all()
        self._http.server_close()  # waits for the threads of the connections
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def fail(self, kind: str, *faults: Fault) -> None:
        """Let the next calls of this kind (`kind_of` names them) meet these, one each."""
        self._faults.extend((kind, fault) for fault in faults)

    @property
    def unused(self) -> list[tuple[str, Fault]]:
        """Faults that no call has met yet."""
        return list(self._faults)

    def count(self, kind: str) -> int:
        """How many calls of this kind came."""
        return sum(call.kind == kind for call in self.calls)

    def answer(self, call: Call) -> Answer | None:
        """None: the connection ends without one."""
        fault = self._enter(call)
        match fault:
            case Refuse(status, code, headers):
                answer = refused(Refusal(status, code, "As the test has asked"))
                answer.headers |= headers
                return answer
            case Late(code):
                return document(f"<Error><Code>{code}</Code></Error>", blanks=True)
            case Drop():
                return None
            case Damage(at):
                call.body = call.body[:at] + bytes([call.body[at] ^ 1]) + call.body[at + 1 :]
            case Meanwhile(act):
                act()
            case _:
                pass
        try:
            if self.keys is not None:
                authorize(call, self.keys, self.region, self.skew)
            done = perform(self.bucket, call)
        except Refusal as refusal:
            return refused(refusal)
        return None if isinstance(fault, LoseAnswer) else done

    def _enter(self, call: Call) -> Fault | None:
        with self._lock:
            self.calls.append(call)
            for index, (kind, fault) in enumerate(self._faults):
                if kind == call.kind:
                    del self._faults[index]
                    return fault
        return None


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them: a test leaves no thread
    request_queue_size = 128

    def __init__(self, s3: S3Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.s3, self.open = s3, set[Any]()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):  # its client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what tests do; anything else is a fault of this server, to be seen."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Http  # pyright: ignore[reportIncompatibleVariableOverride]  # as the library means it
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 << 10

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.s3.skew, usegmt=True)

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        bucket, _, key = unquote(split.path[1:]).partition("/")
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        size = int(headers.get("content-length", "0"))
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        kind = kind_of(self.command, key, query, headers)
        call = Call(kind, self.command, split.path, bucket, key, split.query, query, headers, body)
        answer = self.server.s3.answer(call)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the names that the library calls
