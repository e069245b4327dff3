"""Fetching: objects become local files, every leaf verified as it lands."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import DigestMismatchError, LadingError, StoreError
from ..manifest.digest import Algorithm
from ..store.posix import sync_below
from .batches import BatchCount, amount, batches, most_of
from .destination import Destination
from .driver import Partly, Spent, drive
from .engine import Engine
from .fetch_large import fetch_large
from .fetch_small import fetch_small
from .lanes import PIECE
from .local import Stamp, local_errors
from .placing import DAMAGED
from .plan import FetchItem, first_of_each, is_large
from .progress import Meter
from .trace import traced

_Work = list[FetchItem] | FetchItem


@dataclass(slots=True)
class _Fetch:
    engine: Engine
    destination: Destination
    algorithm: Algorithm
    meter: Meter
    arrived: list[tuple[FetchItem, Stamp]] = field(default_factory=list[tuple[FetchItem, Stamp]])

    def count(self, items: list[FetchItem]) -> None:
        """These files are in place."""
        copied = [item for item in items if item.copy is not None]
        size, reused = sum(item.size for item in items), sum(item.size for item in copied)
        self.meter.add(files_done=len(items), bytes_done=size, files_reused=len(copied), bytes_reused=reused)


async def fetch(
    engine: Engine, items: Sequence[FetchItem], root: str, algorithm: Algorithm, *, meter: Meter, rehash: bool = False
) -> None:
    """Make the file of each item (sorted by path) below `root`; other files stay. A file that is right already is kept.

    When this returns, every file has been verified and survives a power cut. If it raises, each file is what it was before
    or what it should be. Raise `DigestMismatchError` for an object that stays wrong, `NotFoundError`, `LocalFileError`,
    `DiskFullError`, `ManifestError` for a path that leads out of `root`.
    """
    with traced("lading.fetch", engine.store.url, meter, near=engine.store.near):
        await _fetch(_Fetch(engine, Destination(root), algorithm, meter), items, rehash)


async def _fetch(state: _Fetch, items: Sequence[FetchItem], rehash: bool) -> None:
    engine = state.engine
    await engine.lanes.run(lambda halt: state.destination.make())
    kept, missing = await _keep(state, items, rehash)
    if engine.store.near:
        await _run(state, missing)
    else:
        places = {item.digest: state.destination.path(item) for item in kept}
        first, again = first_of_each(await _with_copies(state, missing, places))
        await _run(state, first)
        places = {item.digest: state.destination.path(item) for item in first}
        await _run(state, [item.copied_from(places[item.digest]) for item in again])
    await engine.lanes.run(lambda halt: _settle(state))


async def _keep(state: _Fetch, items: Sequence[FetchItem], rehash: bool) -> tuple[list[FetchItem], list[FetchItem]]:
    """The items whose file is there already, counted as reused; and the others."""
    lanes, destination = state.engine.lanes, state.destination
    survey = await lanes.run(lambda halt: destination.survey(items))
    # Another process may be fetching the same here: a file that changes under our eyes is not there yet.
    found = await state.engine.hash_steady(list(survey.candidates.values()), state.algorithm, rehash=rehash, meter=state.meter)
    kept: list[FetchItem] = []
    missing: list[FetchItem] = []
    for item in items:
        hashed = found.get(destination.path(item)) if item.path in survey.candidates else None
        (kept if hashed and hashed.digest == item.digest else missing).append(item)
    unfit = [item for item in kept if item.executable != survey.candidates[item.path].executable]
    if unfit:
        await lanes.run(lambda halt: destination.set_executable(unfit))
    size = sum(item.size for item in kept)
    state.meter.add(files_done=len(kept), files_reused=len(kept), bytes_done=size, bytes_reused=size)
    return kept, missing


async def _with_copies(state: _Fetch, items: list[FetchItem], places: dict[str, str]) -> list[FetchItem]:
    """The items, each with a local file of the same content where `places` (by digest) or the index knows one."""
    index, copies = state.engine.index, places
    if index and items:
        digests = sorted({item.digest for item in items} - places.keys())
        copies = places | await state.engine.lanes.run(lambda halt: index.copies(digests, state.algorithm))
    return [item.copied_from(copies[item.digest]) if item.digest in copies else item for item in items]


async def _run(state: _Fetch, items: Sequence[FetchItem]) -> None:
    engine, count = state.engine, BatchCount(near=state.engine.store.near)

    async def execute(work: _Work) -> float:
        if isinstance(work, FetchItem):
            await large(work)
            return 0.0
        async with engine.memory(PIECE, state.meter):
            return await small(work)

    async def large(item: FetchItem) -> None:
        try:
            state.arrived.append((item, await fetch_large(engine, item, state.destination, state.algorithm, state.meter)))
        except LadingError as error:
            raise Spent(await judged(engine, item, error)) from error

    async def small(items: list[FetchItem]) -> float:
        began = time.monotonic()
        landed = await engine.lanes.run_by_hand(
            fetch_small, engine.store, items, state.destination, state.algorithm, meter=state.meter
        )
        count.took(len(landed.arrived), time.monotonic() - began)
        state.count([item for item, _ in landed.arrived])
        state.arrived.extend(landed.arrived)
        for item, error in landed.failed:
            if not error.retryable:
                raise Spent(await judged(engine, item, error)) from error
        if landed.failed:
            moved = most_of((item.size for item, _ in landed.arrived if item.copy is None), failed=len(landed.failed))
            raise Partly([item for item, _ in landed.failed], landed.failed[0][1], amount=moved)
        return amount(item.size for item, _ in landed.arrived if item.copy is None)

    few = [item for item in items if not is_large(item.size)]
    batched: Iterator[_Work] = batches(few, lambda item: item.size, count=lambda: count.now)
    single: Iterator[_Work] = (item for item in items if is_large(item.size))
    async with engine.helped(len(few)):
        await drive(execute, small=batched, bulk=single, limits=engine.gates.opening(), retry=engine.retry, meter=state.meter)


async def judged(engine: Engine, item: FetchItem, error: LadingError) -> LadingError:
    """The error, or what is behind it: an object that is too short is as damaged as one with other bytes."""
    if type(error) is StoreError:
        with contextlib.suppress(StoreError):
            size = (await engine.store.head(item.key)).size
            if size < item.size:
                actual = f"an object of only {size} bytes"
                return DigestMismatchError(item.path, expected=item.digest, actual=actual, hint=DAMAGED)
    return error


def _settle(state: _Fetch) -> None:
    """Make what arrived durable, and only then tell the index."""
    root = state.destination.root
    if not state.arrived:
        return
    with local_errors(root):
        sync_below(root, [state.destination.path(item) for item, _ in state.arrived])
    if state.engine.index:
        rows = ((state.destination.path(item), stamp, item.hashed) for item, stamp in state.arrived)
        state.engine.index.remember(rows, state.algorithm)
