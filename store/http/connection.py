"""Connections of a lane: one exchange after another on kept-alive sockets, blocking. Each thread has its own."""

import contextlib
import os
import re
import threading
import time
from collections.abc import Generator

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
_SENDABLE = re.compile(r"[\t\r\n\x20-\x7e]*")

_Key = tuple[str, str, int, Patience]


class _Idle(threading.local):
    """The idle connections of this thread, the latest last. They are closed with it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.links: dict[_Key, list[Link]] = {}


_idle = _Idle()


def close_idle() -> None:
    """Close the idle connections of this thread."""
    for links in _idle.links.values():
        for link in links:
            link.close()
    _idle.links.clear()


@contextlib.contextmanager
def exchange(request: Request, body: Body = _NOTHING, *, patience: Patience = PATIENT) -> Generator[Incoming]:
    """Send the request, which is signed already, and give its answer, whatever its status; redirects are not followed. If the
    body was read when the block ends, in whichever way, the connection is kept for the next; else it is closed. A kept one that
    the server had closed before it answered is replaced by a new one, once. Raise `StoreUnavailableError`, `StoreError`,
    `Halted`, and what the body raises."""
    halt, key = current_halt(), (request.scheme, request.host, request.port, patience)
    link = _take(key) or Link(patience)
    incoming: Incoming | None = None
    try:
        with halt.closing(link.shut):
            incoming = Incoming(request, link, _ask(link, request, body, halt))
            yield incoming
    finally:
        if incoming is not None and incoming.keep and not link.buffered and not halt.asked:
            link.used = time.monotonic()
            _idle.links.setdefault(key, []).append(link)
        else:
            link.close()


def _take(key: _Key) -> Link | None:
    if _idle.process != os.getpid():  # connections came along when the process forked; they remain the parent's
        close_idle()
        _idle.process = os.getpid()
    oldest = time.monotonic() - IDLE
    if len(_idle.links) > 1:
        for other in [other for other, links in _idle.links.items() if links[-1].used < oldest]:
            for link in _idle.links.pop(other):
                link.close()
    links = _idle.links.get(key)
    while links:
        link = links.pop()
        if not links:
            del _idle.links[key]
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
    except Broken as error:
        raise StoreUnavailableError(f"{request.shown}: {error}") from error
    except MalformedError as error:
        raise StoreUnavailableError(
            f"{request.shown}: the answer is not HTTP: {error}",
            hint="check the URL's scheme and port, and the proxy if there is one",
        ) from error


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
    text = "\r\n".join(lines)
    ends = len(lines) - 1
    if not _SENDABLE.fullmatch(text) or text.count("\r") != ends or text.count("\n") != ends or " " in request.target:
        raise InvalidValueError(f"{request.shown}: a header or the target holds what HTTP cannot carry")
    return f"{text}\r\n\r\n".encode("ascii")
