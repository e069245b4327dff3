"""Fetching when something goes wrong: an error that names it, and nothing half done."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.errors import (
    DigestMismatchError,
    DiskFullError,
    LocalFileError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.store import Store
from lading.testing.moves import fetch_tree, put_tree
from lading.testing.trees import fetch_items, read_tree, seeded, write_tree
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore
from lading.transfer.engine import Engine
from lading.transfer.plan import FetchItem

LARGE = 2 * LEAF_SIZE + 12345
CONTENTS = {"a/leaf": seeded(LEAF_SIZE), "a/one": b"1", "b/c/large": seeded(LARGE), "empty": b"", "z": seeded(5000, 1)}
SIZE = sum(map(len, CONTENTS.values()))
MakeEngine = Callable[..., Engine]
BUSY = StoreUnavailableError("busy")


async def test_flipped_bits_are_fetched_again_and_nothing_is_counted_twice(out: Path, make_engine: MakeEngine) -> None:
    items, store = fetch_items(CONTENTS), FaultyStore(MemoryStore())
    await put_tree(store, items, CONTENTS)
    store.flip(times=4)

    moved = await fetch_tree(make_engine(store, attempts=6), items, out)

    assert not store.unused
    assert read_tree(out) == CONTENTS
    assert moved[:4] == (5, SIZE, 0, 0)
    assert moved.retries > 0


async def test_only_the_bad_leaf_is_fetched_again(out: Path, make_engine: MakeEngine) -> None:
    contents = {"large": seeded(4 * LEAF_SIZE)}
    items, faulty = fetch_items(contents), FaultyStore(MemoryStore())
    await put_tree(faulty, items, contents)
    traced = TracedStore(faulty)
    faulty.flip()

    moved = await fetch_tree(make_engine(traced), items, out)

    assert read_tree(out) == contents
    assert sorted(traced.ranges()) in (
        [(0, LEAF_SIZE), (0, 2 * LEAF_SIZE), (2 * LEAF_SIZE, 4 * LEAF_SIZE)],
        [(0, 2 * LEAF_SIZE), (2 * LEAF_SIZE, 3 * LEAF_SIZE), (2 * LEAF_SIZE, 4 * LEAF_SIZE)],
    )
    assert moved[:4] == (1, 4 * LEAF_SIZE, 0, 0)


@pytest.mark.parametrize("after", [0, 1])
async def test_faults_of_reads_are_healed(out: Path, make_engine: MakeEngine, after: int) -> None:
    items, store = fetch_items(CONTENTS), FaultyStore(MemoryStore())
    await put_tree(store, items, CONTENTS)
    store.fail("read", BUSY, times=4, after=after)

    moved = await fetch_tree(make_engine(store, attempts=6), items, out)

    assert read_tree(out) == CONTENTS
    assert moved[:4] == (5, SIZE, 0, 0)


@pytest.mark.parametrize("path", ["z", "b/c/large"])
async def test_faults_that_stay_are_raised_after_as_many_attempts_as_allowed(
    out: Path, make_engine: MakeEngine, path: str
) -> None:
    contents = {path: CONTENTS[path]}
    items, store = fetch_items(contents), FaultyStore(MemoryStore())
    await put_tree(store, items, contents)
    store.fail("read", BUSY, times=100)

    with pytest.raises(StoreUnavailableError, match="busy"):
        await fetch_tree(make_engine(store), items, out)

    assert read_tree(out) == {}
    assert 100 - len(store.unused) <= 6, "two parts, three attempts each"


def damage(store: FolderStore, item: FetchItem, content: bytes) -> None:
    path = Path(store.path(item.key))
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("path", ["z", "b/c/large"])
@pytest.mark.parametrize("kind", ["flipped", "short", "empty"])
@pytest.mark.parametrize("old", [b"what was there", None])
async def test_a_damaged_object_is_named_and_the_old_file_stays(
    tmp_path: Path, out: Path, make_engine: MakeEngine, near: bool, path: str, kind: str, old: bytes | None
) -> None:
    items, folder = fetch_items(CONTENTS), FolderStore(tmp_path / "store")
    await put_tree(folder, items, CONTENTS)
    (item,) = (item for item in items if item.path == path)
    content = CONTENTS[path]
    damage(folder, item, {"flipped": content[:-1] + bytes([content[-1] ^ 1]), "short": content[:-1], "empty": b""}[kind])
    if old:
        write_tree(out, {path: old})

    with pytest.raises(DigestMismatchError, match=path) as caught:
        await fetch_tree(make_engine(folder if near else SlowStore(folder)), items, out)

    assert caught.value.expected == item.digest
    found = read_tree(out)
    assert found.pop(path, None) == old
    assert found.items() <= CONTENTS.items()


@pytest.mark.parametrize("path", ["z", "b/c/large"])
async def test_a_missing_object_is_named(store: Store, out: Path, make_engine: MakeEngine, path: str) -> None:
    items = fetch_items({path: CONTENTS[path]})

    with pytest.raises(NotFoundError, match=items[0].key):
        await fetch_tree(make_engine(store), items, out)

    assert read_tree(out) == {}


@pytest.mark.parametrize("far", [True, False])
@pytest.mark.parametrize("contents", [{"large": seeded(9 << 20)}, {f"{number}": seeded(1 << 20, number) for number in range(10)}])
async def test_a_full_disk_is_named_and_keeps_nothing_half_done(
    tmp_path: Path, small_disk: Path, make_engine: MakeEngine, contents: dict[str, bytes], far: bool
) -> None:
    items, folder = fetch_items(contents), FolderStore(tmp_path / "store")
    await put_tree(folder, items, contents)

    with pytest.raises(DiskFullError, match=rf"{small_disk}/out/\w+: the disk is full"):
        await fetch_tree(make_engine(SlowStore(folder) if far else folder), items, small_disk / "out")

    assert read_tree(small_disk / "out").items() <= contents.items()


@pytest.mark.parametrize("path", ["z", "b/c/large"])
async def test_a_place_that_may_not_be_written_is_named(nobody: Path, make_engine: MakeEngine, path: str) -> None:
    items, store = fetch_items({path: CONTENTS[path]}), MemoryStore()
    await put_tree(store, items, CONTENTS)
    place = (nobody / path).parent
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o555)

    with pytest.raises(LocalFileError, match=f"{nobody}/{path}: Permission denied\n  hint: check its owner"):
        await fetch_tree(make_engine(store), items, nobody)

    place.chmod(0o755)
    assert read_tree(nobody) == {}


async def test_a_root_that_may_not_be_read_is_named(nobody: Path, make_engine: MakeEngine) -> None:
    (nobody / "a").mkdir(mode=0)

    with pytest.raises(LocalFileError, match=f"{nobody}/a/leaf: Permission denied"):
        await fetch_tree(make_engine(MemoryStore()), fetch_items(CONTENTS), nobody)

    (nobody / "a").chmod(0o755)


async def test_two_fetches_into_one_place_do_not_disturb_each_other(store: Store, out: Path, make_engine: MakeEngine) -> None:
    contents = CONTENTS | {f"s/{number}": seeded(1000, number) for number in range(200)}
    items = fetch_items(contents)
    await put_tree(store, items, contents)
    engines = [make_engine(store) for _ in range(4)]

    async def late(engine: Engine, number: int) -> None:
        await asyncio.sleep(number / 200)
        await fetch_tree(engine, items, out)

    await asyncio.gather(*(late(engine, number) for number, engine in enumerate(engines)))

    assert read_tree(out) == contents


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 8, 12, 20, 35, 50])
async def test_a_cancellation_at_any_time_leaves_whole_files_only(
    tmp_path: Path, out: Path, make_engine: MakeEngine, delay: int, near: bool
) -> None:
    contents = CONTENTS | {f"s/{number}": seeded(1000, number) for number in range(50)}
    items, folder = fetch_items(contents), FolderStore(tmp_path / "store")
    await put_tree(folder, items, contents)
    engine = make_engine(folder if near else SlowStore(folder, delay=0.001, rate=1e9))

    fetching = asyncio.create_task(fetch_tree(engine, items, out))
    await asyncio.sleep(delay / 1000)
    fetching.cancel()
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)

    assert read_tree(out).items() <= contents.items()
    assert engine.statistics().budget.lent == 0
    await fetch_tree(engine, items, out)
    assert read_tree(out) == contents


async def test_an_error_of_the_store_is_not_taken_for_one_of_the_disk(out: Path, make_engine: MakeEngine) -> None:
    items, store = fetch_items(CONTENTS), FaultyStore(MemoryStore())
    await put_tree(store, items, CONTENTS)
    store.fail("read", StoreError("the bucket burns"))

    with pytest.raises(StoreError, match="the bucket burns"):
        await fetch_tree(make_engine(store), items, out)
