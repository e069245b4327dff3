"""Sending when something goes wrong: healed, or an error that names it, and nothing half done."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from lading.errors import (
    AlreadyExistsError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.owner import Owner, this_process
from lading.testing.moves import send_tree
from lading.testing.trees import seeded
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore
from lading.transfer.plan import SendItem
from lading.transfer.progress import Meter
from lading.transfer.send import send

from .sendings import BUSY, CONTENTS, LARGE, SMALL, A, MakeEngine, made, objects, right


@pytest.mark.parametrize("after", [0, 1])
async def test_faults_of_writes_are_healed_and_nothing_is_counted_twice(
    tmp_path: Path, make_engine: MakeEngine, after: int
) -> None:
    items, store = made(tmp_path / "in", CONTENTS | SMALL), FaultyStore(MemoryStore())
    store.fail("write", BUSY, times=5, after=after)

    moved = await send_tree(make_engine(store, attempts=8), items)

    assert not store.unused
    assert len(await objects(store)) == len(items)
    assert moved.retries > 0
    assert moved[:4] == (305, sum(item.size for item in items), 0, 0)


@pytest.mark.parametrize("call", ["begin", "complete"])
async def test_faults_of_control_calls_are_healed_and_no_part_is_sent_twice(
    tmp_path: Path, make_engine: MakeEngine, call: str
) -> None:
    items, store = made(tmp_path / "in", {"large": CONTENTS["large"]}), FaultyStore(MemoryStore())
    traced = TracedStore(store)
    store.fail(call, BUSY, times=2)

    moved = await send_tree(make_engine(traced), items)

    assert not store.unused
    assert len(traced.keys("write")) == 2
    assert list((await objects(store)).values()) == [CONTENTS["large"]]
    assert moved[:4] == (1, LARGE, 0, 0)


async def test_faults_while_looking_at_what_is_there_are_healed(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, folder = made(tmp_path / "in", {"a": b"1", "b": b"2"}), FolderStore(tmp_path / "store")
    await send_tree(make_engine(folder), items)
    store = FaultyStore(folder)
    store.fail("head", BUSY, times=2)
    store.fail("read", BUSY)

    moved = await send_tree(make_engine(store, attempts=5), items)

    assert not store.unused
    assert moved[:4] == (2, 2, 2, 2)


@pytest.mark.parametrize("call", ["write", "begin", "complete"])
@pytest.mark.parametrize("error", [BUSY, StoreError("broken")])
async def test_faults_that_stay_are_raised_after_as_many_attempts_as_allowed(
    tmp_path: Path, make_engine: MakeEngine, call: str, error: StoreError
) -> None:
    items, store = made(tmp_path / "in", {"large": CONTENTS["large"]}), FaultyStore(MemoryStore())
    store.fail(call, error, times=100)

    with pytest.raises(type(error), match=str(error)):
        await send_tree(make_engine(store), items)

    met = 100 - len(store.unused)
    assert await objects(store) == {}
    assert met <= (6 if error is BUSY and call == "write" else 3 if error is BUSY else 2), "two parts, three attempts each"


async def test_an_abort_that_fails_does_not_hide_why_it_was_needed(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, store = made(tmp_path / "in", {"large": CONTENTS["large"]}), FaultyStore(MemoryStore())
    store.fail("write", StoreError("broken"))
    store.fail("abort", StoreError("denied"))

    with pytest.raises(StoreError, match="broken") as caught:
        await send_tree(make_engine(store), items)

    assert caught.value.__notes__ == ["nor could what was sent of it be removed: denied"]


async def test_an_abort_that_meets_a_busy_store_is_tried_again(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, memory = made(tmp_path / "in", {"large": CONTENTS["large"]}), MemoryStore()
    store = FaultyStore(memory)
    store.fail("write", StoreError("broken"))
    store.fail("abort", BUSY, times=2)

    with pytest.raises(StoreError, match="broken"):
        await send_tree(make_engine(store), items)

    assert memory.open_writes == 0


async def test_a_key_taken_while_parts_were_sent_is_reused_and_counted_once(tmp_path: Path, make_engine: MakeEngine) -> None:
    memory = MemoryStore()
    store = FaultyStore(memory)
    items = made(tmp_path / "in", {"large": CONTENTS["large"]})
    store.fail("complete", AlreadyExistsError(items[0].key, store.url))

    moved = await send_tree(make_engine(store), items)

    assert memory.open_writes == 0
    assert moved[:4] == (1, LARGE, 1, LARGE)


async def test_a_key_that_others_keep_writing_is_given_up(tmp_path: Path, make_engine: MakeEngine) -> None:
    """Always taken, and never there."""
    store = FaultyStore(FolderStore(tmp_path / "store"))
    items = made(tmp_path / "in", {"small": b"1"})
    store.fail("write", AlreadyExistsError(items[0].key, store.url), times=100)

    with pytest.raises(StoreUnavailableError, match="is written by somebody else at this moment"):
        await send_tree(make_engine(store), items)

    assert await objects(store) == {}


async def test_what_landed_raises_ends_the_sending(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, calls = made(tmp_path / "in", {"a": b"1", "large": CONTENTS["large"]}), list[int]()

    async def landed(items: Sequence[SendItem]) -> None:
        calls.append(len(items))
        raise BUSY

    with pytest.raises(StoreUnavailableError, match="busy"):
        await send(make_engine(MemoryStore()), items, A, meter=Meter(), landed=landed)

    assert len(calls) <= 2


async def test_only_what_is_missing_of_a_dead_writers_object_is_sent(tmp_path: Path, make_engine: MakeEngine) -> None:
    content = seeded(6 * LEAF_SIZE)
    items, store = made(tmp_path / "in", {"large": content}), FolderStore(tmp_path / "store")
    dead = tmp_path / "store" / "tmp" / f".lading-{items[0].key.rpartition('/')[2]}-{dead_owner()}-0"
    dead.parent.mkdir(parents=True)
    with dead.open("wb") as out:
        out.write(content[: 2 * LEAF_SIZE])
        out.seek(4 * LEAF_SIZE)
        out.write(bytes(2 * LEAF_SIZE))

    moved = await send_tree(make_engine(store), items)

    assert await objects(store) == {items[0].key: content}
    assert moved[:4] == (1, 6 * LEAF_SIZE, 0, 2 * LEAF_SIZE)


def dead_owner() -> str:
    here = this_process()
    return str(Owner(here.boot, here.namespace, 2**22 - 1, "1"))


@pytest.mark.parametrize("contents", [{"large": seeded(9 << 20)}, {f"{number}": seeded(1 << 20, number) for number in range(10)}])
async def test_a_full_store_is_named_and_keeps_nothing_half_done(
    tmp_path: Path, small_disk: Path, make_engine: MakeEngine, contents: dict[str, bytes]
) -> None:
    items, store = made(tmp_path / "in", contents), FolderStore(small_disk / "store")

    with pytest.raises(StoreFullError, match=f"{store.url} is full"):
        await send_tree(make_engine(store), items)

    stored = await objects(store)
    assert stored.items() <= right(items).items()
    assert len(stored) < len(items)


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 8, 12, 20, 35, 50])
async def test_a_cancellation_at_any_time_leaves_nothing_half_done(
    tmp_path: Path, make_engine: MakeEngine, delay: int, near: bool
) -> None:
    some = {name: SMALL[name] for name in list(SMALL)[:50]}
    items, folder = made(tmp_path / "in", {"large": CONTENTS["large"]} | some), FolderStore(tmp_path / "store")
    engine = make_engine(folder if near else SlowStore(folder, delay=0.001, rate=1e9))

    sending = asyncio.create_task(send_tree(engine, items))
    await asyncio.sleep(delay / 1000)
    sending.cancel()
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    assert (await objects(folder)).items() <= right(items).items()
    assert engine.statistics().budget.lent == 0
    await send_tree(engine, items)
    assert await objects(folder) == right(items)


async def test_parts_are_sent_side_by_side_and_each_once(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, store = made(tmp_path / "in", {"huge": seeded(9 * LEAF_SIZE)}), TracedStore(MemoryStore())

    await send_tree(make_engine(store), items)

    assert len(store.keys("write")) == 5
    assert [call.name for call in store.calls if call.name != "write"] == ["begin", "complete"]
