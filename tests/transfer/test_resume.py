"""A process is killed in the middle of a large file: the next one moves only what is missing."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lading.manifest.digest import LEAF_SIZE
from lading.store.folder import FolderStore
from lading.testing.moves import fetch_tree, put_tree, send_tree
from lading.testing.trees import fetch_items, read_tree, seeded, send_items, write_tree
from lading.testing.wrappers import SlowStore, TracedStore
from lading.transfer.engine import Engine

PART = 2 * LEAF_SIZE
CONTENTS = {"large": seeded(4 * PART + 5)}
MakeEngine = Callable[..., Engine]

# Two parts go through; in the middle of the third it says so and waits for its end.
CHILD = """
import asyncio, sys, threading
from lading.store.folder import FolderStore
from lading.testing.moves import fetch_tree, send_tree
from lading.testing.trees import fetch_items, read_tree, send_items
from lading.testing.wrappers import StoreAround
from lading.transfer.engine import Engine
from lading.transfer.scheduler import Limits
from pathlib import Path

writes, reads = iter(range(100)), iter(range(100))

def stick():
    print("stuck", flush=True)
    threading.Event().wait()

class Write:
    def __init__(self, inner):
        self.inner, self.number = inner, next(writes)
    checks = None

    def take(self, source, start, checksum):
        return False

    def write(self, pieces):
        self.inner.write(self.some(pieces))
    def some(self, pieces):
        for count, piece in enumerate(pieces):
            if self.number == 2 and count == 1:
                stick()
            yield piece

class Read:
    def __init__(self, inner):
        self.inner, self.size, self.number, self.count = inner, inner.size, next(reads), 0
    def read(self, buffer, each):
        def some(piece):
            self.count += 1
            if self.number == 2 and self.count == 2:
                stick()
            each(piece)
        self.inner.read(buffer, some)

class Sticky(StoreAround):
    def __init__(self, inner):
        super().__init__(inner)
        self.near = False
    def wrap_write(self, job, key):
        return Write(job)
    def wrap_read(self, job, key):
        return Read(job)

root, engine = Path(sys.argv[1]), Engine(Sticky(FolderStore(sys.argv[1] + "/store")), limits=Limits(1, 1))
if sys.argv[2] == "send":
    asyncio.run(send_tree(engine, send_items(root / "in")))
else:
    asyncio.run(fetch_tree(engine, fetch_items(read_tree(root / "in")), root / "out"))
"""


def kill_in_the_middle(root: Path, what: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(root), what], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "stuck\n"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


async def test_a_killed_send_is_gone_on_with(tmp_path: Path, make_engine: MakeEngine) -> None:
    write_tree(tmp_path / "in", CONTENTS)
    kill_in_the_middle(tmp_path, "send")
    left = list((tmp_path / "store" / "tmp").iterdir())

    moved = await send_tree(make_engine(FolderStore(tmp_path / "store")), send_items(tmp_path / "in"))

    assert len(left) == 1
    assert list(read_tree(tmp_path / "store").values()) == list(CONTENTS.values())
    assert moved == (1, 4 * PART + 5, 0, 2 * PART, 0)


async def test_a_killed_fetch_is_gone_on_with(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, store = fetch_items(CONTENTS), FolderStore(tmp_path / "store")
    write_tree(tmp_path / "in", CONTENTS)
    await put_tree(store, items, CONTENTS)
    kill_in_the_middle(tmp_path, "fetch")
    left = list((tmp_path / "out").iterdir())
    traced = TracedStore(SlowStore(store))

    moved = await fetch_tree(make_engine(traced), items, tmp_path / "out")

    assert [path.name.startswith(".lading-") for path in left] == [True]
    assert read_tree(tmp_path / "out") == CONTENTS
    assert sorted(traced.ranges()) == [(2 * PART, 3 * PART), (3 * PART, 4 * PART), (4 * PART, 4 * PART + 5)]
    assert moved == (1, 4 * PART + 5, 0, 2 * PART, 0)


async def test_a_killed_fetch_is_gone_on_with_from_a_store_on_this_machine(tmp_path: Path, make_engine: MakeEngine) -> None:
    items, store = fetch_items(CONTENTS), FolderStore(tmp_path / "store")
    write_tree(tmp_path / "in", CONTENTS)
    await put_tree(store, items, CONTENTS)
    kill_in_the_middle(tmp_path, "fetch")

    moved = await fetch_tree(make_engine(store), items, tmp_path / "out")

    assert read_tree(tmp_path / "out") == CONTENTS
    assert moved == (1, 4 * PART + 5, 0, 2 * PART, 0)
