"""Reading at random: verified leaves, read ahead, in memory that nobody else needs."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.errors import DigestMismatchError, NotFoundError, StoreUnavailableError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.folder import FolderStore
from lading.store.jobs import ReadJob
from lading.store.memory import MemoryStore
from lading.store.store import Store, write_bytes
from lading.testing.moves import fetch_tree, put_tree
from lading.testing.trees import fetch_items, seeded
from lading.testing.wrappers import FaultyStore, SlowStore, StoreAround, TracedStore
from lading.transfer.budget import ByteBudget
from lading.transfer.content import StoredContent
from lading.transfer.engine import Engine
from lading.transfer.index import Index
from lading.transfer.plan import FetchItem
from lading.transfer.reading import Reader, reading
from lading.transfer.scheduler import Limits, Retry

MakeEngine = Callable[..., Engine]
B3 = Algorithm.BLAKE3
CONTENT = seeded(5 * LEAF_SIZE + 777)
WHOLE = {"large": CONTENT}
LEAVES = [(start, min(start + LEAF_SIZE, len(CONTENT))) for start in range(0, len(CONTENT), LEAF_SIZE)]


async def put(store: Store, contents: dict[str, bytes] = WHOLE) -> FetchItem:
    (item,) = fetch_items(contents)
    await put_tree(store, [item], contents)
    return item


@pytest.fixture
def tight() -> Iterator[Callable[..., Engine]]:
    """Makes engines with little memory, none of which is lent when the test ends."""
    engines = list[Engine]()

    def make(store: Store, leaves: int) -> Engine:
        engines.append(Engine(store, None, Limits(2, 2), Retry(attempts=3, base=0.0), ByteBudget(leaves * LEAF_SIZE)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
        assert engine.statistics().budget.lent == 0


@pytest.mark.parametrize("content", [b"", b"1", seeded(LEAF_SIZE), CONTENT])
async def test_any_range_of_any_size_is_read_from_any_store(store: Store, make_engine: MakeEngine, content: bytes) -> None:
    item, draw = await put(store, {"x": content}), random.Random(1)

    async with reading(StoredContent(make_engine(store), item, B3)) as reader:
        for _ in range(4):
            start, stop = sorted(draw.randrange(len(content) + 2) for _ in range(2))
            assert await reader.read(start, stop) == content[start:stop]
        assert await reader.read(0, len(content) + 5) == content


async def test_only_the_leaves_that_are_asked_for_are_fetched_and_each_once(far: TracedStore, make_engine: MakeEngine) -> None:
    item = await put(far)

    async with reading(StoredContent(make_engine(far), item, B3)) as reader:
        for start, stop in ((3 * LEAF_SIZE + 5, 3 * LEAF_SIZE + 9), (100, 200), (3 * LEAF_SIZE + 50, 3 * LEAF_SIZE + 60)):
            assert await reader.read(start, stop) == CONTENT[start:stop]

    assert far.ranges() == [LEAVES[3], LEAVES[0]]


async def test_what_is_read_in_order_is_read_ahead(far: TracedStore, make_engine: MakeEngine) -> None:
    item = await put(far)

    async with reading(StoredContent(make_engine(far), item, B3)) as reader:
        asked = list[int]()
        for start, stop in LEAVES[:3]:
            assert await reader.read(start, stop) == CONTENT[start:stop]
            async with asyncio.timeout(30):
                while len(far.ranges()) < 2 * len(asked) + 1:  # noqa: ASYNC110  # it is another thread that asks
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            asked.append(len(far.ranges()))

    assert asked == [1, 3, 5]
    assert far.ranges()[:5] == LEAVES[:5]


class PairedStore(StoreAround):
    """Delivers to two reads at the same time, or to none."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.barrier = threading.Barrier(2, timeout=30)

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        return PairedRead(job, self.barrier)


@dataclass(frozen=True, slots=True)
class PairedRead:
    inner: ReadJob
    barrier: threading.Barrier

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        self.barrier.wait()
        self.inner.read(buffer, each)


