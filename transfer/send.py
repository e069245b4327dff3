"""Sending: local files become objects, hashed again as they go."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from ..errors import LadingError
from ..manifest.digest import Algorithm
from .ahead import Ahead
from .batches import BatchCount, amount, batches, most_of
from .driver import Partly, Spent, drive
from .engine import Engine
from .lanes import PIECE
from .plan import SendItem, is_large
from .progress import Meter
from .send_large import send_large
from .send_small import send_small
from .taken import TRIES, contended, is_right
from .trace import traced

Landed = Callable[[Sequence[SendItem]], Awaitable[None]]
_Work = list[SendItem] | SendItem


async def send(
    engine: Engine,
    items: Sequence[SendItem],
    algorithm: Algorithm,
    *,
    meter: Meter,
    landed: Landed,
    ahead: Ahead | None = None,
) -> None:
    """Make an object of each file. `landed` is awaited for every few that lie in the store, not yet flushed; what it raises
    ends the sending. What went `ahead` to the engine's store is there already.

    What lies under a key already is trusted if the store is durable, else read and, if it is wrong, replaced. Raise
    `FileChangedError` if a file is not what its digest says; then nothing of it is in the store.
    """

    count = BatchCount(near=engine.store.near)

    async def execute(work: _Work) -> float:
        if isinstance(work, SendItem):
            await large(work)
            return 0.0
        async with engine.memory(PIECE, meter):
            return await small(work)

    async def large(item: SendItem) -> None:
        try:
            await send_large(engine, item, algorithm, meter, ahead)
            await landed([item])
        except LadingError as error:
            raise Spent(error) from error

    async def small(items: list[SendItem]) -> float:
        began = time.monotonic()
        try:
            left = await _send_batch(engine, items, algorithm, meter, landed)
        except LadingError as error:
            raise Spent(error) from error
        if left:
            failed = {item.key for item, _ in left}
            moved = most_of((item.size for item in items if item.key not in failed), failed=len(failed))
            raise Partly([item for item, _ in left], left[0][1], amount=moved)
        count.took(len(items), time.monotonic() - began)
        return amount(item.size for item in items)

    few = [item for item in items if not is_large(item.size)]
    batched: Iterator[_Work] = batches(few, lambda item: item.size, count=lambda: count.now)
    single: Iterator[_Work] = (item for item in items if is_large(item.size))
    async with engine.helped(len(few)):
        with traced("lading.send", engine.store.url, meter, near=engine.store.near):
            await drive(execute, small=batched, bulk=single, limits=engine.gates.opening(), retry=engine.retry, meter=meter)


async def _send_batch(
    engine: Engine, items: list[SendItem], algorithm: Algorithm, meter: Meter, landed: Landed
) -> list[tuple[SendItem, LadingError]]:
    """Returns what is to be tried again, and why."""
    left: list[tuple[SendItem, LadingError]] = []
    for _ in range(TRIES):
        sent = await engine.lanes.run_by_hand(send_small, engine.store, items, algorithm, meter=meter)
        right = [item for item in sent.taken if await is_right(engine, item, algorithm, meter)]
        size, reused = sum(item.size for item in sent.made), sum(item.size for item in right)
        meter.add(files_done=len(sent.made) + len(right), files_reused=len(right), bytes_done=size + reused, bytes_reused=reused)
        if done := sent.made + right:
            await landed(done)
        left += sent.failed
        items = [item for item in sent.taken if item not in right]  # what was there is removed
        if not items:
            return left
    return left + [(item, contended(engine.store, item.key)) for item in items]
