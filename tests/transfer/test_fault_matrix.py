"""Faults × operations × stores: the right bytes or a named error in time, nothing corrupt on disk, and nothing left over.

The tables are the documentation: what goes wrong, how often, and how it ends.
"""

import asyncio
import contextlib
import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lading.errors import (
    DigestMismatchError,
    LadingError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from lading.store.http.patience import Patience
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

from .cells import (
    BRISK,
    CALM,
    COPY_DOWN,
    COPY_UP,
    DEADLINE,
    DOWN,
    FETCH_LARGE,
    QUICK,
    SEND_LARGE,
    SEND_SMALL,
    SITES,
    UP,
    Cell,
    Ends,
    NeverMet,
    Operation,
    Right,
    cell_of,
    outcome_of,
)

# What goes wrong, and how it ends.


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

    @property
    def patience(self) -> Patience:
        if not isinstance(self.fault, Stall | Drip):
            return CALM
        return BRISK if self.ends is Right else QUICK


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
def test_it_ends_as_the_table_says(row: Row, operation: Operation, kind: str, tmp_path: Path, aws: Path) -> None:
    with cell_of(operation, kind, tmp_path, row.patience) as cell:
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


def test_a_store_of_plain_http_says_that_it_takes_no_parts(tmp_path: Path) -> None:
    with cell_of(SEND_LARGE, "http", tmp_path) as cell:
        outcome = outcome_of(cell)

        assert outcome.kind is StoreError
        assert "takes no objects in parts" in outcome.message
        assert "s3://" in (outcome.remedy or "")
        assert (cell.intact, cell.leftovers()) == ([], [])


@pytest.mark.parametrize("operation", [FETCH_LARGE, SEND_LARGE, SEND_SMALL, COPY_DOWN, COPY_UP], ids=lambda each: each.name)
@pytest.mark.parametrize("skew", [-3000.0, 3000.0])
def test_a_clock_that_is_wrong_is_no_obstacle(operation: Operation, skew: float, tmp_path: Path, aws: Path) -> None:
    with cell_of(operation, "s3", tmp_path) as cell:
        cell.site.skew(skew)

        outcome = outcome_of(cell)

        assert outcome.kind is Right
        assert (cell.has_arrived, cell.leftovers()) == (True, [])


def test_a_signed_url_that_expires_between_two_parts_is_named(tmp_path: Path, aws: Path) -> None:
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
    operations: Sequence[Operation], seed: int, tmp_path: Path, aws: Path
) -> None:
    # A disk may be slow once, and keeps a lane for as long; whoever does not hear of the end does not hear of it at any time.
    assert any(_turns(operations, random.Random(seed), tmp_path / again) < 1.0 / TURN for again in "abc")


def _turns(operations: Sequence[Operation], chance: random.Random, folder: Path) -> int:
    """How many it takes to give up what is under way, which leaves nothing half done."""
    operation, kind = chance.choice(operations), chance.choice([*SITES])
    with cell_of(operation, kind, folder) as cell:
        slow = (Meanwhile(lambda: time.sleep(0.03)), Drip(1 << 20, 0.02), Stall(chance.choice((-1, 0, 50_000))))
        for method in ("GET", "PUT", "POST"):
            cell.site.front.fail(chance.choice(slow), method=method, skip=chance.randrange(3), times=ALWAYS)

        ending = asyncio.run(_cancelled(cell, chance.uniform(0.0, 0.25)))
        cell.site.front.close()  # what was still on its way has happened there now, or never will

        assert ending.seconds < DEADLINE
        assert cell.has_arrived or cell.intact == []
        assert cell.leftovers(known=True) == []
        return ending.turns


TURN = 0.01  # seconds


class Ending(NamedTuple):
    """How long it took to give up: by the clock, and in turns of the loop. A machine that has other things to do has fewer turns
    in a second, and is late with all of them; a wait that should not be has its turns on any machine."""

    seconds: float
    turns: int


async def _cancelled(cell: Cell, after: float) -> Ending:
    task = asyncio.create_task(cell.run())
    await asyncio.wait([task], timeout=after)
    began, turns = time.monotonic(), 0
    task.cancel()
    while not task.done():
        await asyncio.wait([task], timeout=TURN)
        turns += 1
    with contextlib.suppress(asyncio.CancelledError, LadingError):
        task.result()
    return Ending(time.monotonic() - began, turns)


@pytest.fixture(autouse=True, scope="module")
def quick_collections() -> Iterator[None]:
    """Each cell collects garbage; what was there before it is left out of that."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
