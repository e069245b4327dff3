"""Work that can be given to another process, to see where it is done and how it ends."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from ..store.halt import Halt


def whereabouts(halt: Halt) -> int:
    """The process that does it."""
    del halt
    return os.getpid()


def fail(error: Exception, halt: Halt) -> None:
    del halt
    raise error


def touch(path: str, halt: Halt) -> int:
    """Make a file; as `whereabouts`."""
    Path(path).touch()
    return whereabouts(halt)


def unspeakable(halt: Halt) -> Callable[[], int]:
    """What no other process can be told."""
    del halt
    return lambda: os.getpid()


def die(owner: int, halt: Halt) -> int:
    """End the process that does it, unless that is the owner: then as `whereabouts`."""
    if os.getpid() != owner:
        os._exit(1)
    return whereabouts(halt)


def wait(started: str, ended: str, halt: Halt) -> None:
    """Write the file `started`, wait to be halted, and write the file `ended`."""
    Path(started).touch()
    while not halt.asked:
        time.sleep(0.001)
    Path(ended).touch()


def never_return(started: str, halt: Halt) -> None:
    """Do not listen."""
    del halt
    Path(started).touch()
    time.sleep(600)
