"""Who writes a temporary file: a name that tells later whether its writer is certainly gone."""

import functools
import itertools
import os
from enum import Enum
from pathlib import Path

from msgspec import Struct

PREFIX = ".lading-"
_numbers = itertools.count()


class Owner(Struct, frozen=True):
    """A process on a boot of a machine, in a pid namespace. Unknown parts are empty, and then nothing is certain."""

    boot: str
    namespace: str
    pid: int
    started: str  # clock ticks since boot; tells a process from a later one of the same pid

    def __str__(self) -> str:
        return f"{self.boot}.{self.namespace}.{self.pid}.{self.started}"

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        parts = text.split(".")
        if len(parts) != 4 or not parts[2].isdigit():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])


def this_process() -> Owner:
    return _owner_of(os.getpid())


@functools.lru_cache(maxsize=4)  # keyed by pid: a forked child is an owner of its own
def _owner_of(pid: int) -> Owner:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").replace("-", "")[:16]
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return Owner("", "", pid, "")
    return Owner(boot, namespace, pid, _started(pid) or "")


def _started(pid: int) -> str | None:
    """The start time of a living process; None if there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


class Fate(Enum):
    """What is known of an owner from here."""

    GONE = "gone"
    ALIVE = "alive"
    UNKNOWN = "unknown"  # another machine, container or boot


def fate_of(owner: Owner) -> Fate:
    """GONE and ALIVE are certain: they are said only of processes of this boot and this pid namespace."""
    here = this_process()
    if not here.boot or not here.started or (owner.boot, owner.namespace) != (here.boot, here.namespace):
        return Fate.UNKNOWN
    return Fate.ALIVE if _started(owner.pid) == owner.started else Fate.GONE


def temporary_name(subject: str) -> str:
    """A file name of this process alone: `.lading-<subject>-<owner>-<number>`."""
    return f"{PREFIX}{subject}-{_text_of(os.getpid())}-{next(_numbers)}"


@functools.lru_cache(maxsize=4)
def _text_of(pid: int) -> str:
    return str(_owner_of(pid))


def parse_temporary(name: str) -> tuple[str, Owner] | None:
    """(subject, owner) of a name that `temporary_name` made; None for any other."""
    if not name.startswith(PREFIX):
        return None
    parts = name.removeprefix(PREFIX).rsplit("-", 2)
    owner = Owner.parse(parts[1]) if len(parts) == 3 else None
    return (parts[0], owner) if owner else None


def scratch_name() -> str:
    """A name of this process alone, with which others may begin: `<16 hex>-<owner>`."""
    return f"{os.urandom(8).hex()}-{_text_of(os.getpid())}"


def parse_scratch(name: str) -> Owner | None:
    """The owner of a name that begins as `scratch_name` made it; None for any other."""
    token, _, rest = name.partition("-")
    return Owner.parse(rest.partition("-")[0]) if len(token) == 16 else None
