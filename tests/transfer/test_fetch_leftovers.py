"""What other fetches left at a destination: used if they are dead, copied if they may be, else left alone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.manifest.digest import LEAF_SIZE
from lading.store.owner import Owner, this_process
from lading.testing.moves import fetch_tree, put_tree
from lading.testing.trees import fetch_items, read_tree, seeded, write_tree
from lading.testing.wrappers import TracedStore
from lading.transfer.engine import Engine
from lading.transfer.local import local_file
from lading.transfer.plan import FetchItem

LARGE = 2 * LEAF_SIZE + 12345
MakeEngine = Callable[..., Engine]


HERE = this_process()
DEAD = Owner(HERE.boot, HERE.namespace, 2**22 - 1, "1")
STRANGER = Owner("0123456789abcdef", HERE.namespace, 1, "1")
HALF = 2 * LEAF_SIZE


def left_behind(out: Path, item: FetchItem, owner: Owner, content: bytes) -> Path:
    out.mkdir(exist_ok=True)
    left = out / f".lading-{item.digest}-{owner}-0"
    left.write_bytes(content)
    return left


@pytest.mark.parametrize("executable", [True, False])
async def test_a_dead_fetchs_leaves_are_taken_over(
    far: TracedStore, out: Path, make_engine: MakeEngine, executable: bool
) -> None:
    contents = {"large": seeded(6 * LEAF_SIZE)}
    items = fetch_items(contents, executable=["large"] * executable)
    await put_tree(far, items, contents)
    wrong = contents["large"][:HALF] + bytes(HALF) + contents["large"][2 * HALF : 2 * HALF + 5]
    left_behind(out, items[0], DEAD, wrong)

    moved = await fetch_tree(make_engine(far), items, out)

    assert read_tree(out) == contents
    assert moved[:4] == (1, 3 * HALF, 0, HALF)
    assert sorted(far.ranges()) == [(HALF, 2 * HALF), (2 * HALF, 3 * HALF)]
    assert os.access(out / "large", os.X_OK) or not executable
    assert bool((out / "large").stat().st_mode & 0o111) == executable


async def test_what_is_left_beyond_the_end_is_cut_off(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    contents = {"large": seeded(LARGE)}
    items = fetch_items(contents)
    left_behind(out, items[0], DEAD, contents["large"] + b"more")

    await fetch_tree(make_engine(far), items, out)

    assert read_tree(out) == contents
    assert far.ranges() == []


@pytest.mark.parametrize("owner", [STRANGER, Owner("", "", 99, "")])
async def test_what_an_uncertain_fetch_has_is_copied_and_stays_its_own(
    far: TracedStore, out: Path, make_engine: MakeEngine, owner: Owner
) -> None:
    contents = {"large": seeded(6 * LEAF_SIZE)}
    items = fetch_items(contents)
    await put_tree(far, items, contents)
    left = left_behind(out, items[0], owner, contents["large"][:HALF])
    before = local_file(str(left))

    moved = await fetch_tree(make_engine(far), items, out)

    assert read_tree(out) == contents | {left.name: contents["large"][:HALF]}
    assert local_file(str(left)) == before
    assert moved.bytes_reused == HALF


async def test_a_living_fetchs_file_is_left_alone(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    contents = {"large": seeded(LARGE)}
    items = fetch_items(contents)
    await put_tree(far, items, contents)
    left = left_behind(out, items[0], HERE, contents["large"])

    moved = await fetch_tree(make_engine(far), items, out)

    assert set(read_tree(out)) == {"large", left.name}
    assert moved.bytes_reused == 0


async def test_a_leftover_with_another_name_is_somebodys_file_and_left_alone(
    far: TracedStore, out: Path, tmp_path: Path, make_engine: MakeEngine
) -> None:
    contents = {"large": seeded(LARGE)}
    items = fetch_items(contents)
    await put_tree(far, items, contents)
    left = left_behind(out, items[0], DEAD, b"precious")
    os.link(left, tmp_path / "precious")

    await fetch_tree(make_engine(far), items, out)

    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (out / "large").read_bytes() == contents["large"]


async def test_what_dead_fetches_left_of_small_files_goes(far: TracedStore, out: Path, make_engine: MakeEngine) -> None:
    contents = {"small": b"1"}
    items = fetch_items(contents)
    await put_tree(far, items, contents)
    others = {f".lading-{'ab' * 8}-{owner}-0": b"left" for owner in (DEAD, HERE, STRANGER)} | {".lading-mine": b"", "notes": b""}
    write_tree(out, others)

    await fetch_tree(make_engine(far), items, out)

    assert read_tree(out) == contents | {name: content for name, content in others.items() if str(DEAD) not in name}
