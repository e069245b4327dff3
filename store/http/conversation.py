"""Conversations: many small exchanges of a lane with one server, on a connection that is held between them."""

import time
from types import TracebackType

from ..checksum import Piece
from ..halt import current_halt
from .connection import IDLE, Key, failed, keep_idle, key_of, take_idle
from .head import MalformedError
from .incoming import Incoming
from .link import Broken, Link
from .patience import PATIENT
from .request import Request


class Conversation:
    """Exchanges of a lane that has many small ones, rendered by who asks: a connection is held between them, as long as the block
    lasts. Only the plain case is here; for all others there is `exchange`."""

    __slots__ = ("_closing", "_halt", "_incoming", "_key", "_link")

    def __init__(self) -> None:
        self._link: Link | None = None
        self._key: Key | None = None
        self._incoming: Incoming | None = None  # the last answer

    def __enter__(self) -> "Conversation":
        self._halt = current_halt()
        self._closing = self._halt.closing(self._shut)
        self._closing.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._closing.__exit__(kind, error, trace)
        finally:
            self._release()

    def ask(self, request: Request, head: bytes, piece: Piece = b"") -> Incoming | None:
        """The answer to what was rendered of this request; its body is to be read before the next is asked for. None if nothing
        came of it: the connection was closed before, or needs another head. Raise `StoreUnavailableError`, `StoreError`,
        `Halted`."""
        key = key_of(request, PATIENT)
        link, self._incoming = self._at_hand(key), None
        self._halt.check()  # after the link is known to `_shut`
        try:
            if not link.opened:
                link.dial(request, self._halt)
            if link.proxy:
                keep_idle(key, link)
                self._link = None
                return None
            link.heard, link.used = False, time.monotonic()
            link.send(head, piece)
            self._incoming = Incoming(request, link, link.head(request.method))
        except (Broken, MalformedError) as error:
            self._halt.check()
            if isinstance(error, Broken) and error.closed and not link.heard:
                return None
            raise failed(request, error) from error
        return self._incoming

    def _at_hand(self, key: Key) -> Link:
        link, last = self._link, self._incoming
        if link is not None and last is not None and key == self._key and last.keep and not link.buffered:
            if link.used >= time.monotonic() - IDLE and not link.readable(0):
                return link
            link.close()
        self._release()
        self._key, self._link = key, take_idle(key) or Link(PATIENT)
        return self._link

    def _release(self) -> None:
        link, last, self._link, self._incoming = self._link, self._incoming, None, None
        if link is not None and self._key is not None:
            if last is not None and last.keep and link.opened and not link.buffered and not self._halt.asked:
                keep_idle(self._key, link)
            else:
                link.close()

    def _shut(self) -> None:
        if link := self._link:
            link.shut()
