"""The engine: what it stores itself, and what it says of itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lading.errors import InvalidValueError, StoreUnavailableError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.store import Store, read_bytes, write_bytes
from lading.testing.moves import put_tree
from lading.testing.trees import fetch_items, seeded, send_items, write_tree
from lading.testing.wrappers import FaultyStore
from lading.transfer.budget import BudgetStatistics
from lading.transfer.check import is_whole
from lading.transfer.engine import Engine, EngineStatistics, local_limits
from lading.transfer.local import LocalFile
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits

MakeEngine = Callable[..., Engine]
A = Algorithm.BLAKE3


async def test_a_document_is_stored_and_an_equal_one_will_do(store: Store, make_engine: MakeEngine) -> None:
    engine = make_engine(store)

    await engine.put_document("manifests/e/1", b"text")
    await engine.put_document("manifests/e/1", b"text")

    assert await read_bytes(store, "manifests/e/1") == b"text"


async def test_a_document_that_a_crash_left_wrong_is_replaced(tmp_path: Path, make_engine: MakeEngine) -> None:
    store = FolderStore(tmp_path)
    await write_bytes(store, "manifests/e/1", b"")

    await make_engine(store).put_document("manifests/e/1", b"text")

    assert await read_bytes(store, "manifests/e/1") == b"text"


async def test_a_document_is_tried_again(make_engine: MakeEngine) -> None:
    store = FaultyStore(MemoryStore())
    store.fail("write", StoreUnavailableError("busy"), times=2)

    await make_engine(store).put_document("manifests/e/1", b"text")

    assert not store.unused
    assert await read_bytes(store, "manifests/e/1") == b"text"


async def test_files_that_do_not_hold_still_are_left_out(tmp_path: Path, make_engine: MakeEngine) -> None:
    write_tree(tmp_path, {"steady": b"1", "changed": b"2", "gone": b"3", "large": seeded(LEAF_SIZE + 1)})
    files: list[LocalFile] = [item.file for item in send_items(tmp_path)]
    (tmp_path / "changed").write_bytes(b"changed")
    (tmp_path / "gone").unlink()
    (tmp_path / "large").write_bytes(b"short")

    found = await make_engine(MemoryStore()).hash_steady(files, A, meter=Meter())

    assert list(found) == [str(tmp_path / "steady")]


def test_an_engine_says_what_it_has(make_engine: MakeEngine) -> None:
    assert make_engine(MemoryStore()).statistics() == EngineStatistics(4, Limits(2, 2), BudgetStatistics(64 << 20, 0, 0))


def test_limits_near_by_are_fixed_and_follow_what_was_asked_for(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    assert local_limits(3) == Limits(1, 3)
    assert Engine(store).statistics().limits == local_limits()
    assert Engine(store, concurrency=7).statistics().limits == Limits(1, 7)
    with pytest.raises(InvalidValueError):
        local_limits(-1)


def test_engines_for_one_endpoint_share_what_may_be_in_flight() -> None:
    store = MemoryStore()

    assert Engine(store).gates is Engine(store).gates
    assert Engine(store).gates is not Engine(MemoryStore()).gates
    assert Engine(store, concurrency=2).statistics().limits == Limits(1, 2)


@pytest.mark.parametrize("size", [0, 5, LEAF_SIZE + 5])
async def test_an_object_is_whole_or_not(store: Store, make_engine: MakeEngine, size: int) -> None:
    contents, engine = {"a": seeded(size)}, make_engine(store)
    (item,) = fetch_items(contents)
    missing = await is_whole(engine, item.key, size, item.leaves or item.digest, A)
    await put_tree(store, [item], contents)

    assert not missing
    assert await is_whole(engine, item.key, size, item.leaves or item.digest, A)
    assert not await is_whole(engine, item.key, size + 1, item.leaves or item.digest, A)
    assert not await is_whole(engine, item.key, size, "00" * 32, A)
