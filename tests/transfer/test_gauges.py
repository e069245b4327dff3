"""Where the time of a transfer goes, as its lanes count it."""

import time
from collections.abc import Callable
from pathlib import Path

from lading.errors import StoreUnavailableError
from lading.manifest.digest import Algorithm
from lading.store.memory import MemoryStore
from lading.testing.moves import put_tree
from lading.testing.trees import fetch_items, seeded
from lading.testing.wrappers import FaultyStore, SlowStore
from lading.transfer.budget import ByteBudget
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.gauges import Gauges, Stopwatch
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits, Retry

A = Algorithm.BLAKE3


def test_a_stopwatch_divides_all_of_the_time() -> None:
    began = time.perf_counter()
    watch = Stopwatch()
    begun = time.perf_counter()
    time.sleep(0.01)
    before = watch.turn("disk")
    time.sleep(0.02)
    watch.turn("store")
    ending = time.perf_counter()
    seconds = watch.read()
    ended = time.perf_counter()

    assert before == "store"
    assert seconds["disk"] >= 0.02
    assert ending - begun <= seconds["disk"] + seconds["store"] <= ended - began
    assert seconds["worked"] < 0.01


def test_gauges_add_up_and_are_compared() -> None:
    a, b = Gauges(store=3.0, cpu=1.0), Gauges(store=1.0, disk=2.0)

    assert a + b == Gauges(store=4.0, cpu=1.0, disk=2.0)
    assert (a + b).since(a) == b


async def test_time_at_a_slow_store_is_the_store_s(tmp_path: Path, make_engine: Callable[..., Engine]) -> None:
    contents, store = {"small": seeded(1000), "large": seeded(9 << 20)}, MemoryStore()
    await put_tree(store, fetch_items(contents), contents)
    meter = Meter()

    await fetch(make_engine(SlowStore(store, delay=0.04)), fetch_items(contents), str(tmp_path / "out"), A, meter=meter)
    gauges = meter.statistics().gauges

    assert gauges.store >= 0.08
    assert gauges.disk > 0
    assert gauges.cpu > 0


async def test_waiting_to_try_again_and_for_memory_is_counted(tmp_path: Path) -> None:
    contents, memory = {"a": seeded(9 << 20), "b": seeded(9 << 20, 1)}, MemoryStore()
    await put_tree(memory, fetch_items(contents), contents)
    store = FaultyStore(SlowStore(memory, delay=0.02))
    store.fail("read", StoreUnavailableError("503", throttled=True, retry_after=0.02))
    engine, meter = Engine(store, None, Limits(1, 2), Retry(base=0.0), ByteBudget(1 << 20)), Meter()

    await fetch(engine, fetch_items(contents), str(tmp_path / "out"), A, meter=meter)
    engine.close()
    gauges = meter.statistics().gauges

    assert gauges.throttled >= 0.02
    assert gauges.memory >= 0.01