async def test_a_long_read_asks_for_several_leaves_at_the_same_time(make_engine: MakeEngine) -> None:
    store = MemoryStore()
    item = await put(store)

    async with reading(StoredContent(make_engine(PairedStore(store)), item, B3)) as reader:
        assert await reader.read(0, len(CONTENT)) == CONTENT


async def test_flipped_bits_are_fetched_again(make_engine: MakeEngine) -> None:
    store = FaultyStore(MemoryStore())
    item = await put(store)
    store.flip(times=2)

    async with reading(StoredContent(make_engine(store), item, B3)) as reader:
        assert await reader.read(LEAF_SIZE, LEAF_SIZE + 10) == CONTENT[LEAF_SIZE : LEAF_SIZE + 10]

    assert not store.unused


def damage(place: Path, content: bytes) -> None:
    place.unlink()
    place.write_bytes(content)


@pytest.mark.parametrize("kind", ["flipped", "short"])
async def test_a_damaged_leaf_is_named_and_the_others_are_read(tmp_path: Path, make_engine: MakeEngine, kind: str) -> None:
    store = FolderStore(tmp_path / "store")
    item = await put(store)
    damage(Path(store.path(item.key)), CONTENT[:-1] + (b"" if kind == "short" else bytes([CONTENT[-1] ^ 1])))

    async with reading(StoredContent(make_engine(SlowStore(store)), item, B3)) as reader:
        assert await reader.read(0, 10) == CONTENT[:10]
        with pytest.raises(DigestMismatchError, match="large") as caught:
            await reader.read(len(CONTENT) - 10, len(CONTENT))
        assert await reader.read(10, 20) == CONTENT[10:20]

    assert caught.value.expected == item.digest


async def test_an_object_that_is_gone_is_named(far: TracedStore, make_engine: MakeEngine) -> None:
    item = await put(far)
    await far.delete([item.key])

    async with reading(StoredContent(make_engine(far), item, B3)) as reader:
        with pytest.raises(NotFoundError) as caught:
            await reader.read(0, 1)

    assert caught.value.key == item.key


async def test_failed_reading_ahead_is_nobodys_error(make_engine: MakeEngine) -> None:
    store = FaultyStore(MemoryStore())
    item = await put(store)
    async with reading(StoredContent(make_engine(store, attempts=1), item, B3)) as reader:
        await reader.read(0, LEAF_SIZE)
        store.fail("read", StoreUnavailableError("busy"), times=2)
        with pytest.raises(StoreUnavailableError):
            await reader.read(LEAF_SIZE, LEAF_SIZE + 1)  # leaf 2 fails, too, ahead of time

        assert await reader.read(0, len(CONTENT)) == CONTENT


async def test_an_object_that_was_mended_meanwhile_is_read_on(make_engine: MakeEngine) -> None:
    store = MemoryStore()
    item = await put(store)
    async with reading(StoredContent(make_engine(store), item, B3)) as reader:
        await reader.read(0, 1)
        await store.delete([item.key])
        await write_bytes(store, item.key, CONTENT)

        assert await reader.read(4 * LEAF_SIZE, len(CONTENT)) == CONTENT[4 * LEAF_SIZE :]


async def test_an_object_that_was_replaced_by_another_is_refused(make_engine: MakeEngine) -> None:
    store = MemoryStore()
    item = await put(store)
    async with reading(StoredContent(make_engine(store), item, B3)) as reader:
        await reader.read(0, 1)
        store.create(item.key, bytes(len(CONTENT)), replace=True)

        with pytest.raises(DigestMismatchError):
            await reader.read(4 * LEAF_SIZE, len(CONTENT))


