"""A hand: a process that does what a lane would, one piece of work after another.

It ends with its owner, however that ends: it listens at a socket whose other end is closed then. What it is told and what it
answers is pickled; nobody else has that socket.
"""

import contextlib
import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from ..store.halt import Halt, halting
from .gauges import restarted

PATIENCE = 0.5  # seconds that one which was told to end has for it
_READY = b"!"
_LENGTH = 8  # bytes before each message that say how long it is


class HandLostError(Exception):
    """The process ended before it answered: nobody knows how much of the work it did."""


class Outcome(NamedTuple):
    """What work returned, and the seconds that it spent on what."""

    value: Any
    spent: dict[str, float]


def possible() -> bool:
    """Whether another process like this one can be started: not by a program that only contains Python."""
    return os.path.basename(sys.executable or "").startswith(("python", "pypy")) and not getattr(sys, "frozen", False)


class Hand:
    """One such process, for one lane at a time."""

    def __init__(self, *modules: str) -> None:
        """It will have loaded these modules when it is ready. Returns before that. Raise OSError."""
        self._ready = False
        self._line, theirs = socket.socketpair()
        with theirs:
            for end in (self._line, theirs):
                end.settimeout(None)  # whatever the program has set for its own
            number, places = theirs.fileno(), [str(place) for place in sys.path]
            program = f"import sys; sys.path[:] = {places!r}; from {__name__} import serve; serve({number}, {modules!r})"
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(number,),
                    process_group=0,  # Ctrl-C is for its owner, who tells it
                )
            except BaseException:
                self._line.close()
                raise

    def is_ready(self) -> bool:
        """Whether it has started, or has ended already: it answers at once then. Asked by one thread at a time."""
        if not self._ready:
            try:
                self._line.recv(len(_READY), socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:  # it has ended
                pass
            self._ready = True
        return self._ready

    def do(self, work: Callable[..., Any], args: tuple[Any, ...], halt: Halt) -> Outcome | None:
        """What came of `work(*args, halt)`, where `work` is a function that can be imported; None if that was an error, or any of
        it cannot be told to another process. Raise `HandLostError`, and `Halted` if this lane's work was given up meanwhile: then
        it is of no use."""
        errand = _packed((work, args))
        if not errand:
            return None
        with halt.closing(self.stop):
            try:
                _send(self._line, errand)
                answer = _receive(self._line)
            except (EOFError, OSError) as lost:
                raise HandLostError from lost
            halt.check()  # it was told to end, then, though it had answered
        try:
            return Outcome(*pickle.loads(answer)) if answer else None
        except Exception:  # there are many ways not to be understood
            return None

    def stop(self) -> None:
        """Let it give up what it does, and end; who waits for its answer waits no longer. Any thread may say so."""
        with contextlib.suppress(OSError):  # it has ended
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """It has ended when this returns."""
        self.stop()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._line.close()

    def abandon(self) -> None:
        """Let go of it without a word, in a forked child: it is the parent's."""
        self._process.returncode = 0  # nobody waits for it here
        self._line.close()


def serve(descriptor: int, modules: Sequence[str]) -> None:
    """Be a hand, until nobody is at the other end of the socket."""
    for name in modules:
        import_module(name)
    line, errands, halt = socket.socket(fileno=descriptor), queue.SimpleQueue[bytearray | None](), Halt()
    line.set_inheritable(False)
    worker = threading.Thread(target=_answer, args=(line, errands, halt), daemon=True)
    worker.start()
    with contextlib.suppress(EOFError, OSError):
        line.sendall(_READY)
        while True:
            errands.put(_receive(line))
    halt.ask()
    errands.put(None)
    worker.join(PATIENCE)
    os._exit(0)  # there is nothing to tidy up


def _answer(line: socket.socket, errands: "queue.SimpleQueue[bytearray | None]", halt: Halt) -> None:
    with halting(halt), contextlib.suppress(OSError):
        while (errand := errands.get()) is not None:
            _send(line, _done(errand, halt))


def _done(errand: bytearray, halt: Halt) -> bytes:
    """Empty if it raised an error: whoever asked does it again, and has it at first hand."""
    watch = restarted()
    try:
        work, args = pickle.loads(errand)
        return _packed((work(*args, halt), watch.read()))
    except Exception:
        return b""


def _packed(thing: object) -> bytes:
    """Empty if it cannot be pickled."""
    try:
        return pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    except Exception:  # there are many ways to refuse
        return b""


# Plain sockets, no buffers: those have locks, which a process that is forked at the wrong moment would inherit for ever.


def _send(line: socket.socket, message: bytes) -> None:
    line.sendall(len(message).to_bytes(_LENGTH, "big"))
    line.sendall(message)


def _receive(line: socket.socket) -> bytearray:
    """Raise EOFError if the other end is closed."""
    return _exactly(line, int.from_bytes(_exactly(line, _LENGTH), "big"))


def _exactly(line: socket.socket, size: int) -> bytearray:
    found = bytearray(size)
    view = memoryview(found)
    while len(view):
        count = line.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return found
