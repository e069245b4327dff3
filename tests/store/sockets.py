"""Sockets as tests see them: which are open, one that nobody answers, and how soon a wait for one is given up."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

from lading.store.halt import Halt, Halted, halting

AT_ONCE = 5.0  # seconds: a machine may stand still for a moment, and whoever is not told waits for twice as long at least


def open_sockets() -> set[str]:
    found = set[str]()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(path.readlink()))
    return {name for name in found if name.startswith("socket:")}


@contextlib.contextmanager
def deaf() -> Generator[int]:
    """A port where connecting neither succeeds nor fails: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def given_up(work: Callable[[], object], waiting: Callable[[], bool]) -> float:
    """How long it takes `work` to return after it is told to, once it is `waiting`. It must say that it was halted."""
    halt, outcome = Halt(), list[BaseException]()

    def run() -> None:
        with halting(halt):
            try:
                work()
            except BaseException as error:
                outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not waiting():
        time.sleep(0.005)
    time.sleep(0.03)
    began = time.monotonic()
    halt.ask()
    thread.join()
    assert [type(error) for error in outcome] == [Halted]
    return time.monotonic() - began
