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
from io import BufferedRWPair
from typing import Any, NamedTuple

from ..store.halt import Halt, halting
from .gauges import restarted

PATIENCE = 0.5  # seconds that one which was told to end has for it
_READY = b"!"
_Task = tuple[Callable[..., Any], tuple[Any, ...]]


class HandLostError(Exception):
    """The process ended before it answered: nobody knows how much of the work it did."""


def possible() -> bool:
    """Whether another process like this one can be started: not by a program that only contains Python."""
    return os.path.basename(sys.executable or "").startswith(("python", "pypy")) and not getattr(sys, "frozen", False)


def packed(work: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    """An errand for a hand: `work(*args, halt)`, where `work` is a function that can be imported. Raise as pickle does for what
    cannot leave this process."""
    return pickle.dumps((work, args), pickle.HIGHEST_PROTOCOL)


class Hand:
    """One such process, for one lane at a time."""

    def __init__(self, *modules: str) -> None:
        """It will have loaded these modules when it is ready. Returns before that. Raise OSError."""
        self._ready = False
        self._line, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({number}, {modules!r})"
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
        self._stream = self._line.makefile("rwb")

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

    def do(self, errand: bytes, halt: Halt) -> "Outcome":
        """What came of what `packed` made. Raise `HandLostError`, and `Halted` if this lane's work was given up meanwhile: then
        it is of no use any more."""
        with halt.closing(self.stop):
            try:
                self._stream.write(errand)
                self._stream.flush()
                return Outcome(*pickle.load(self._stream))
            except (EOFError, OSError, ValueError, pickle.UnpicklingError) as lost:
                raise HandLostError from lost

    def stop(self) -> None:
        """Let it give up what it does, and end. Any thread may say so."""
        with contextlib.suppress(OSError):  # it has ended
            self._line.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """It has ended when this returns."""
        self.stop()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.abandon()

    def abandon(self) -> None:
        """Let go of it without a word: it is another process's, or has ended."""
        with contextlib.suppress(OSError):  # what was not sent to it
            self._stream.close()
        self._line.close()


class Outcome(NamedTuple):
    """What work returned, or raised, and the seconds that it spent on what."""

    value: Any
    error: BaseException | None
    spent: dict[str, float]


def serve(descriptor: int, modules: Sequence[str]) -> None:
    """Be a hand, until nobody is at the other end of the socket."""
    for name in modules:
        import_module(name)
    tasks, halt = queue.SimpleQueue["_Task | None"](), Halt()
    line = socket.socket(fileno=descriptor)
    line.sendall(_READY)
    stream = line.makefile("rwb")
    worker = threading.Thread(target=_answer, args=(tasks, stream, halt), daemon=True)
    worker.start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.put(pickle.load(stream))
    halt.ask()
    tasks.put(None)
    worker.join()
    os._exit(0)  # there is nothing to tidy up


def _answer(tasks: "queue.SimpleQueue[_Task | None]", stream: BufferedRWPair, halt: Halt) -> None:
    with halting(halt), contextlib.suppress(OSError):
        while (task := tasks.get()) is not None:
            stream.write(pickle.dumps(_done(*task, halt), pickle.HIGHEST_PROTOCOL))
            stream.flush()


def _done(work: Callable[..., Any], args: tuple[Any, ...], halt: Halt) -> tuple[object, ...]:
    watch = restarted()
    try:
        return work(*args, halt), None, watch.read()
    except BaseException as error:
        return None, error, watch.read()
