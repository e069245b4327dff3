"""Ahead: large files lie in the store when they are hashed, read once; and nothing is left of what is not logged."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lading.errors import FileChangedError, StoreFullError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.checksum import Checksum
from lading.store.early import EarlyWrite
from lading.store.folder import FolderStore
from lading.store.jobs import WriteJob
from lading.testing.moves import Moved, send_tree
from lading.testing.trees import hashed, read_tree, seeded, send_items, write_tree
from lading.transfer.ahead import Ahead
from lading.transfer.engine import Engine
from lading.transfer.hashing import Hashed
from lading.transfer.local import local_file
from lading.transfer.novelty import Novelty
from lading.transfer.plan import SendItem, object_key

SIZE = 2 * LEAF_SIZE + 5
CONTENTS = {"large": seeded(SIZE), "larger": seeded(SIZE + 1, 1), "small": b"1"}
MakeEngine = Callable[..., Engine]


class ByPieces:
    """A job of a file system whose kernel cannot copy."""

    checks = None

    def __init__(self, inner: WriteJob) -> None:
        self.write = inner.write

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False


class Around:
    """An early write that leaves word of each part that is written, or does something instead."""

    def __init__(self, inner: EarlyWrite, store: "Watched") -> None:
        self.inner, self.store = inner, store

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def part(self, start: int, stop: int) -> WriteJob:
        self.store.parts.append(start)
        if self.store.instead:
            self.store.instead(start)
        job = self.inner.part(start, stop)
        return job if self.store.takes else ByPieces(job)


class Watched(FolderStore):
    def __init__(self, root: Path, instead: Callable[[int], None] | None = None, *, takes: bool = True) -> None:
        super().__init__(root)
        self.parts, self.instead, self.takes = list[int](), instead, takes

    def begin_early(self, subject: str, source: str, size: int) -> EarlyWrite:  # type: ignore[override]
        return Around(super().begin_early(subject, source, size), self)  # type: ignore[return-value]


@pytest.fixture(params=["the kernel copies", "by pieces"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Watched:
    return Watched(tmp_path / "store", takes=request.param == "the kernel copies")


def ahead_to(store: Watched, *known: SendItem) -> Ahead:
    async def objects() -> dict[str, int]:
        return {item.key: item.size for item in known}

    return Ahead(store, Novelty(store, objects), least=2 * LEAF_SIZE)


async def hash_all(engine: Engine, root: Path, ahead: Ahead, algorithm: Algorithm = Algorithm.BLAKE3) -> list[SendItem]:
    files = [local_file(str(root / path)) for path in sorted(read_tree(root))]
    found: Sequence[Hashed] = await engine.hash(files, algorithm, ahead=ahead)
    return [SendItem(file, one, object_key("e", algorithm, one.digest)) for file, one in zip(files, found, strict=True)]


def in_the_making(store: Watched) -> int:
    place = Path(store.root, "tmp")
    return len(list(place.iterdir())) if place.is_dir() else 0


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_large_files_are_written_as_they_are_hashed_and_then_only_named(
    tmp_path: Path, folder: Watched, make_engine: MakeEngine, algorithm: Algorithm
) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    ahead, engine = ahead_to(folder), make_engine(folder)

    items = await hash_all(engine, tmp_path / "in", ahead, algorithm)
    parts = len(folder.parts)
    moved = await send_tree(engine, items, algorithm, ahead=ahead)

    assert [item.hashed for item in items] == [hashed(CONTENTS[path], algorithm) for path in sorted(CONTENTS)]
    assert parts == len(folder.parts) == 6
    assert read_tree(tmp_path / "store") == {item.key: CONTENTS[Path(item.file.path).name] for item in items}
    assert moved == Moved(3, 2 * SIZE + 2)


async def test_what_is_not_sent_goes_away(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    ahead = ahead_to(folder)
    await hash_all(make_engine(folder), tmp_path / "in", ahead)
    before = in_the_making(folder)

    ahead.discard()
    ahead.discard()

    assert (before, in_the_making(folder)) == (2, 0)


async def test_what_may_be_stored_already_is_hashed_first(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", {"large": CONTENTS["large"]})
    engine = make_engine(folder)
    stored = send_items(tmp_path / "in")
    await send_tree(engine, stored)

    await hash_all(engine, tmp_path / "in", ahead_to(folder, *stored))

    assert folder.parts == []


async def test_other_content_of_a_stored_size_goes_ahead(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    """The next checkpoint of a model is as large as the last."""
    write_tree(tmp_path / "in", {"large": CONTENTS["large"]})
    engine = make_engine(folder)
    stored = send_items(tmp_path / "in")
    await send_tree(engine, stored)
    write_tree(tmp_path / "in", {"large": seeded(SIZE, 2)})
    ahead = ahead_to(folder, *stored)

    items = await hash_all(engine, tmp_path / "in", ahead)
    await send_tree(engine, items, ahead=ahead)

    assert len(folder.parts) == 3
    assert sorted(read_tree(tmp_path / "store").values()) == sorted([CONTENTS["large"], seeded(SIZE, 2)])


async def test_a_file_that_changes_meanwhile_is_named_and_not_sent(tmp_path: Path, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    folder = Watched(tmp_path / "store", lambda start: os.utime(tmp_path / "in" / "large", ns=(0, 0)))
    ahead = ahead_to(folder)

    with pytest.raises(FileChangedError, match="large"):
        await hash_all(make_engine(folder), tmp_path / "in", ahead)

    assert in_the_making(folder) == 0


@pytest.mark.parametrize("takes", [True, False])
async def test_a_file_that_becomes_shorter_meanwhile_is_named(tmp_path: Path, make_engine: MakeEngine, takes: bool) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    folder = Watched(tmp_path / "store", lambda start: os.truncate(tmp_path / "in" / "larger", 5), takes=takes)
    ahead = ahead_to(folder)

    with pytest.raises(FileChangedError, match="larger"):
        await hash_all(make_engine(folder), tmp_path / "in", ahead)


async def test_content_that_was_added_again_after_a_change_is_what_is_stored(
    tmp_path: Path, folder: Watched, make_engine: MakeEngine
) -> None:
    """What went ahead of the first content is not taken for the second."""
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    ahead, engine = ahead_to(folder), make_engine(folder)
    await hash_all(engine, tmp_path / "in", ahead)
    write_tree(tmp_path / "in", {"large": seeded(SIZE, 7)})

    items = await hash_all(engine, tmp_path / "in", ahead)
    await send_tree(engine, items, ahead=ahead)
    ahead.discard()

    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE, 7)]


async def test_a_key_that_somebody_else_made_meanwhile_is_left_as_it_is(
    tmp_path: Path, folder: Watched, make_engine: MakeEngine
) -> None:
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    ahead, engine = ahead_to(folder), make_engine(folder)
    items = await hash_all(engine, tmp_path / "in", ahead)
    await send_tree(make_engine(FolderStore(folder.root)), items)

    moved = await send_tree(engine, items, ahead=ahead)

    assert moved == Moved(1, SIZE, 1, SIZE)
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


async def test_a_full_disk_is_said_and_nothing_stays(tmp_path: Path, make_engine: MakeEngine) -> None:
    def full(start: int) -> None:
        raise StoreFullError("full")

    write_tree(tmp_path / "in", CONTENTS)
    folder = Watched(tmp_path / "store", full)
    ahead = ahead_to(folder)

    with pytest.raises(StoreFullError):
        await hash_all(make_engine(folder), tmp_path / "in", ahead)

    assert in_the_making(folder) == 0


# Before the second part, or at the end, it says so and waits for its end.
CHILD = """
import asyncio, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_ahead import Watched, ahead_to, hash_all
from lading.transfer.engine import Engine
from lading.transfer.scheduler import Limits

