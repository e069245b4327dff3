"""Small objects of S3, many of them in one lane: the plain case alone, and that fast.

What is the same in all requests of a kind is signed and rendered once a second, and the connection is held between them. What is
not plain (no credentials, a version, a proxy, a connection that was closed meanwhile, something to be learned from a refusal) is
left to the jobs, which know all cases.
"""

import time
from types import TracebackType

from msgspec import structs

from ..checksum import Piece, checksum
from ..http.connection import join_lines
from ..http.conversation import Conversation
from ..http.jobs import HttpRead
from ..http.request import Headers, Request
from .address import Place
from .asking import Speech
from .jobs import S3Put, S3Read, preferred_checks
from .refusals import Attempt, Corrected, Subject, attempt_at
from .signing import Credentials, Form, encode_path

_ONCE = ("If-None-Match", "*")


class S3Wholes:
    """See `store.wholes`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._talk = Conversation()
        self._rendered: dict[str, _Rendered] = {}  # by method

    def __enter__(self) -> "S3Wholes":
        self._talk.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._talk.__exit__(kind, error, trace)

    def read(self, key: str, view: memoryview) -> None:
        try:
            done = self._read(key, view, attempt_at(self.place))
        except Corrected:
            done = False
        if not done:
            S3Read(self.place, key, 0, len(view)).read(view, _in_place)

    def _read(self, key: str, view: memoryview, attempt: Attempt) -> bool:
        place, size, who = self.place, len(view), attempt.who
        if who is None or not size or place.version:
            return False
        rendered = self._render(attempt, who, "GET", "range")
        incoming = self._talk.ask(rendered.named(key), rendered.head(key, f"bytes=0-{size - 1}"))
        if incoming is None:
            return False
        wanted = (206, size, f"bytes 0-{size - 1}/{size}")
        if (incoming.status, incoming.length, incoming.headers.get("content-range")) == wanted:
            incoming.readinto(view)
        else:
            request, speech = place.request("GET", key), Speech(Subject(place, key), attempt)
            HttpRead(request, key, place.url, 0, size, None, speech).deliver(incoming, view, _in_place)
        return True

    def write(self, key: str, piece: Piece) -> None:
        job = S3Put(self.place, key, len(piece))
        try:
            done = self._write(job, piece, attempt_at(self.place))
        except Corrected:
            done = False
        if not done:
            job.write((piece,))

    def _write(self, job: S3Put, piece: Piece, attempt: Attempt) -> bool:
        place, facts, who = self.place, self.place.facts, attempt.who
        if who is None or not facts.conditional or not facts.checksums:
            return False
        name = preferred_checks(place)
        rendered = self._render(attempt, who, "PUT", f"x-amz-checksum-{name}", (*place.create, _ONCE))
        head = rendered.head(job.key, checksum(name, piece).base64, len(piece))
        incoming = self._talk.ask(rendered.named(job.key), head, piece)
        if incoming is None:
            return False
        if incoming.status == 200 and incoming.over:
            facts.seen = True
        else:
            job.attempted(attempt, name).settle(incoming)
        return True

    def _render(self, attempt: Attempt, who: Credentials, method: str, varying: str, headers: Headers = ()) -> "_Rendered":
        second, found = int(time.time() + self.place.facts.skew), self._rendered.get(method)
        if found is None or (found.second, found.varying, found.attempt) != (second, varying, attempt):
            found = self._rendered[method] = _Rendered(self.place, attempt, who, method, varying, headers, second)
        return found


class _Rendered:
    """A head, all but the key and the value of one header."""

    __slots__ = ("_begin", "_form", "_prefix", "_rest", "attempt", "request", "second", "varying")

    def __init__(
        self, place: Place, attempt: Attempt, who: Credentials, method: str, varying: str, headers: Headers, second: int
    ) -> None:
        self.attempt, self.varying, self.second = attempt, varying, second
        self.request = request = place.request(method, "", (), headers)
        every = {name.lower(): value for name, value in request.headers} | {"host": request.authority}
        self._form = form = Form(who, place.scope, method, every, varying, now=second)
        self._prefix, self._begin = request.target, f"{method} "
        lines = (" HTTP/1.1", *(f"{name}: {value}" for name, value in form.headers.items()), "accept-encoding: identity")
        self._rest = join_lines(request, (*lines, f"{varying}: ")).decode()
        join_lines(request, (form.authorization("", ""),))

    def named(self, key: str) -> Request:
        """The request as errors name it."""
        return structs.replace(self.request, target=self._prefix + encode_path(key))

    def head(self, key: str, value: str, size: int | None = None) -> bytes:
        """The head for this key, with this value; `size` is that of the body if there is to be one."""
        path = self._prefix + encode_path(key)
        length = "" if size is None else f"\r\ncontent-length: {size}"
        proof = self._form.authorization(path, value)
        return f"{self._begin}{path}{self._rest}{value}\r\nauthorization: {proof}{length}\r\n\r\n".encode()


def _in_place(piece: memoryview) -> None:
    """It is where it belongs already: a read fills its buffer in one piece as far as it can."""
