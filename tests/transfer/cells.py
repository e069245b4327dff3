"""Cells of the fault matrix: one operation at one site, and what it holds afterwards."""

import asyncio
import gc
import hashlib
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from lading.errors import LadingError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.gcs.components import subject_of
from lading.store.gcs.place import COMPONENTS
from lading.store.http.patience import Patience
from lading.store.journal import Journal
from lading.store.opening import open_store
from lading.testing.sites import Site, gcs_site, http_site, impatient, s3_site
from lading.testing.trees import fetch_items, read_tree, seeded, send_items
from lading.transfer.budget import ByteBudget
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Retry
from lading.transfer.send import send

LARGE = seeded(2 * LEAF_SIZE + 100_000)  # two parts
SMALL = LARGE[:100_000]
A = Algorithm.BLAKE3
QUICK = Patience(answer=0.3, window=0.2)  # where waiting is in vain
BRISK = Patience(answer=1.0, window=0.5)  # where the next answer comes, from a machine that is busy with other things, too
CALM = Patience(answer=30.0, window=30.0)  # where nobody has to wait
RETRY = Retry(attempts=3, unanswered=3, throttled=5, base=0.0, deadline=30.0)
DEADLINE = 20.0  # seconds: far less than where somebody waits who should not
SITES: dict[str, Callable[[], AbstractContextManager[Site]]] = {"http": http_site, "s3": s3_site, "gcs": gcs_site}


# The operations: each moves one file called `file` between a folder and a site, by the engine or by a copier.


@dataclass(frozen=True)
class Operation:
    name: str
    data: bytes
    up: bool
    copied: bool = False  # by a copier, with the digest of the whole; else by the engine, with the digests of leaves

    @property
    def key(self) -> str:
        return "e/file" if self.copied else fetch_items({"file": self.data})[0].key


FETCH_LARGE = Operation("fetch large", LARGE, up=False)
FETCH_SMALL = Operation("fetch small", SMALL, up=False)
COPY_DOWN = Operation("copy down", LARGE, up=False, copied=True)
SEND_LARGE = Operation("send large", LARGE, up=True)
SEND_SMALL = Operation("send small", SMALL, up=True)
COPY_UP = Operation("copy up", LARGE, up=True, copied=True)
DOWN, UP = (FETCH_LARGE, FETCH_SMALL, COPY_DOWN), (SEND_LARGE, SEND_SMALL, COPY_UP)


@dataclass
class Cell:
    """One operation at one site, with a folder; what it holds afterwards is asked by `leftovers`."""

    operation: Operation
    site: Site
    folder: Path
    budget: ByteBudget = field(default_factory=lambda: ByteBudget(64 << 20))
    engines: list[Engine] = field(default_factory=list[Engine])
    source: str = ""  # of a copy down, if it is another address than the site's

    def __post_init__(self) -> None:
        self.disk.mkdir(parents=True)
        if self.operation.up:
            (self.disk / "file").write_bytes(self.operation.data)
        else:
            self.site.put(self.operation.key, self.operation.data)

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "journal")

    async def run(self) -> None:
        await (self._copy() if self.operation.copied else self._move())

    async def _move(self) -> None:
        engine = Engine(open_store(self.site.url, journal=self.journal), retry=RETRY, budget=self.budget)
        self.engines.append(engine)

        async def landed(_: object) -> None:
            """Nobody waits for it."""

        try:
            if self.operation.up:
                await send(engine, send_items(self.disk), A, meter=Meter(), landed=landed)
            else:
                await fetch(engine, fetch_items({"file": self.operation.data}), str(self.disk), A, meter=Meter())
        finally:
            engine.close()

    async def _copy(self) -> None:
        copier = Copier(options=self.site.options, journal=self.journal.folder, budget=self.budget, retry=RETRY)
        ends = str(self.disk / "file"), self.site.address(self.operation.key)
        source, destination = ends if self.operation.up else reversed(ends)
        source = self.source or source
        digest = f"sha256:{hashlib.sha256(self.operation.data).hexdigest()}"
        async with aclosing(copier):
            try:
                await copier.run(Task(source=source, destination=destination, digest=digest))
            finally:
                self.engines.extend(copier._engines.values())  # pyright: ignore[reportPrivateUsage]

    @property
    def has_arrived(self) -> bool:
        """Whether the right bytes lie where they should, and nothing beside them but what is known to be half made."""
        there = self.site.held() if self.operation.up else read_tree(self.disk)
        name = self.operation.key if self.operation.up else "file"
        return there.get(name) == self.operation.data and self.intact == [name]

    @property
    def intact(self) -> list[str]:
        """What lies there as if it were whole, temporary files among it."""
        there = self.site.held() if self.operation.up else read_tree(self.disk)
        return [name for name in there if COMPONENTS not in name.split("/")]

    def leftovers(self, *, known: bool = False) -> list[str]:
        """What is lent, taken, waiting or begun; with `known` not what was begun and is known to be."""
        loans = self.budget.statistics()
        found = ["loan"] * (loans.lent + loans.waiting)
        for engine in self.engines:
            for gate in (engine.gates.small.statistics(), engine.gates.bulk.statistics()):
                found += [f"slot of {gate}"] * (gate.in_flight + gate.waiting)
        notes = [*Path(self.journal.folder).glob("*"), *Path(self.journal.folder).glob(".*")]
        parts = [name for name in self.site.held() if COMPONENTS in name.split("/")]
        if known:
            return found + ["unknown upload"] * (self.site.open_uploads() - len(notes))
        return found + ["open upload"] * self.site.open_uploads() + ["note"] * len(notes) + parts


@contextmanager
def cell_of(operation: Operation, kind: str, folder: Path, patience: Patience = CALM) -> Generator[Cell]:
    """A cell whose threads and descriptors are all gone afterwards, those of servers and loops included."""
    descriptors, threads = _descriptors(), set(threading.enumerate())
    with SITES[kind]() as site, impatient(patience):
        yield Cell(operation, site, folder)
    gc.collect()  # what only an error's traceback still holds
    left = [thread.name for thread in set(threading.enumerate()) - threads], _descriptors() - descriptors
    assert left == ([], set()), left


def _descriptors() -> set[str]:
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{descriptor.name} {descriptor.readlink()}")
        except FileNotFoundError:
            continue  # the one that listed them
    return found


class Right:
    """The right bytes."""


class NeverMet:
    """There is no such request there, or no way to see such a fault."""


Ends = type[Right] | type[NeverMet] | type[LadingError]


@dataclass(frozen=True)
class Outcome:
    kind: Ends
    seconds: float
    message: str = ""
    remedy: str | None = None

    def names(self, cell: Cell) -> bool:
        """Whether the message says which object, or which file, it is about."""
        key = cell.operation.key
        short = subject_of(key), subject_of(f"p/{key}")  # as components of Google's bear it
        names = key, quote(key, safe=""), *short, "for file"
        return any(name in self.message for name in names)


def outcome_of(cell: Cell) -> Outcome:
    """Run the cell. When this returns, what was on its way to the site has happened there, or never will."""
    began = time.monotonic()
    try:
        asyncio.run(cell.run())
    except LadingError as error:
        traceback.clear_frames(error.__traceback__)  # which hold connections as long as somebody holds the error
        return Outcome(type(error), time.monotonic() - began, error.message, error.hint)
    finally:
        cell.site.front.close()
    return Outcome(Right, time.monotonic() - began)
