"""What need not be fetched: content that lies on this machine already."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.testing.moves import fetch_tree, put_tree
from lading.testing.trees import fetch_items, read_tree, seeded, write_tree
from lading.testing.wrappers import TracedStore
from lading.transfer.engine import Engine
from lading.transfer.index import Index
from lading.transfer.local import local_file
from lading.transfer.plan import FetchItem

A = Algorithm.BLAKE3
LARGE = 2 * LEAF_SIZE + 12345
CONTENTS = {"a/leaf": seeded(LEAF_SIZE), "a/one": b"1", "b/c/large": seeded(LARGE), "empty": b"", "z": seeded(5000, 1)}
SIZE = sum(map(len, CONTENTS.values()))
MakeEngine = Callable[..., Engine]


async def test_equal_content_is_fetched_once(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    large = CONTENTS["b/c/large"]
    contents = {"1": b"one", "2/1": b"one", "3": b"one", "large": large, "again": large}
    items = fetch_items(contents)
    await put_tree(far, items, contents)

    moved = await fetch_tree(make_engine(far), items, out)

    assert read_tree(out) == contents
    assert sum(stop - start for start, stop in far.ranges()) == 3 + LARGE
    assert moved[:4] == (5, 9 + 2 * LARGE, 3, 6 + LARGE)


async def test_content_that_is_at_the_destination_already_is_copied(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    large = CONTENTS["b/c/large"]
    write_tree(out, {"large": large, "small": b"1"})
    contents = {"large": large, "large too": large, "small": b"1", "small too": b"1"}

    await fetch_tree(make_engine(far), fetch_items(contents), out)

    assert read_tree(out) == contents
    assert far.ranges() == []


def known(index: Index, root: Path, contents: dict[str, bytes], items: Sequence[FetchItem]) -> None:
    """The index takes the files below `root` for what `items` say, in this order."""
    write_tree(root, contents)
    found = [local_file(str(root / path)) for path in contents]
    index.remember([(file.path, file.stamp, item.hashed) for file, item in zip(found, items, strict=True)], A)


async def test_what_lies_elsewhere_on_this_machine_is_copied(
    far: TracedStore, tmp_path: Path, out: Path, index: Index, make_engine: MakeEngine
) -> None:
    items = fetch_items(CONTENTS)
    known(index, tmp_path / "elsewhere", CONTENTS, items)

    moved = await fetch_tree(make_engine(far, index=index), items, out)

    assert read_tree(out) == CONTENTS
    assert far.ranges() == []
    assert moved[:4] == (5, SIZE, 5, SIZE)


async def test_a_copy_that_is_not_what_the_index_says_is_fetched_instead_and_counted_once(
    far: TracedStore, tmp_path: Path, out: Path, index: Index, make_engine: MakeEngine
) -> None:
    items = fetch_items(CONTENTS)
    await put_tree(far, items, CONTENTS)
    lies = {path: bytes(len(content)) if path != "z" else b"short" for path, content in CONTENTS.items()}
    known(index, tmp_path / "elsewhere", lies, items)

    moved = await fetch_tree(make_engine(far, index=index, attempts=1), items, out)

    assert read_tree(out) == CONTENTS
    assert sum(stop - start for start, stop in far.ranges()) == SIZE
    assert moved[:4] == (5, SIZE, 1, 0), "the empty file was right"


async def test_of_a_copy_that_is_right_in_part_that_part_is_used(
    far: TracedStore, tmp_path: Path, out: Path, index: Index, make_engine: MakeEngine
) -> None:
    contents = {"large": seeded(4 * LEAF_SIZE)}
    items = fetch_items(contents)
    await put_tree(far, items, contents)
    known(index, tmp_path / "elsewhere", {"large": contents["large"][:-1] + b"?"}, items)

    moved = await fetch_tree(make_engine(far, index=index), items, out)

    assert read_tree(out) == contents
    assert moved[:3] == (1, 4 * LEAF_SIZE, 0)
    assert moved.bytes - moved.bytes_reused == sum(stop - start for start, stop in far.ranges())


async def test_a_copy_that_vanishes_is_fetched_instead(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    items = fetch_items(CONTENTS)
    await put_tree(far, items, CONTENTS)

    await fetch_tree(make_engine(far, attempts=1), [item.copied_from("/vanished") for item in items], out)

    assert read_tree(out) == CONTENTS


async def test_what_arrived_serves_as_a_copy_later(
    far: TracedStore, tmp_path: Path, index: Index, make_engine: MakeEngine
) -> None:
    items, engine = fetch_items(CONTENTS), make_engine(far, index=index)
    await put_tree(far, items, CONTENTS)
    await fetch_tree(engine, items, tmp_path / "first")
    far.calls.clear()

    await fetch_tree(engine, items, tmp_path / "second")

    assert read_tree(tmp_path / "second") == CONTENTS
    assert far.ranges() == []
