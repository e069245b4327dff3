"""Connections of a lane: one exchange after another on kept-alive sockets, blocking. Each thread has its own."""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from msgspec.structs import replace

from ...errors import InvalidValueError, StoreUnavailableError
from ..halt import Halt, current_halt
from .body import Body, Bytes
from .head import Head, MalformedError
from .incoming import Incoming
from .link import Broken, Link
from .patience import PATIENT, Patience
from .request import Request

IDLE = 4.0  # seconds; S3 closes after about 5, and nobody answers what was sent meanwhile
_AFTER_ALL = 1.0  # how long a server that stopped listening is given to say why
_NOTHING = Bytes()
_SENDABLE = b"\t" + bytes(range(0x20, 0x7F))

Key = tuple[str, str, int, tuple[str, ...], Patience]


class _Links(dict[Key, list[Link]]):
    """Closed as its thread ends, even if somebody keeps an error whose traceback knows of them."""

    def __del__(self) -> None:
        for links in self.values():
            for link in links:
                link.close()


class _Idle(threading.local):
    """The idle connections of this thread, the latest last. They are closed with it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.links = _Links()


_idle = _Idle()


def close_idle() -> None:
    """Close the idle connections of this thread."""
    for links in _idle.links.values():
        for link in links:
            link.close()
    _idle.links.clear()


class exchange:  # noqa: N801  # reads like the function it could be; as a generator it would cost three times as much
    """Send the request, which is signed already, and give its answer, whatever its status; redirects are not followed. If the
    body was read when the block ends, in whichever way, the connection is kept for the next; else it is closed. A kept one that
    the server had closed before it answered is replaced by a new one, once. Raise `StoreUnavailableError`, `StoreError`,
    `Halted`, and what the body raises."""

    __slots__ = ("_body", "_closing", "_halt", "_incoming", "_key", "_link", "_request")

    def __init__(self, request: Request, body: Body = _NOTHING, *, patience: Patience = PATIENT) -> None:
        self._request, self._body = request, body
        self._key = key_of(request, patience)
        self._incoming: Incoming | None = None

    def __enter__(self) -> Incoming:
        self._halt = halt = current_halt()
        self._link = link = take_idle(self._key) or Link(self._key[-1])
        closing = self._closing = halt.closing(link.shut)
        try:
            closing.__enter__()
        except BaseException:
            link.close()
            raise
        try:
            self._incoming = incoming = Incoming(self._request, link, _ask(link, self._request, self._body, halt))
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return incoming

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        link, incoming = self._link, self._incoming
        try:
            self._closing.__exit__(kind, error, trace)
        finally:
            if incoming is not None and incoming.keep and not link.buffered and not self._halt.asked:
                keep_idle(self._key, link)
            else:
                link.close()


def key_of(request: Request, patience: Patience) -> Key:
    """What a connection must have in common with a request to serve it."""
    return request.scheme, request.host, request.port, request.addresses, patience


def take_idle(key: Key) -> Link | None:
    """A connection of this thread that is good for another exchange."""
    if _idle.process != os.getpid():  # connections came along when the process forked; they remain the parent's
        close_idle()
        _idle.process = os.getpid()
    oldest = time.monotonic() - IDLE
    if len(_idle.links) > 1:
        for other in [other for other, links in _idle.links.items() if not links or links[-1].used < oldest]:
            for link in _idle.links.pop(other):
                link.close()
    links = _idle.links.get(key)
    while links:
        link = links.pop()
        if link.used >= oldest and not link.readable(0):  # nothing is due: what is there is the end, or no answer to us
            return link
        link.close()
    return None


def _ask(link: Link, request: Request, body: Body, halt: Halt) -> Head:
    try:
        if link.opened:
            try:
                return _ask_once(link, request, body)
            except Broken as error:
                if link.heard or not error.closed or not body.again:
                    raise
                halt.check()
                link.close()
        link.dial(request, halt)
        return _ask_once(link, request, body)
    except (Broken, MalformedError) as error:
        raise failed(request, error) from error


def keep_idle(key: Key, link: Link) -> None:
    """Its answer was read to the end: the next may use it."""
    link.used = time.monotonic()
    _idle.links.setdefault(key, []).append(link)


def failed(request: Request, error: Broken | MalformedError) -> StoreUnavailableError:
    """What ended an exchange, in our words."""
    if isinstance(error, Broken):
        return StoreUnavailableError(f"{request.shown}: {error}")
    return StoreUnavailableError(
        f"{request.shown}: the answer is not HTTP: {error}",
        hint="check the URL's scheme and port, and the proxy if there is one",
    )


def _ask_once(link: Link, request: Request, body: Body) -> Head:
    link.heard = False
    try:
        complete = body.send(_render(request, body, link), link)
    except Broken as error:
        if not link.readable(_AFTER_ALL if error.closed else 0):
            raise
        with contextlib.suppress(Broken, MalformedError):  # the answer usually says why; if not, this failure is the reason
            return replace(link.head(request.method), keep=False)
        raise
    head = link.head(request.method)
    return head if complete else replace(head, keep=False)


def _render(request: Request, body: Body, link: Link) -> bytes:
    names = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {request.url if link.proxy else request.target} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {request.authority}")
    if "accept-encoding" not in names:
        lines.append("Accept-Encoding: identity")  # bytes as they are stored
    if body.size or request.method in ("PUT", "POST"):
        lines.append(f"Content-Length: {body.size}")
    if link.proxy and link.proxy.authorization:
        lines.append(f"Proxy-Authorization: {link.proxy.authorization}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if " " in request.target:
        raise _unsendable(request)
    return join_lines(request, (*lines, "", ""))


def join_lines(request: Request, lines: Sequence[str]) -> bytes:
    """Lines of a head as they are sent. Raise `InvalidValueError` for what would end one too early, or is no plain text."""
    text = "\r\n".join(lines).encode(errors="surrogatepass")
    if text.translate(None, _SENDABLE) != b"\r\n" * (len(lines) - 1):
        raise _unsendable(request)
    return text


def _unsendable(request: Request) -> InvalidValueError:
    return InvalidValueError(f"{request.shown}: a header or the target holds what HTTP cannot carry")
