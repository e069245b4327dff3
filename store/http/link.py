"""One socket of a lane: bytes in and out with deadlines, and a small buffer for what comes before a body."""

import contextlib
import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

from ..checksum import Piece
from ..halt import Halt
from .dialing import dial
from .head import MOST, Head, MalformedError, read_head
from .patience import LEAST, Patience
from .request import Request
from .route import Proxy

_MOST_LINE = 8 << 10
_READ = 256 << 10  # of a file, where it must be read to be sent
_NO_SENDFILE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)  # the file system has no pages to share
_JOINED = 16 << 10  # over TLS, a body up to this size goes into one record with its head


class Broken(Exception):  # noqa: N818  # a signal between the modules of this package, which name the request
    """The exchange cannot go on. `closed` if the other side had closed the connection."""

    def __init__(self, message: str, *, closed: bool = False) -> None:
        super().__init__(message)
        self.closed = closed


class Link:
    """A connection, made by `dial`, to be used by one thread; only `shut` may be called by another."""

    __slots__ = ("_end", "_lock", "_plain", "_poll", "_sock", "_start", "_store", "_view", "heard", "patience", "proxy", "used")

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.proxy: Proxy | None = None  # set: requests must name the whole URL
        self.heard = False  # whether any byte of the answer came
        self.used = 0.0  # when the last exchange ended
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()
        self._plain = True
        self._store = bytearray(MOST)
        self._view = memoryview(self._store)
        self._start: int = 0
        self._end: int = 0

    def __del__(self) -> None:
        self.close()  # a thread that ends takes its idle connections along

    def dial(self, request: Request, halt: Halt) -> None:
        """Connect to where the request goes. Raise `StoreUnavailableError`, `StoreError`, `Halted`."""

        def hold(sock: socket.socket) -> None:
            self._sock = sock
            halt.check()

        dialed = dial(request, self.patience.connect, halt, hold)
        sock, window = dialed.sock, self.patience.window
        self._sock, self.proxy, self._plain = sock, dialed.proxy, request.scheme == "http"
        if self._plain:
            # Deadlines kept by the kernel: one system call moves a megabyte or ends, where a Python timeout asks before each.
            sock.settimeout(None)
            limit = struct.pack("ll", int(window), int(window % 1 * 1e6))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        else:
            sock.settimeout(window)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._start = self._end = 0

    @property
    def opened(self) -> bool:
        return self._sock is not None

    @property
    def buffered(self) -> bool:
        """Whether there are bytes that nobody asked for yet."""
        return self._start < self._end

    @property
    def answered(self) -> bool:
        return self._plain and self.readable(0)  # over TLS, what arrives may be a ticket and no answer

    def readable(self, seconds: float) -> bool:
        """Whether something arrives within that time; the end of the connection is something, too."""
        return bool(self._poll.poll(seconds * 1000))

    def shut(self) -> None:
        """Let whatever waits in this connection return at once. Any thread may call it."""
        with self._lock, contextlib.suppress(OSError):
            if self._sock:
                # Not the method of a TLS socket: it takes the keys away, and the reader would be handed what is encrypted.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Repeatable."""
        with self._lock:
            sock, self._sock = self._sock, None
            if sock:
                sock.close()

    # out

    def send(self, head: bytes, piece: Piece) -> None:
        """Send both. Raise `Broken`."""
        if not self._plain:
            if len(piece) <= _JOINED:
                head, piece = head + bytes(piece), b""
            self._push(memoryview(head))
            self._push(memoryview(piece))
            return
        began = time.monotonic()
        try:
            count = self._live.sendmsg((head, piece)) if piece else self._live.send(head)
        except OSError as error:
            raise self._broken(error) from error
        if count < len(head) + len(piece):
            self._moved(count, began)
            if count < len(head):
                self._push(memoryview(head)[count:])
            self._push(memoryview(piece)[max(count - len(head), 0) :])

    def _push(self, rest: memoryview) -> None:
        most = len(rest) if self._plain else LEAST  # TLS sends all of a piece or nothing: so each is due within a window
        while len(rest):
            began = time.monotonic()
            try:
                count = self._live.send(rest[:most])
            except OSError as error:
                raise self._broken(error) from error
            rest = rest[count:]
            if len(rest):
                self._moved(count, began)

    def send_file(self, source: int, start: int, stop: int) -> None:
        """Send [start, stop) of the open file, inside the kernel where the connection is plain. Raise `Broken`."""
        while start < stop and self._plain:
            began = time.monotonic()
            try:
                count = os.sendfile(self._live.fileno(), source, start, stop - start)
            except OSError as error:
                if error.errno in _NO_SENDFILE:
                    break
                raise self._broken(error) from error
            if not count:
                raise Broken("the file to be sent became shorter")
            start += count
            if start < stop:
                self._moved(count, began)
        buffer = memoryview(bytearray(min(stop - start, _READ)))
        while start < stop:
            count = os.preadv(source, [buffer[: stop - start]], start)
            if not count:
                raise Broken("the file to be sent became shorter")
            self._push(buffer[:count])
            start += count

    # in

    def head(self, method: str) -> Head:
        """The head of the answer; interim ones are passed over. Raise `Broken`, `MalformedError`."""
        deadline = time.monotonic() + self.patience.answer
        while True:
            end = self._store.find(b"\r\n\r\n", self._start, self._end) + 4
            if end < 4:
                self._more(deadline, f"no answer within {self.patience.answer:g} s")
                continue
            data = bytes(self._view[self._start : end])
            self._start = end
            head = read_head(data, method)
            if head.status >= 200:
                return head
            if head.status == 101:
                raise MalformedError("it switches to another protocol")

    def line(self) -> bytes:
        """The next line, with its end. Raise `Broken`, `MalformedError`."""
        deadline = time.monotonic() + self.patience.window
        while (end := self._store.find(b"\r\n", self._start, self._end) + 2) < 2:
            if self._end - self._start > _MOST_LINE:
                raise MalformedError("it has a line without end")
            self._more(deadline, "the connection stalled")
        found = bytes(self._view[self._start : end])
        self._start = end
        return found

    def fill(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes only if the connection ended. Raise `Broken`, also if it stalls."""
        done = min(len(view), self._end - self._start)
        if done:
            view[:done] = self._view[self._start : self._start + done]
            self._start += done
        sock, window, began, moved = self._live, self.patience.window, time.monotonic(), 0
        unseal: Callable[[int, memoryview], int] | None = getattr(sock, "read", None)  # only sockets of TLS have one
        # Over TLS this goes round for every record of 16 KiB: hence no calls but the two that it takes.
        while done < len(view):
            rest = view[done:]
            try:
                count = unseal(len(rest), rest) if unseal else sock.recv_into(rest, 0, socket.MSG_WAITALL)
            except OSError as error:
                raise self._broken(error) from error
            if not count:
                break
            done, moved, now = done + count, moved + count, time.monotonic()
            if moved >= LEAST:
                began, moved = now, 0
            elif now - began >= window * 0.99 and done < len(view):
                raise self._stalled()
        return done

    def _more(self, deadline: float, late: str) -> None:
        """Wait for more bytes, a window long at most."""
        if time.monotonic() >= deadline:
            raise Broken(late)
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == MOST:
            if not self._start:
                raise MalformedError(f"its head is longer than {MOST} bytes")
            rest = bytes(self._view[self._start : self._end])
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        try:
            count = self._live.recv_into(self._view[self._end :])
        except (BlockingIOError, TimeoutError):
            return
        except OSError as error:
            raise self._broken(error) from error
        if not count:
            raise Broken("the answer broke off" if self.heard else "the connection was closed before the answer", closed=True)
        self.heard = True
        self._end += count

    @property
    def _live(self) -> socket.socket:
        if self._sock is None:
            raise Broken("the connection is closed", closed=True)
        return self._sock

    def _moved(self, count: int, began: float) -> None:
        """A wait that ended early moved `count` bytes since `began`: enough, or not yet too long?"""
        if count < LEAST and time.monotonic() - began >= self.patience.window * 0.99:
            raise self._stalled()

    def _stalled(self) -> Broken:
        return Broken(f"the connection stalled: less than {LEAST >> 10} KiB moved in {self.patience.window:g} s")

    def _broken(self, error: OSError) -> Broken:
        if isinstance(error, BlockingIOError | TimeoutError):
            return self._stalled()
        return Broken(f"the connection broke: {error.strerror or error}", closed=True)