async def test_a_local_copy_is_read_instead_as_long_as_it_verifies(
    far: TracedStore, make_engine: MakeEngine, index: Index, out: Path
) -> None:
    item, engine = await put(far), make_engine(far, index=index)
    await fetch_tree(engine, [item], out)
    far.calls.clear()

    async with reading(StoredContent(engine, item, B3)) as reader:
        assert await reader.read(0, 10) == CONTENT[:10]
        copied = far.ranges()
        stamp = (out / "large").stat()
        with (out / "large").open("r+b") as file:  # unseen: the file is as old and as large as before
            file.seek(3 * LEAF_SIZE)
            file.write(b"\0\1\2\3")
        assert stamp.st_size == (out / "large").stat().st_size
        assert await reader.read(3 * LEAF_SIZE, 3 * LEAF_SIZE + 4) == CONTENT[3 * LEAF_SIZE : 3 * LEAF_SIZE + 4]

    assert copied == []
    assert far.ranges() == [LEAVES[3]]


async def test_with_little_memory_nothing_is_read_ahead_and_all_is_read(far: TracedStore, tight: Callable[..., Engine]) -> None:
    item = await put(far)

    async with reading(StoredContent(tight(far, 1), item, B3)) as reader:
        assert await reader.read(0, len(CONTENT)) == CONTENT

    assert far.ranges() == LEAVES


async def test_a_transfer_that_needs_the_memory_gets_it_and_reading_goes_on(
    far: TracedStore, tight: Callable[..., Engine]
) -> None:
    item, engine = await put(far), tight(far, 4)
    async with reading(StoredContent(engine, item, B3)) as reader:
        await reader.read(0, 2 * LEAF_SIZE)
        await asyncio.sleep(0.02)
        held = engine.statistics().budget.lent
        async with engine.budget.loan(4 * LEAF_SIZE):
            lent = engine.statistics().budget.lent
            again = await asyncio.wait_for(reader.read(LEAF_SIZE, 2 * LEAF_SIZE), 30)

        assert await reader.read(2 * LEAF_SIZE, len(CONTENT)) == CONTENT[2 * LEAF_SIZE :]

    assert held >= 2 * LEAF_SIZE
    assert lent == 4 * LEAF_SIZE
    assert again == CONTENT[LEAF_SIZE : 2 * LEAF_SIZE], "the leaf that was read last is at hand"


async def test_many_readers_hold_no_more_than_the_budget_and_a_leaf_each(far: TracedStore, tight: Callable[..., Engine]) -> None:
    item, engine = await put(far), tight(far, 3)
    readers = list[Reader]()
    async with asyncio.TaskGroup() as tasks:
        readers = [Reader(StoredContent(engine, item, B3), tasks) for _ in range(6)]
        found = await asyncio.gather(*(reader.read(0, 3 * LEAF_SIZE) for reader in readers))
        lent = engine.statistics().budget.lent
        for reader in readers:
            await reader.close()

    assert found == [CONTENT[: 3 * LEAF_SIZE]] * 6
    assert lent <= 3 * LEAF_SIZE


async def test_a_closed_reader_reads_nothing_any_more(make_engine: MakeEngine) -> None:
    slow = TracedStore(SlowStore(MemoryStore(), delay=0.03))
    item, engine = await put(slow), make_engine(slow)
    async with reading(StoredContent(engine, item, B3)) as reader:
        await reader.read(0, 2 * LEAF_SIZE)
        begun = len(slow.ranges())

    assert begun > 2
    assert engine.statistics().budget.lent == 0
    assert reader.held(1) is None


async def test_a_cancelled_read_leaves_nothing_and_the_next_one_works(make_engine: MakeEngine) -> None:
    slow = SlowStore(MemoryStore(), delay=0.03)
    item, engine = await put(slow), make_engine(slow)
    async with reading(StoredContent(engine, item, B3)) as reader:
        task = asyncio.create_task(reader.read(0, 3 * LEAF_SIZE))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await reader.read(5, 10) == CONTENT[5:10]


async def test_what_the_block_raises_comes_out_as_it_is(far: TracedStore, make_engine: MakeEngine) -> None:
    item = await put(far)

    async def read() -> None:
        async with reading(StoredContent(make_engine(far), item, B3)) as reader:
            await reader.read(0, 1)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await read()
