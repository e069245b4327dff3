"""Moving trees in tests: send them, fetch them, and get what was counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..manifest.digest import Algorithm
from ..store.store import Store, write_bytes
from ..transfer.ahead import Ahead
from ..transfer.engine import Engine
from ..transfer.fetch import fetch
from ..transfer.plan import FetchItem, SendItem
from ..transfer.progress import Meter
from ..transfer.send import send


class Moved(NamedTuple):
    """What a meter counted: all of it done, part of it reused."""

    files: int
    bytes: int
    files_reused: int = 0
    bytes_reused: int = 0
    retries: int = 0


def _moved(meter: Meter) -> Moved:
    counts = meter.statistics()
    return Moved(counts.files_done, counts.bytes_done, counts.files_reused, counts.bytes_reused, counts.retries)


async def put_tree(store: Store, items: Sequence[FetchItem], contents: Mapping[str, bytes]) -> None:
    """Make the objects of these items, without the engine."""
    for key, path in {item.key: item.path for item in items}.items():
        await write_bytes(store, key, contents[path])


async def send_tree(
    engine: Engine, items: Sequence[SendItem], algorithm: Algorithm = Algorithm.BLAKE3, *, ahead: Ahead | None = None
) -> Moved:
    """Send, and check that each item landed once."""
    keys, meter = list[str](), Meter()

    async def landed(items: Sequence[SendItem]) -> None:
        assert items
        keys.extend(item.key for item in items)

    await send(engine, items, algorithm, meter=meter, landed=landed, ahead=ahead)
    assert sorted(keys) == sorted(item.key for item in items)
    return _moved(meter)


async def fetch_tree(
    engine: Engine, items: Sequence[FetchItem], root: Path, algorithm: Algorithm = Algorithm.BLAKE3, *, rehash: bool = False
) -> Moved:
    """Fetch the items below `root`."""
    meter = Meter()
    await fetch(engine, items, str(root), algorithm, meter=meter, rehash=rehash)
    return _moved(meter)
