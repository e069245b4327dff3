"""Hands: processes that help with many small things, and never outlive who needs them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lading.errors import DigestMismatchError, FileChangedError, StoreUnavailableError
from lading.manifest.digest import Algorithm
from lading.store.folder import FolderStore
from lading.store.halt import Halt, Halted
from lading.store.memory import MemoryStore
from lading.testing.errands import die, fail, never_return, unspeakable, wait, whereabouts
from lading.testing.trees import fetch_items, read_tree, send_items, write_tree
from lading.transfer import hands as module
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.hand import Hand, packed
from lading.transfer.hands import Hands
from lading.transfer.lanes import Lanes
from lading.transfer.plan import SendItem
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits
from lading.transfer.send import send

A = Algorithm.BLAKE3
ME = os.getpid()


@pytest.fixture(autouse=True)
def no_child_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And a few things are many."""
    monkeypatch.setattr(module, "WORTH", 10)
    before = children()
    yield
    assert children() <= before


class Ready(Hands):
    """Hands that help once they have started, not as soon as they do."""

    @contextlib.asynccontextmanager
    async def helping(self, things: int) -> AsyncGenerator[int]:
        async with super().helping(things) as count:
            while self.ready < count:  # noqa: ASYNC110  # another process does not set our events
                await asyncio.sleep(0.002)
            yield count


@pytest.fixture
def hands() -> Iterator[Hands]:
    made = Ready(1)
    yield made
    made.close()


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


def children() -> set[int]:
    """Processes of this one that have not ended, or were not waited for."""
    found = set[int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            number, _, rest = stat.read_text().partition(" (")
            if int(rest.rpartition(")")[2].split()[1]) == ME:
                found.add(int(number))
    return found


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.002)


async def test_work_is_done_by_another_process(hands: Hands) -> None:
    async with hands.helping(10) as count:
        place = hands.do(whereabouts, (), Halt())

    assert count == 1
    assert place != ME


async def test_a_few_things_are_not_worth_a_process(hands: Hands) -> None:
    async with hands.helping(9) as count:
        assert (count, hands.do(whereabouts, (), Halt())) == (0, ME)


async def test_what_no_hand_is_free_for_is_done_here(hands: Hands, tmp_path: Path) -> None:
    halt = Halt()
    async with hands.helping(10):
        started = tmp_path / "started"

        def work() -> None:
            with contextlib.suppress(Halted):
                hands.do(wait, (str(started), str(tmp_path / "ended")), halt)

        busy = threading.Thread(target=work)
        busy.start()
        await asyncio.to_thread(wait_for, started)

        assert hands.do(whereabouts, (), Halt()) == ME

        halt.ask()
        busy.join()


@pytest.mark.parametrize("error", [StoreUnavailableError("busy", retry_after=7.0), ValueError("a bug")], ids=repr)
async def test_errors_are_those_of_this_process_and_the_hand_goes_on(hands: Hands, error: Exception) -> None:
    async with hands.helping(10):
        with pytest.raises(type(error)) as caught:
            hands.do(fail, (error,), Halt())

        assert caught.value is error
        assert hands.do(whereabouts, (), Halt()) != ME


async def test_what_cannot_be_told_is_done_here(hands: Hands) -> None:
    async with hands.helping(10):
        assert hands.do(unspeakable, (), Halt())() == ME
        assert hands.do(whereabouts, (), Halt()) != ME


async def test_what_a_hand_died_over_is_done_here_and_the_next_time_there_is_another(hands: Hands) -> None:
    async with hands.helping(10):
        assert hands.do(die, (ME,), Halt()) == ME
        assert (hands.ready, hands.do(whereabouts, (), Halt())) == (0, ME)
    async with hands.helping(10):
        assert hands.do(whereabouts, (), Halt()) != ME


