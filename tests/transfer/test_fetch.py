"""Fetching: verified files in the place of what was there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.errors import (
    LocalFileError,
    ManifestError,
)
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.memory import MemoryStore
from lading.store.store import Store
from lading.testing.moves import fetch_tree, put_tree
from lading.testing.trees import fetch_items, read_tree, seeded, write_tree
from lading.transfer.engine import Engine
from lading.transfer.index import Index
from lading.transfer.local import local_file
from lading.transfer.plan import FetchItem

A = Algorithm.BLAKE3
LARGE = 2 * LEAF_SIZE + 12345
CONTENTS = {"a/leaf": seeded(LEAF_SIZE), "a/one": b"1", "b/c/large": seeded(LARGE), "empty": b"", "z": seeded(5000, 1)}
SIZE = sum(map(len, CONTENTS.values()))
MakeEngine = Callable[..., Engine]


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_files_have_the_bytes_of_their_objects(
    store: Store, out: Path, make_engine: MakeEngine, algorithm: Algorithm
) -> None:
    items = fetch_items(CONTENTS, algorithm)
    await put_tree(store, items, CONTENTS)

    moved = await fetch_tree(make_engine(store), items, out, algorithm)

    assert read_tree(out) == CONTENTS
    assert moved[:4] == (5, SIZE, 0, 0)


async def test_many_small_files_arrive(store: Store, out: Path, make_engine: MakeEngine) -> None:
    contents = {f"{number % 7}/{number}": b"%d" % number for number in range(600)}
    items = fetch_items(contents)
    await put_tree(store, items, contents)

    moved = await fetch_tree(make_engine(store), items, out)

    assert read_tree(out) == contents
    assert moved.files == 600


async def test_nothing_to_fetch_makes_the_folder(tmp_path: Path, out: Path, make_engine: MakeEngine) -> None:
    await fetch_tree(make_engine(MemoryStore()), [], out)

    assert read_tree(out) == {}
    assert (tmp_path / "out").is_dir()


@pytest.mark.parametrize(("umask", "modes"), [(0o022, [0o644, 0o755]), (0o077, [0o600, 0o700]), (0o027, [0o640, 0o750])])
async def test_modes_follow_the_umask_and_the_executable_bit(
    store: Store, out: Path, make_engine: MakeEngine, umask: int, modes: list[int]
) -> None:
    contents = {"large": CONTENTS["b/c/large"], "large.sh": CONTENTS["b/c/large"], "small": b"1", "small.sh": b"1"}
    items = fetch_items(contents, executable=("large.sh", "small.sh"))
    await put_tree(store, items, contents)
    before = os.umask(umask)
    try:
        await fetch_tree(make_engine(store), items, out)
    finally:
        os.umask(before)

    assert [(out / name).stat().st_mode & 0o777 for name in contents] == modes * 2


async def test_right_files_are_kept_and_other_files_stay(store: Store, out: Path, make_engine: MakeEngine) -> None:
    write_tree(out, CONTENTS | {"stranger": b"s", "a/stranger": b"s"})
    items = fetch_items(CONTENTS)
    before = [local_file(str(out / path)) for path in CONTENTS]

    moved = await fetch_tree(make_engine(store), items, out)

    assert [local_file(str(out / path)) for path in CONTENTS] == before
    assert read_tree(out) == CONTENTS | {"stranger": b"s", "a/stranger": b"s"}
    assert moved[:4] == (5, SIZE, 5, SIZE)


async def test_wrong_files_are_replaced(store: Store, out: Path, make_engine: MakeEngine) -> None:
    write_tree(out, {path: bytes(len(content)) for path, content in CONTENTS.items()} | {"z": b"another size"})
    items = fetch_items(CONTENTS)
    await put_tree(store, items, CONTENTS)

    moved = await fetch_tree(make_engine(store), items, out)

    assert read_tree(out) == CONTENTS
    assert moved[2:4] == (1, 0), "the empty file"


async def test_the_execute_bit_of_a_right_file_is_mended(store: Store, out: Path, make_engine: MakeEngine) -> None:
    write_tree(out, {"program": b"1", "text": b"2"})
    (out / "program").chmod(0o640)
    (out / "text").chmod(0o755)

    await fetch_tree(make_engine(store), fetch_items({"program": b"1", "text": b"2"}, executable=["program"]), out)

    assert [(out / name).stat().st_mode & 0o777 for name in ("program", "text")] == [0o750, 0o644]


async def test_what_the_index_knows_is_not_read_unless_told(out: Path, index: Index, make_engine: MakeEngine) -> None:
    write_tree(out, {"a": b"forged"})
    items, store = fetch_items({"a": b"genuin"}), MemoryStore()
    await put_tree(store, items, {"a": b"genuin"})
    file = local_file(str(out / "a"))
    index.remember([(file.path, file.stamp, items[0].hashed)], A, began=1 << 62)
    engine = make_engine(store, index=index)

    await fetch_tree(engine, items, out)
    believed = read_tree(out)
    await fetch_tree(engine, items, out, rehash=True)

    assert believed == {"a": b"forged"}
    assert read_tree(out) == {"a": b"genuin"}


async def test_a_link_at_the_place_of_a_file_is_replaced_and_its_target_untouched(
    store: Store, out: Path, tmp_path: Path, make_engine: MakeEngine
) -> None:
    contents = {"large": CONTENTS["b/c/large"], "small": b"1"}
    items = fetch_items(contents)
    await put_tree(store, items, contents)
    (tmp_path / "out").mkdir()
    for name in contents:
        (tmp_path / f"target of {name}").write_bytes(contents[name])
        (out / name).symlink_to(tmp_path / f"target of {name}")
    before = [local_file(str(tmp_path / f"target of {name}")) for name in contents]

    await fetch_tree(make_engine(store), items, out)

    assert read_tree(out) == contents
    assert [local_file(str(tmp_path / f"target of {name}")) for name in contents] == before


@pytest.mark.parametrize("inner", ["b", "b/c"])
async def test_a_link_in_the_way_is_refused_and_nothing_is_written_anywhere(
    store: Store, out: Path, tmp_path: Path, make_engine: MakeEngine, inner: str
) -> None:
    items = fetch_items(CONTENTS)
    await put_tree(store, items, CONTENTS)
    outside = tmp_path / "outside"
    outside.mkdir()
    (out / inner).parent.mkdir(parents=True)
    (out / inner).symlink_to(outside)

    with pytest.raises(LocalFileError, match=f"'{inner[-1]}' is a link or a file where a folder belongs"):
        await fetch_tree(make_engine(store), items, out)

    assert read_tree(outside) == {}
    assert read_tree(out) == {}


async def test_a_folder_where_a_file_belongs_is_refused(store: Store, out: Path, make_engine: MakeEngine) -> None:
    (out / "a" / "one").mkdir(parents=True)

    with pytest.raises(LocalFileError, match="a/one is a folder where the artifact has a file"):
        await fetch_tree(make_engine(store), fetch_items(CONTENTS), out)

    assert read_tree(out) == {}


async def test_a_file_where_a_folder_belongs_is_refused(store: Store, out: Path, make_engine: MakeEngine) -> None:
    write_tree(out, {"a": b"file"})

    with pytest.raises(LocalFileError, match="'a' is a link or a file where a folder belongs"):
        await fetch_tree(make_engine(store), fetch_items(CONTENTS), out)

    assert read_tree(out) == {"a": b"file"}


@pytest.mark.parametrize("path", ["../evil", "a/../../evil", "/evil", "a/..", "..", ".", "", "a//b", "./a", ".lading-x", "a/"])
async def test_a_path_that_leads_out_is_refused_and_nothing_is_written(
    out: Path, tmp_path: Path, make_engine: MakeEngine, path: str
) -> None:
    store = MemoryStore()
    items = fetch_items({"a": b"1"})
    await put_tree(store, items, {"a": b"1"})

    with pytest.raises(ManifestError, match="Invalid artifact path"):
        await fetch_tree(make_engine(store), [FetchItem(path, items[0].digest, 1, items[0].key)], out)

    assert read_tree(tmp_path) == {}


async def test_a_root_that_is_a_file_is_named(store: Store, out: Path, make_engine: MakeEngine) -> None:
    write_tree(out.parent, {"out": b"in the way"})

    with pytest.raises(LocalFileError, match=str(out)):
        await fetch_tree(make_engine(store), fetch_items(CONTENTS), out)


async def test_a_root_may_be_reached_through_a_link(store: Store, out: Path, tmp_path: Path, make_engine: MakeEngine) -> None:
    items = fetch_items(CONTENTS)
    await put_tree(store, items, CONTENTS)
    (tmp_path / "place").mkdir()
    (tmp_path / "out").symlink_to("place")

    await fetch_tree(make_engine(store), items, out)

    assert read_tree(tmp_path / "place") == CONTENTS
