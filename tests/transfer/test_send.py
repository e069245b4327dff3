"""Sending: right bytes or an error, and nothing half done."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.errors import (
    FileChangedError,
    LocalFileError,
)
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.store import Store
from lading.testing.moves import send_tree
from lading.testing.wrappers import TracedStore
from lading.transfer.local import local_file

from .sendings import CONTENTS, LARGE, SMALL, MakeEngine, made, objects, right


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_objects_have_the_bytes_of_their_files(
    tmp_path: Path, store: Store, make_engine: MakeEngine, algorithm: Algorithm
) -> None:
    items = made(tmp_path / "in", CONTENTS, algorithm)

    moved = await send_tree(make_engine(store), items, algorithm)

    assert await objects(store) == right(items)
    assert moved[:4] == (5, sum(map(len, CONTENTS.values())), 0, 0)


async def test_many_small_files_are_sent(tmp_path: Path, store: Store, make_engine: MakeEngine) -> None:
    items = made(tmp_path / "in", SMALL)

    moved = await send_tree(make_engine(store), items)

    assert sorted((await objects(store)).values()) == sorted(SMALL.values())
    assert moved[:4] == (300, sum(map(len, SMALL.values())), 0, 0)


async def test_nothing_to_send_is_nothing_sent(store: Store, make_engine: MakeEngine) -> None:
    assert await send_tree(make_engine(store), []) == (0, 0, 0, 0, 0)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path: Path) -> None:
    with path.open("ab") as out:
        out.write(b"1")


def flip(path: Path) -> None:
    """One bit of the last leaf, with the old times."""
    before = path.stat()
    with path.open("r+b") as out:
        out.seek(-5, os.SEEK_END)
        out.write(b"\xff\xfe")
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))


def touch(path: Path) -> None:
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("change", [shorten, lengthen, flip, touch])
@pytest.mark.parametrize("name", ["a/leaf", "large"])
async def test_a_changed_file_is_named_and_nothing_of_it_is_stored(
    tmp_path: Path, store: Store, make_engine: MakeEngine, name: str, change: Callable[[Path], None]
) -> None:
    items = made(tmp_path / "in", {name: CONTENTS[name]})
    change(tmp_path / "in" / name)

    with pytest.raises(FileChangedError, match=name):
        await send_tree(make_engine(store), items)

    assert await objects(store) == {}


@pytest.mark.parametrize("name", ["a/one", "large"])
async def test_a_file_that_vanished_is_named_as_a_local_one(
    tmp_path: Path, store: Store, make_engine: MakeEngine, name: str
) -> None:
    items = made(tmp_path / "in", {name: CONTENTS[name]})
    (tmp_path / "in" / name).unlink()

    with pytest.raises(LocalFileError, match=f"{name}: no such file"):
        await send_tree(make_engine(store), items)

    assert await objects(store) == {}


async def test_what_a_durable_store_has_is_reused_unread(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, traced = made(tmp_path / "in", CONTENTS), TracedStore(MemoryStore())
    engine = make_engine(traced)
    await send_tree(engine, items)
    traced.calls.clear()

    moved = await send_tree(engine, items)

    size = sum(map(len, CONTENTS.values()))
    assert moved[:4] == (5, size, 5, size)
    assert traced.ranges() == []


async def test_a_right_object_of_a_folder_is_kept(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, store = made(tmp_path / "in", CONTENTS), FolderStore(tmp_path / "store")
    engine = make_engine(store)
    await send_tree(engine, items)
    before = [local_file(store.path(item.key)) for item in items]

    moved = await send_tree(engine, items)

    assert [local_file(store.path(item.key)) for item in items] == before
    size = sum(map(len, CONTENTS.values()))
    assert moved[:4] == (5, size, 5, size)


@pytest.mark.parametrize("damage", [shorten, lengthen, flip])
@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_wrong_object_of_a_folder_is_replaced(
    tmp_path: Path, make_engine: MakeEngine, damage: Callable[[Path], None], attempts: int
) -> None:
    names = ("a/leaf", "large")
    items, store = made(tmp_path / "in", {name: CONTENTS[name] for name in names}), FolderStore(tmp_path / "store")
    engine = make_engine(store, attempts=attempts)
    await send_tree(engine, items)
    for item in items:
        damage(Path(store.path(item.key)))

    moved = await send_tree(engine, items)

    assert await objects(store) == right(items)
    assert moved[:4] == (2, LEAF_SIZE + LARGE, 0, 0)
