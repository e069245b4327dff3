"""Faults × operations × stores: the right bytes or a named error in time, nothing corrupt on disk, and nothing left over.

The tables are the documentation: what goes wrong, how often, and how it ends.
"""

import asyncio
import contextlib
import gc
import hashlib
import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lading.errors import (
    DigestMismatchError,
    LadingError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.gcs.components import subject_of
from lading.store.gcs.place import COMPONENTS
from lading.store.http.patience import Patience
from lading.store.journal import Journal
from lading.store.opening import open_store
from lading.store.s3.store import S3Store
from lading.testing.http_faults import (
    ALWAYS,
    Bye,
    Chunked,
    Cut,
    Drip,
    Fault,
    Flip,
    Header,
    Lost,
    Meanwhile,
    Raw,
    Short,
    Spoil,
    Stall,
    Status,
    Whole,
)
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
QUICK = Patience(connect=1.0, answer=0.3, window=0.2)
RETRY = Retry(attempts=3, unanswered=3, throttled=5, base=0.0, deadline=5.0)
DEADLINE = 4.0  # seconds, on a machine that is busy with other things, too
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
def cell_of(operation: Operation, kind: str, folder: Path) -> Generator[Cell]:
    """A cell whose threads and descriptors are all gone afterwards, those of servers and loops included."""
    descriptors, threads = _descriptors(), set(threading.enumerate())
    with SITES[kind]() as site, impatient(QUICK):
        yield Cell(operation, site, folder)
    gc.collect()  # what only an error's traceback still holds
    assert [thread.name for thread in set(threading.enumerate()) - threads] == []
    assert _descriptors() - descriptors == set()


def _descriptors() -> set[str]:
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{descriptor.name} {descriptor.readlink()}")
        except FileNotFoundError:
            continue  # the one that listed them
    return found


# What goes wrong, and how it ends.


class Right:
    """The right bytes."""


class NeverMet:
    """There is no such request there, or no way to see such a fault."""


Ends = type[Right] | type[NeverMet] | type[LadingError]
Make = Callable[[Cell], Fault]


@dataclass(frozen=True)
class Row:
    """`fault` befalls so many requests of the kind `call`, all but the first `skip`. It `ends` well, or by an error; `but` names
    the operations and sites where it ends otherwise. `known`: what was begun may stay behind, and is known."""

    what: str
    call: str
    fault: Fault | Make
    ends: Ends
    times: int = 1
    skip: int = 0
    but: Mapping[str, Ends] = field(default_factory=dict[str, Ends])
    known: bool = False

    def ending(self, operation: Operation, kind: str) -> Ends:
        names = (f"{operation.name}, {kind}", operation.name, kind)
        return next((self.but[name] for name in names if name in self.but), self.ends)


def whole(cell: Cell) -> Fault:
    return Whole(cell.operation.data)


def replaced(cell: Cell) -> Fault:
    return Meanwhile(lambda: cell.site.put(cell.operation.key, cell.operation.data[::-1]))


def expired(cell: Cell) -> Fault:
    return Meanwhile(cell.site.expire) if cell.site.kind != "http" else Status(403, body=b"the URL has expired")


DROPPED, LOST = Raw(b""), Lost()
STORM, STORM_FOR = Status(503), Status(503, (("Retry-After", "0"),))
STORM_TOO_LONG = Status(503, (("Retry-After", "600"),))
REFUSED_LATE = Status(200, body=b"<Error><Code>InternalError</Code></Error>")
TRICKLE = Drip(100, 0.02)
GIVES_UP, DIFFERS, CHANGED, DENIED = StoreUnavailableError, DigestMismatchError, ObjectChangedError, StoreDeniedError
ONE_REQUEST: Mapping[str, Ends] = {"fetch small": NeverMet, "send small": NeverMet, "copy up, http": NeverMet}

READING = [
    # what                                      call    fault                   ends      times
    Row("reset mid-body", "read", Cut(60_000, reset=True), Right),
    Row("reset mid-body, always", "read", Cut(60_000, reset=True), GIVES_UP, ALWAYS),
    Row("body cut off", "read", Cut(60_000), Right),
    Row("body cut off, always", "read", Cut(60_000), GIVES_UP, ALWAYS),
    Row("body and its length too short", "read", Short(), Right),
    Row("body and its length too short, always", "read", Short(), GIVES_UP, ALWAYS),
    Row("no Content-Range", "read", Header("Content-Range", None), Right),
    Row("no Content-Range, always", "read", Header("Content-Range", None), GIVES_UP, ALWAYS),
    Row("Content-Range of another object", "read", Header("Content-Range", "bytes 0-9/10"), StoreError),
    Row("Content-Range of other bytes", "read", Header("Content-Range", "bytes 1-9/*"), Right),
    Row("Content-Range of other bytes, always", "read", Header("Content-Range", "bytes 1-9/*"), GIVES_UP, ALWAYS),
    Row("200 for a range", "read", whole, StoreError, ALWAYS, but={"fetch small": Right}),  # all of it was asked for
    Row("replaced before the first byte", "read", replaced, CHANGED, but={"fetch small": DIFFERS}),  # asked for by name alone
    Row("replaced after the first part", "read", replaced, CHANGED, skip=1, but=ONE_REQUEST),
    Row("a bit flipped", "read", Flip(), Right, but={"copy down": DIFFERS}),  # one digest of all does not say where
    Row("a bit flipped, always", "read", Flip(), DIFFERS, ALWAYS),
    Row("slow", "read", Drip(1 << 20, 0.01), Right, ALWAYS),
    Row("a trickle", "read", TRICKLE, Right),
    Row("a trickle, always", "read", TRICKLE, GIVES_UP, ALWAYS),
    Row("stall before the answer", "read", Stall(-1), Right),
    Row("stall mid-body", "read", Stall(60_000), Right),
    Row("stall mid-body, always", "read", Stall(60_000), GIVES_UP, ALWAYS),
    Row("503", "read", STORM, Right, 3),
    Row("503 with Retry-After", "read", STORM_FOR, Right, 3),
    Row("503, always", "read", STORM, GIVES_UP, ALWAYS),
    Row("503 with a Retry-After beyond the deadline", "read", STORM_TOO_LONG, GIVES_UP, ALWAYS),
    Row("credentials or URL expire after the first part", "read", expired, DENIED, ALWAYS, 1, but=ONE_REQUEST),
    Row("connection closed after each answer", "read", Bye(), Right, ALWAYS),
    Row("in chunks", "read", Chunked(50_000), Right, ALWAYS),
    Row("no HTTP, always", "read", Raw(b"SSH-2.0-OpenSSH\r\n\r\n"), GIVES_UP, ALWAYS),
]

# A store behind plain HTTP takes no parts, and compares nothing with what was sent.
WRITING = [
    Row("connection dropped", "write", DROPPED, Right),
    Row("connection dropped, always", "write", DROPPED, GIVES_UP, ALWAYS),
    Row("answer lost", "write", LOST, Right),
    Row("answer lost, always", "write", LOST, GIVES_UP, ALWAYS),
    Row("refused before all was sent", "write", Status(503, early=True), Right),
    Row("a bit flipped", "write", Spoil(), Right, but={"http": NeverMet}),
    Row("a bit flipped, always", "write", Spoil(), DIFFERS, ALWAYS, but={"http": NeverMet}),
    Row("stall before the answer", "write", Stall(-1), Right),
    Row("stall before the answer, always", "write", Stall(-1), GIVES_UP, ALWAYS),
    Row("503", "write", STORM, Right, 3),
    Row("503 with Retry-After", "write", STORM_FOR, Right, 3),
    Row("503, always", "write", STORM, GIVES_UP, ALWAYS),
    Row("503 with a Retry-After beyond the deadline", "write", STORM_TOO_LONG, GIVES_UP, ALWAYS),
    Row("credentials expire after the first part", "write", expired, DENIED, ALWAYS, 1, but=ONE_REQUEST, known=True),
    Row("connection closed after each answer", "write", Bye(), Right, ALWAYS),
    Row("answer to the beginning lost", "begin", LOST, Right, known=True),
    Row("503 at the beginning", "begin", STORM, Right, 3),
    Row("503 at the beginning, always", "begin", STORM, GIVES_UP, ALWAYS),
    Row("completion dropped", "finish", DROPPED, Right),
    Row("completion dropped, always", "finish", DROPPED, GIVES_UP, ALWAYS),
    Row("completion's answer lost", "finish", LOST, Right),
    Row("completion's answer lost, always", "finish", LOST, Right, ALWAYS),
    Row("completion answers 200 with an error", "finish", REFUSED_LATE, Right),
    Row("completion answers 200 with an error, always", "finish", REFUSED_LATE, GIVES_UP, ALWAYS),
    Row("completion stalls", "finish", Stall(-1), Right),
    Row("503 at the completion", "finish", STORM, Right, 3),
    Row("503 at the completion, always", "finish", STORM, GIVES_UP, ALWAYS),
]


def _cells(rows: Sequence[Row], operations: Sequence[Operation]) -> list[Any]:
    return [
        pytest.param(row, operation, kind, id=f"{row.what}-{operation.name}-{kind}")
        for row in rows
        for operation in operations
        for kind in SITES
        if row.ending(operation, kind) is not NeverMet and _has(row, operation, kind)
    ]


def _has(row: Row, operation: Operation, kind: str) -> bool:
    """Only a multipart upload of S3 has a beginning, and only what is written in parts has a completion. How a copy fails in the
    end is shown with one store: it is the jobs that differ, and the engine has them all."""
    if (kind == "http" and operation is SEND_LARGE) or (operation.copied and row.times == ALWAYS and kind != "s3"):
        return False
    if row.call == "begin":
        return kind == "s3" and operation is not SEND_SMALL
    return row.call != "finish" or (kind != "http" and operation is not SEND_SMALL)


@pytest.mark.parametrize(("row", "operation", "kind"), [*_cells(READING, DOWN), *_cells(WRITING, UP)])
def test_it_ends_as_the_table_says(row: Row, operation: Operation, kind: str, tmp_path: Path, aws: None) -> None:
    with cell_of(operation, kind, tmp_path) as cell:
        fault = row.fault(cell) if callable(row.fault) else row.fault
        call = ("put" if operation is SEND_SMALL else "part") if row.call == "write" else row.call
        cell.site.fail(call, fault, times=row.times, skip=row.skip)

        outcome = outcome_of(cell)

        ends = row.ending(operation, kind)
        assert outcome.kind is ends, outcome
        assert outcome.seconds < DEADLINE
        assert ends is Right or (outcome.names(cell) and outcome.remedy), outcome
        assert bool(cell.site.front.unused) is (row.times == ALWAYS)  # it was met: of what never ends, some is left then
        assert cell.has_arrived or (ends is not Right and cell.intact == [])
        assert cell.leftovers(known=row.known) == []


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
    """Run the cell."""
    began = time.monotonic()
    try:
        asyncio.run(cell.run())
    except LadingError as error:
        traceback.clear_frames(error.__traceback__)  # which hold connections as long as somebody holds the error
        return Outcome(type(error), time.monotonic() - began, error.message, error.hint)
    return Outcome(Right, time.monotonic() - began)


def test_a_store_of_plain_http_says_that_it_takes_no_parts(tmp_path: Path) -> None:
    with cell_of(SEND_LARGE, "http", tmp_path) as cell:
        outcome = outcome_of(cell)

        assert outcome.kind is StoreError
        assert "takes no objects in parts" in outcome.message
        assert "s3://" in (outcome.remedy or "")
        assert (cell.intact, cell.leftovers()) == ([], [])


@pytest.mark.parametrize("operation", [FETCH_LARGE, SEND_LARGE, SEND_SMALL, COPY_DOWN, COPY_UP], ids=lambda each: each.name)
@pytest.mark.parametrize("skew", [-3000.0, 3000.0])
def test_a_clock_that_is_wrong_is_no_obstacle(operation: Operation, skew: float, tmp_path: Path, aws: None) -> None:
    with cell_of(operation, "s3", tmp_path) as cell:
        cell.site.skew(skew)

        outcome = outcome_of(cell)

        assert outcome.kind is Right
        assert (cell.has_arrived, cell.leftovers()) == (True, [])


def test_a_signed_url_that_expires_between_two_parts_is_named(tmp_path: Path, aws: None) -> None:
    with cell_of(COPY_DOWN, "s3", tmp_path) as cell:
        store = open_store(cell.site.url)
        assert isinstance(store, S3Store)
        url = asyncio.run(store.presign("e/file", expires=600))
        cell.site.fail("read", Meanwhile(lambda: cell.site.skew(700.0)), times=ALWAYS, skip=2)

        outcome = outcome_of(replace(cell, source=url, folder=tmp_path / "signed"))

        assert outcome.kind is StoreDeniedError
        assert "expired" in (outcome.remedy or "")
        assert url.rpartition("=")[2] not in outcome.message  # the signature
        assert (cell.intact, cell.leftovers()) == ([], [])


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("operations", [DOWN, UP], ids=["down", "up"])
def test_cancelled_at_any_moment_it_ends_within_a_second(
    operations: Sequence[Operation], seed: int, tmp_path: Path, aws: None
) -> None:
    chance = random.Random(seed)
    operation, kind = chance.choice(operations), chance.choice([*SITES])
    with cell_of(operation, kind, tmp_path) as cell:
        slow = (Meanwhile(lambda: time.sleep(0.03)), Drip(1 << 20, 0.02), Stall(chance.choice((-1, 0, 50_000))))
        for method in ("GET", "PUT", "POST"):
            cell.site.front.fail(chance.choice(slow), method=method, skip=chance.randrange(3), times=ALWAYS)

        ended = asyncio.run(_cancelled(cell, chance.uniform(0.0, 0.25)))

        assert ended < 1.0
        assert cell.has_arrived or cell.intact == []
        assert cell.leftovers(known=True) == []


async def _cancelled(cell: Cell, after: float) -> float:
    """Returns the seconds from the cancellation to the end."""
    task = asyncio.create_task(cell.run())
    await asyncio.wait([task], timeout=after)
    began = time.monotonic()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, LadingError):
        await task
    return time.monotonic() - began


@pytest.fixture(autouse=True, scope="module")
def quick_collections() -> Iterator[None]:
    """Each cell collects garbage; what was there before it is left out of that."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one pair of AWS keys, that has learned nothing yet of any server."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("SHARED_CREDENTIALS_FILE", "CONFIG_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})
