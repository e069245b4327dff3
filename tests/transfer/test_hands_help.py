"""Transfers that hands help with: they do what they do without."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lading.errors import DigestMismatchError, FileChangedError
from lading.manifest.digest import Algorithm
from lading.store.folder import FolderStore
from lading.testing.trees import fetch_items, read_tree, send_items, write_tree
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.gauges import adopt
from lading.transfer.lanes import Lanes
from lading.transfer.plan import SendItem
from lading.transfer.progress import Meter
from lading.transfer.send import send

from .processes import Ready, children

A = Algorithm.BLAKE3


@pytest.fixture(autouse=True)
def a_few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lading.transfer.hands.WORTH", 10)


@pytest.fixture
def helped() -> Iterator[Callable[[FolderStore], Engine]]:
    """Makes engines with one hand, however many cores there are."""
    made: list[Engine] = []

    def make(store: FolderStore) -> Engine:
        engine = Engine(store)
        engine.lanes = Lanes(3)
        engine.lanes.hands = Ready(1)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()


def tree(count: int) -> dict[str, bytes]:
    return {f"{number % 7}/{number:04}": b"%d" % number for number in range(count)}


async def log(engine: Engine, root: Path, meter: Meter | None = None) -> list[SendItem]:
    items = send_items(root)
    landed: list[SendItem] = []

    async def note(some: Sequence[SendItem]) -> None:
        landed.extend(some)

    await send(engine, items, A, meter=meter or Meter(), landed=note)
    return landed


async def test_a_tree_goes_there_and_back_with_a_hand(
    tmp_path: Path, helped: Callable[[FolderStore], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Mapping[str, float]] = []  # by hands, of batches that they have done

    def adopting(spent: Mapping[str, float]) -> None:
        told.append(spent)
        adopt(spent)

    monkeypatch.setattr("lading.transfer.hands.adopt", adopting)
    engine, content, meter = helped(FolderStore(tmp_path / "store")), tree(1500), Meter()
    write_tree(tmp_path / "source", content)
    files = [item.file for item in send_items(tmp_path / "source")]

    hashed = await engine.hash(files, A, meter=meter)
    by_hand = [len(told)]
    landed = await log(engine, tmp_path / "source", meter)
    by_hand.append(len(told))
    items = fetch_items(content)
    await fetch(engine, items, str(tmp_path / "out"), A, meter=meter)
    by_hand.append(len(told))

    assert [one.digest for one in hashed] == [item.hashed.digest for item in send_items(tmp_path / "source")]
    assert sorted(item.key for item in landed) == sorted(item.key for item in items)
    assert read_tree(tmp_path / "out") == content
    counted = meter.statistics()
    size = sum(map(len, content.values()))
    assert (counted.files_done, counted.bytes_done, counted.bytes_hashed) == (2 * 1500, 2 * size, size)
    assert 0 < by_hand[0] < by_hand[1] < by_hand[2]
    assert counted.gauges.worked >= sum(spent["worked"] for spent in told) > 0


@pytest.mark.parametrize("bad", range(0, 1500, 300))
async def test_whoever_finds_a_damaged_object_names_it(bad: int, tmp_path: Path, helped: Callable[[FolderStore], Engine]) -> None:
    engine, content = helped(FolderStore(tmp_path / "store")), tree(1500)
    write_tree(tmp_path / "source", content)
    await log(engine, tmp_path / "source")
    item = fetch_items(content)[bad]
    place = tmp_path / "store" / item.key
    place.chmod(0o600)
    place.write_bytes(b"#" * item.size)

    with pytest.raises(DigestMismatchError, match=item.path):
        await fetch(engine, fetch_items(content), str(tmp_path / "out"), A, meter=Meter())

    assert not (tmp_path / "out" / item.path).exists()


async def test_a_file_that_changes_is_named_whoever_reads_it(tmp_path: Path, helped: Callable[[FolderStore], Engine]) -> None:
    engine = helped(FolderStore(tmp_path / "store"))
    write_tree(tmp_path / "source", tree(600))
    items = send_items(tmp_path / "source")
    changed = next(item.file for item in items if item.file.path.endswith("0/0301"))
    write_tree(tmp_path / "source", {"0/0301": b"something else"})

    with pytest.raises(FileChangedError, match=changed.path):
        await engine.hash([item.file for item in items], A)


async def test_a_hand_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, helped: Callable[[FolderStore], Engine]
) -> None:
    engine, content = helped(FolderStore(tmp_path / "store")), tree(3000)
    write_tree(tmp_path / "source", content)
    over, before = threading.Event(), children()

    def kill() -> None:
        while not over.wait(0.01):
            for hand in children() - before:
                with contextlib.suppress(ProcessLookupError):  # it was waited for meanwhile
                    os.kill(hand, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        await log(engine, tmp_path / "source")
        await fetch(engine, fetch_items(content), str(tmp_path / "out"), A, meter=Meter())
    finally:
        over.set()
        killer.join()

    assert read_tree(tmp_path / "out") == content
