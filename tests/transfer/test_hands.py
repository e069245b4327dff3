"""Hands: processes that help with many small things, and never outlive who needs them."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import StoreUnavailableError
from lading.store.folder import FolderStore
from lading.store.halt import Halt, Halted
from lading.store.memory import MemoryStore
from lading.store.opening import open_store
from lading.store.store import is_portable
from lading.testing.errands import die, fail, never_return, touch, unspeakable, wait, whereabouts
from lading.transfer import hands as module
from lading.transfer.engine import Engine
from lading.transfer.hand import Hand
from lading.transfer.hands import Hands
from lading.transfer.lanes import Lanes
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits

from .processes import ME, Ready, busy, children, wait_for


@pytest.fixture(autouse=True)
def no_child_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And a few things are many."""
    monkeypatch.setattr(module, "WORTH", 10)
    before = children()
    yield
    assert children() <= before


class UnspeakableError(RuntimeError):
    def __reduce__(self) -> str:
        raise TypeError("a person holds this")


@pytest.fixture
def hands() -> Iterator[Ready]:
    made = Ready(1)
    yield made
    made.close()


async def test_work_is_done_by_another_process(hands: Hands) -> None:
    async with hands.helping(10) as count:
        place = hands.do(whereabouts, (), Halt())

    assert count == 1
    assert place != ME


async def test_a_few_things_are_not_worth_a_process(hands: Hands) -> None:
    async with hands.helping(9) as count:
        assert (count, hands.do(whereabouts, (), Halt())) == (0, ME)


async def test_what_no_hand_is_free_for_is_done_here(hands: Hands, tmp_path: Path) -> None:
    async with hands.helping(10):
        with busy(hands, tmp_path):
            assert hands.do(whereabouts, (), Halt()) == ME


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
        with pytest.raises(RuntimeError):
            hands.do(fail, (UnspeakableError(),), Halt())
        assert hands.do(whereabouts, (), Halt()) != ME


async def test_what_a_hand_died_over_is_done_here_and_the_next_time_there_is_another(hands: Ready) -> None:
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
    found: list[tuple[int, int]] = []
    while (1, ME) not in found and len(found) < 3:  # one may start while this process stands still
        hands = Hands(1)
        async with hands.helping(10) as count:
            found.append((count, hands.do(whereabouts, (), Halt())))
        hands.close()

    assert found[-1] == (1, ME)


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


async def test_a_child_that_is_forked_while_a_hand_works_goes_on(hands: Hands, tmp_path: Path) -> None:
    async with hands.helping(10):
        with busy(hands, tmp_path):
            child = os.fork()
            if not child:
                os._exit(0 if hands.do(whereabouts, (), Halt()) == os.getpid() else 1)
            _, status = os.waitpid(child, 0)  # noqa: ASYNC222

    assert status == 0
    assert (tmp_path / "ended").exists()


async def test_hands_have_the_umask_of_now(hands: Hands, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        async with hands.helping(10):
            first = hands.do(touch, (str(tmp_path / "mine"),), Halt())
        os.umask(0o022)
        async with hands.helping(10):
            second = hands.do(touch, (str(tmp_path / "everybodys"),), Halt())
    finally:
        os.umask(before)

    assert ME not in (first, second)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("mine", "everybodys")] == [0o600, 0o644]


@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_what_the_program_has_set_for_its_sockets_is_not_theirs(hands: Hands, seconds: float) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        async with hands.helping(10):
            assert hands.do(whereabouts, (), Halt()) != ME
    finally:
        socket.setdefaulttimeout(before)


async def test_a_forked_child_has_none_of_its_parents_hands(hands: Hands) -> None:
    async with hands.helping(10):
        mine = hands.do(whereabouts, (), Halt())
        child = os.fork()
        if not child:
            os._exit(0 if hands.do(whereabouts, (), Halt()) == os.getpid() else 1)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222

        assert status == 0
        assert hands.do(whereabouts, (), Halt()) == mine


def test_a_hand_is_told_nothing_on_its_standard_streams() -> None:
    hand = Hand("json")
    while not hand.is_ready():
        time.sleep(0.002)
    try:
        assert hand.do(print, ("hello",), Halt()) is not None
        assert hand.do(whereabouts, (), Halt()) is not None
    finally:
        hand.close()


def test_engines_have_a_hand_for_each_core_but_one(aws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lading.transfer.engine.cores", lambda: 3)
    store = FolderStore(tmp_path)

    assert Engine(store).lanes.hands.most == 2
    assert Engine(store, concurrency=2).lanes.hands.most == 1
    assert Engine(store, limits=Limits(4, 4)).lanes.hands.most == 0
    assert Engine(MemoryStore()).lanes.hands.most == 0  # which no other process sees
    assert Engine(open_store("s3://bucket"), max_bandwidth=10**6).lanes.hands.most == 0


def test_only_keys_at_hand_are_given_to_other_processes(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys = open_store("s3://bucket")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with_what_somebody_is_asked_for = open_store("s3://bucket")

    assert is_portable(with_keys)
    assert not is_portable(with_what_somebody_is_asked_for)