def stick():
    print("stuck", flush=True)
    threading.Event().wait()

def instead(start):
    if start and sys.argv[3] == "second part":
        stick()

root = Path(sys.argv[1])
store = Watched(root / "store", instead)
ahead = ahead_to(store)
asyncio.run(hash_all(Engine(store, limits=Limits(1, 1)), root / "in", ahead))
stick()
"""


def kill_at(moment: str, root: Path) -> Path:
    """What is left."""
    command = [sys.executable, "-c", CHILD, str(root), str(Path(__file__).parent), moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "stuck\n"
        os.kill(child.pid, signal.SIGKILL)
    (left,) = (root / "store" / "tmp").iterdir()
    return left


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"damaged")


async def test_who_comes_after_a_kill_goes_on(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    kill_at("second part", tmp_path)
    ahead, engine = ahead_to(folder), make_engine(folder)

    items = await hash_all(engine, tmp_path / "in", ahead)
    await send_tree(engine, items, ahead=ahead)

    assert sorted(folder.parts) == [LEAF_SIZE, 2 * LEAF_SIZE]
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


async def test_what_a_dead_writer_left_damaged_is_written_again(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    damage(kill_at("second part", tmp_path))
    ahead, engine = ahead_to(folder), make_engine(folder)

    items = await hash_all(engine, tmp_path / "in", ahead)
    await send_tree(engine, items, ahead=ahead)

    assert sorted(folder.parts) == [0, LEAF_SIZE, 2 * LEAF_SIZE]
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


async def test_after_a_kill_before_the_log_nothing_is_written_again(
    tmp_path: Path, folder: Watched, make_engine: MakeEngine
) -> None:
    """Also where the index knows the file by then, and nobody hashes it."""
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    kill_at("end", tmp_path)

    moved = await send_tree(make_engine(folder), send_items(tmp_path / "in"))

    assert moved == Moved(1, SIZE, 0, SIZE)
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


async def test_an_add_that_fails_takes_nothing_from_others(tmp_path: Path, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    write_tree(tmp_path / "later", {"larger": seeded(SIZE + 1, 1)})
    cut = threading.Event()

    def instead(start: int) -> None:
        if cut.is_set():
            os.truncate(tmp_path / "later" / "larger", 5)

    folder = Watched(tmp_path / "store", instead)
    ahead, engine = ahead_to(folder), make_engine(folder)
    items = await hash_all(engine, tmp_path / "in", ahead)
    cut.set()

    with pytest.raises(FileChangedError, match="larger"):
        await hash_all(engine, tmp_path / "later", ahead)
    parts = len(folder.parts)
    await send_tree(engine, items, ahead=ahead)

    assert len(folder.parts) == parts
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


async def test_two_adds_of_one_file_at_once_are_both_right(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", {"large": seeded(SIZE)})
    ahead, engine = ahead_to(folder), make_engine(folder)

    one, two = await asyncio.gather(*(hash_all(engine, tmp_path / "in", ahead) for _ in range(2)))
    await send_tree(engine, one, ahead=ahead)
    ahead.discard()

    assert one == two
    assert list(read_tree(tmp_path / "store").values()) == [seeded(SIZE)]


def in_a_child(work: Callable[[], None]) -> int:
    """How it ended."""
    if not (child := os.fork()):
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


async def test_a_forked_child_leaves_its_parents_files_alone(tmp_path: Path, folder: Watched, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    ahead = ahead_to(folder)
    await hash_all(make_engine(folder), tmp_path / "in", ahead)

    status = in_a_child(ahead.discard)

    assert (status, in_the_making(folder)) == (0, 2)
    ahead.discard()
