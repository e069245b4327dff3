"""A bandwidth that is kept to: in virtual time, and by real transfers."""

import threading
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError
from lading.manifest.digest import Algorithm
from lading.store.folder import FolderStore
from lading.store.halt import Halt, Halted, halting
from lading.store.http.connection import close_idle
from lading.store.memory import MemoryStore
from lading.store.s3.store import open_s3
from lading.store.store import PART_SIZE
from lading.testing.buckets import run_task
from lading.testing.moves import put_tree, send_tree
from lading.testing.s3_server import Meanwhile, S3Server
from lading.testing.store_contract import StoreContract
from lading.testing.trees import fetch_items, seeded, send_items, write_tree
from lading.transfer.budget import ByteBudget
from lading.transfer.copier import Copier
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.pace import AHEAD, Pace, PacedStore
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits
from lading.transfer.send import send

A = Algorithm.BLAKE3


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0.0, 0.5)), min_size=1, max_size=200))
def test_no_second_sees_more_than_a_second_s_worth(asked: list[tuple[int, float]]) -> None:
    """Each asks for a piece some time after the one before was granted."""
    pace, now, granted = Pace(1e6), 0.0, list[tuple[float, int]]()
    for count, later in asked:
        now += later
        now = max(now, pace.slot(count, now))
        granted.append((now, count))

    for index, (began, _) in enumerate(granted):
        within = sum(count for at, count in granted[index + 1 :] if at < began + 1.0)
        assert within <= 1e6 * (1.0 + AHEAD) + 1


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="bytes per second"):
        Pace(0)


def test_work_that_is_given_up_does_not_wait_for_its_time() -> None:
    halt, pace = Halt(), Pace(1.0)
    timer = threading.Timer(0.01, halt.ask)
    timer.start()
    began = time.monotonic()

    with halting(halt), pytest.raises(Halted):
        pace.pay(1000)

    timer.join()
    assert time.monotonic() - began < 20  # of a thousand seconds


class TestPacedStore(StoreContract):
    @pytest.fixture
    def store(self) -> PacedStore:
        return PacedStore(MemoryStore(), Pace(1e12))


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("up", [True, False])
async def test_it_holds_within_a_twentieth_over_a_second(tmp_path: Path, up: bool, small: bool) -> None:
    rate = 24_000_003 + 2 * up + small  # a pace of its own for each
    contents = {str(each): seeded(40_000, each) for each in range(600)} if small else {"a": seeded(24_000_000)}
    size = sum(map(len, contents.values()))
    store = MemoryStore()
    engine, meter = Engine(store, limits=Limits(3, 3), budget=ByteBudget(64 << 20), max_bandwidth=rate), Meter()
    write_tree(tmp_path / "in", contents)
    items = send_items(tmp_path / "in")
    if not up:
        await put_tree(store, fetch_items(contents), contents)

    async def landed(_: object) -> None:
        """Nobody waits for it."""

    began = time.monotonic()
    if up:
        await send(engine, items, A, meter=meter, landed=landed)
    else:
        await fetch(engine, fetch_items(contents), str(tmp_path / "out"), A, meter=meter)
    seconds = time.monotonic() - began
    engine.close()

    assert size / seconds <= rate * 1.05
    assert meter.statistics().gauges.pace > 0.1


@pytest.mark.parametrize("by", ["send", "copy"])
async def test_a_part_that_s3_sees_whole_before_it_is_sent_is_what_it_should_be_and_is_borrowed_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    write_tree(tmp_path, {"a": (large := seeded(3 * PART_SIZE))})
    lent, budget, rate = list[int](), ByteBudget(40 << 20), 2_000_000_000
    with S3Server() as s3:
        s3.fail("part", *[Meanwhile(lambda: lent.append(budget.statistics().lent))] * 3)
        if by == "send":
            engine = Engine(open_s3(f"s3://bucket?endpoint={s3.url}&anonymous=1"), budget=budget, max_bandwidth=rate)
            await send_tree(engine, send_items(tmp_path))
            engine.close()
        else:
            options = {"endpoint": s3.url, "anonymous": "1"}
            async with aclosing(Copier(max_bandwidth=rate, budget=budget, options=options)) as copier:
                await run_task(copier, tmp_path / "a", "s3://bucket/a")
        close_idle()

    assert [made.data for made in s3.bucket.objects.values()] == [large]
    assert all(PART_SIZE <= bytes <= 40 << 20 for bytes in lent)
    assert len(lent) == 3


async def test_a_store_on_this_machine_is_not_held_back(tmp_path: Path) -> None:
    engine = Engine(FolderStore(tmp_path), max_bandwidth=1)

    assert isinstance(engine.store, FolderStore)
