"""A part that hangs at the end of a transfer is given up and moved again, for real."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec import Struct

from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.checksum import Checksum, Piece
from lading.store.halt import current_halt
from lading.store.jobs import ReadJob, WriteJob
from lading.store.memory import MemoryStore
from lading.testing.moves import put_tree
from lading.testing.trees import fetch_items, seeded, send_items, write_tree
from lading.testing.wrappers import SlowStore
from lading.transfer import fetch_large, send_large
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Reissue
from lading.transfer.send import send

A = Algorithm.BLAKE3
PARTS = 5


class HangingStore(SlowStore):
    """The first job that it hands out hangs in a socket, until that is shut: once the other lane has done all the others, nothing
    else is under way, and could seem slow because the machine is."""

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner, delay=0.001)
        self.jobs, self.hung, self.shut = 0, 0, threading.Event()

    def hangs(self) -> bool:
        self.jobs += 1
        return self.jobs == 1

    def hang(self) -> None:
        self.hung += 1
        with current_halt().closing(self.shut.set):
            self.shut.wait(60)
            raise OSError("the socket was shut")

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        return _Hanging(self) if self.hangs() else super().wrap_read(job, key)

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return _Hanging(self) if self.hangs() else super().wrap_write(job, key)


class _Hanging(Struct, frozen=True):
    store: HangingStore
    checks: str | None = None

    @property
    def size(self) -> int:
        return 0

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        self.store.hang()

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        self.store.hang()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetch_large, send_large):
        monkeypatch.setattr(module, "Reissue", lambda: Reissue(least=0.2))


@pytest.mark.usefixtures("impatient")
async def test_a_download_does_not_wait_for_its_slowest_part(tmp_path: Path, make_engine: Callable[..., Engine]) -> None:
    contents, memory = {"a": seeded(PARTS * 2 * LEAF_SIZE)}, MemoryStore()
    await put_tree(memory, fetch_items(contents), contents)
    store, meter = HangingStore(memory), Meter()
    began = time.monotonic()

    await fetch(make_engine(store), fetch_items(contents), str(tmp_path), A, meter=meter)

    assert time.monotonic() - began < 30
    assert (tmp_path / "a").read_bytes() == contents["a"]
    assert (store.hung, store.jobs) == (1, PARTS + 1)
    assert (meter.statistics().reissued, meter.statistics().retries) == (1, 0)
    assert meter.statistics().bytes_moved == len(contents["a"])
    assert [path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))] == ["a"]


@pytest.mark.usefixtures("impatient")
async def test_an_upload_does_not_wait_for_its_slowest_part(tmp_path: Path, make_engine: Callable[..., Engine]) -> None:
    content, memory = seeded(PARTS * 2 * LEAF_SIZE), MemoryStore()
    write_tree(tmp_path, {"a": content})
    (item,) = send_items(tmp_path)
    store, meter = HangingStore(memory), Meter()

    async def landed(_: object) -> None:
        """Nobody waits for it."""

    await send(make_engine(store), [item], A, meter=meter, landed=landed)
    job, found = memory.read(item.key, 0, item.size), bytearray()
    job.read(memoryview(bytearray(1 << 20)), found.extend)

    assert bytes(found) == content
    assert store.hung == 1
    assert (meter.statistics().reissued, meter.statistics().retries) == (1, 0)