async def test_hands_that_cannot_start_are_done_without(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python3")

    async with hands.helping(10) as count:
        assert (count, hands.do(whereabouts, (), Halt())) == (0, ME)


@pytest.mark.parametrize("name", ["", "/usr/sbin/uwsgi"])
async def test_a_program_that_only_contains_python_is_not_started_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", name)

    async with Ready(1).helping(10) as count:
        assert count == 0


async def test_a_cancellation_reaches_the_hand_and_waits_for_it(tmp_path: Path) -> None:
    lanes, started, ended = Lanes(1), tmp_path / "started", tmp_path / "ended"
    lanes.hands = Ready(1)
    async with lanes.hands.helping(10):
        task = asyncio.create_task(lanes.run_by_hand(wait, str(started), str(ended), meter=Meter()))
        await asyncio.to_thread(wait_for, started)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert ended.exists()
    lanes.close()


async def test_a_hand_that_does_not_listen_is_killed(hands: Hands, tmp_path: Path) -> None:
    halt, started, caught, before = Halt(), tmp_path / "started", list[BaseException](), children()

    def work() -> None:
        try:
            hands.do(never_return, (str(started),), halt)
        except Halted as error:
            caught.append(error)

    async with hands.helping(10):
        lane = threading.Thread(target=work)
        lane.start()
        await asyncio.to_thread(wait_for, started)
        halt.ask()
        lane.join()

    assert len(caught) == 1
    assert children() <= before


async def test_hands_rest_for_a_while_and_then_end(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hands.helping(10):
        first = hands.do(whereabouts, (), Halt())
    async with hands.helping(10):
        monkeypatch.setattr(module, "REST", 0.05)
        assert hands.do(whereabouts, (), Halt()) == first

    for _ in range(500):
        if first not in children():
            break
        await asyncio.sleep(0.02)

    assert first not in children()


async def test_nobody_waits_for_a_hand_to_start() -> None:
    found: list[tuple[int, int, int]] = []
    while (1, 0, ME) not in found and len(found) < 3:  # one may start while this process stands still
        hands = Hands(1)
        async with hands.helping(10) as count:
            found.append((count, hands.ready, hands.do(whereabouts, (), Halt())))
        hands.close()

    assert found[-1] == (1, 0, ME)


def test_hands_end_with_their_owner_however_it_ends(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", "from lading.transfer.hand import Hand; h = Hand(); print(h._process.pid, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    hand = int(owner.stdout.readline())
    with owner:
        owner.kill()

    for _ in range(500):
        if not is_alive(hand):
            break
        time.sleep(0.02)
    assert not is_alive(hand)


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_forked_child_has_none_of_its_parents_hands(hands: Hands) -> None:
    async with hands.helping(10):
        mine = hands.do(whereabouts, (), Halt())
        child = os.fork()
        if not child:
            os._exit(0 if hands.do(whereabouts, (), Halt()) == os.getpid() else 1)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222

        assert status == 0
        assert hands.do(whereabouts, (), Halt()) == mine


def tree(count: int) -> dict[str, bytes]:
    return {f"{number % 7}/{number:04}": b"%d" % number for number in range(count)}


async def log(engine: Engine, root: Path) -> list[SendItem]:
    items = send_items(root)
    landed: list[SendItem] = []

    async def note(some: Sequence[SendItem]) -> None:
        landed.extend(some)

    await send(engine, items, A, meter=Meter(), landed=note)
    return landed


async def test_a_tree_goes_there_and_back_with_a_hand(tmp_path: Path, helped: Callable[[FolderStore], Engine]) -> None:
    engine, content, meter = helped(FolderStore(tmp_path / "store")), tree(1500), Meter()
    write_tree(tmp_path / "source", content)
    files = [item.file for item in send_items(tmp_path / "source")]

    hashed = await engine.hash(files, A, meter=meter)
    landed = await log(engine, tmp_path / "source")
    items = fetch_items(content)
    await fetch(engine, items, str(tmp_path / "out"), A, meter=meter)

    assert [one.digest for one in hashed] == [item.hashed.digest for item in send_items(tmp_path / "source")]
    assert sorted(item.key for item in landed) == sorted(item.key for item in items)
    assert read_tree(tmp_path / "out") == content
    counted = meter.statistics()
    assert (counted.files_done, counted.bytes_done) == (1500, sum(map(len, content.values())))
    assert counted.bytes_hashed == counted.bytes_done
    assert counted.gauges.worked > 0


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


def test_a_hand_is_told_nothing_on_its_standard_streams() -> None:
    hand = Hand("json")
    while not hand.is_ready():
        time.sleep(0.002)
    try:
        assert hand.do(packed(print, ("hello",)), Halt()) is not None
        assert hand.do(packed(whereabouts, ()), Halt()) is not None
    finally:
        hand.close()


def test_engines_have_a_hand_for_each_core_but_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lading.transfer.engine.cores", lambda: 3)
    store = FolderStore(tmp_path)

    assert Engine(store).lanes.hands.most == 2
    assert Engine(store, concurrency=2).lanes.hands.most == 1
    assert Engine(store, limits=Limits(4, 4)).lanes.hands.most == 0
    assert Engine(MemoryStore()).lanes.hands.most == 0  # which no other process sees
