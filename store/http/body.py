"""What a request carries: nothing, bytes, pieces that come one by one, or a range of an open file."""

import os
from collections.abc import Iterable
from typing import Protocol

from ...errors import StoreError
from ..checksum import Piece

_AT_ONCE = 4 << 20  # of a file, between two looks at whether the server has answered already


class Wire(Protocol):
    """Where a body goes. Its calls raise what only the connection understands."""

    @property
    def answered(self) -> bool:
        """Whether the server said something before it has everything: then it will hardly want the rest."""
        ...

    def send(self, head: bytes, piece: Piece) -> None: ...

    def send_file(self, source: int, start: int, stop: int) -> None: ...


class Body(Protocol):
    """`size` bytes to be sent after a head."""

    @property
    def size(self) -> int: ...

    @property
    def again(self) -> bool:
        """Whether it can still be sent from its beginning."""
        ...

    def send(self, head: bytes, wire: Wire) -> bool:
        """Send it after the head. False if the server answered before it had all, and the rest was kept back."""
        ...


class Bytes:
    """A body that is there as a whole."""

    again = True

    def __init__(self, data: Piece = b"") -> None:
        self.data, self.size = data, len(data)

    def send(self, head: bytes, wire: Wire) -> bool:
        wire.send(head, self.data)
        return True


class Pieces:
    """Pieces, each asked for when the one before was sent. What they raise passes through."""

    def __init__(self, name: str, pieces: Iterable[Piece], size: int) -> None:
        self.name, self.size = name, size
        self.again = True
        self._rest = iter(pieces)
        self._first: Piece = b""
        self._begun = False

    def whole(self) -> Piece | None:
        """The body, if its first piece is all of it."""
        self._begin()
        return self._first if len(self._first) == self.size else None

    def send(self, head: bytes, wire: Wire) -> bool:
        self._begin()
        sent, piece = 0, self._first
        while sent + len(piece) < self.size:
            if not piece:
                raise StoreError(f"{self.name}: {sent} bytes were sent where {self.size} were announced")
            if sent and wire.answered:
                return False
            wire.send(head, piece)
            head, sent, self.again = b"", sent + len(piece), False
            piece = self._next()
        # What completes the body is held back until the source has said that this was all: then nothing is made of what it
        # takes back, nor of too much.
        if sent + len(piece) > self.size or self._next():
            raise StoreError(f"{self.name}: more than the announced {self.size} bytes were sent")
        wire.send(head, piece)
        return True

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._first = self._next()

    def _next(self) -> Piece:
        return next((piece for piece in self._rest if len(piece)), b"")


class FileRange:
    """[start, stop) of an open file."""

    again = True

    def __init__(self, name: str, source: int, start: int, stop: int) -> None:
        self.name, self.source, self.start, self.stop = name, source, start, stop
        self.size = stop - start

    def send(self, head: bytes, wire: Wire) -> bool:
        if os.fstat(self.source).st_size < self.stop:
            raise StoreError(f"{self.name}: the file to be sent ends before {self.stop}")
        wire.send(head, b"")
        for start in range(self.start, self.stop, _AT_ONCE):
            if start > self.start and wire.answered:
                return False
            wire.send_file(self.source, start, min(start + _AT_ONCE, self.stop))
        return True
