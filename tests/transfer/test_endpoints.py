"""Gates: slots that several drives, loops and threads share."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable

import pytest

from lading.errors import InvalidValueError, StoreUnavailableError
from lading.transfer.bridged import bridged
from lading.transfer.driver import Partly, drive
from lading.transfer.endpoints import GateStatistics, Opening, SharedGate, SharedGates, fixed_gates, gates_of
from lading.transfer.limiter import Fixed, Limiter
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Gates, Limits, Retry


def waker(heard: list[str], name: str) -> Callable[[], None]:
    return lambda: heard.append(name)


def test_who_waited_goes_first() -> None:
    heard = list[str]()
    gate, a, b = SharedGate(Fixed(1)), waker(heard, "a"), waker(heard, "b")

    taken = gate.take(0.0, a)
    waits = gate.take(0.0, b)
    gate.ended(1.0)
    again = gate.take(1.0, a)

    assert (taken, waits, again) == (True, False, False)
    assert heard == ["b"]
    assert gate.take(1.0, b)


def test_who_leaves_is_not_waited_for() -> None:
    heard = list[str]()
    gate, a, b, c = SharedGate(Fixed(1)), waker(heard, "a"), waker(heard, "b"), waker(heard, "c")
    gate.take(0.0, a)
    gate.take(0.0, b)
    gate.take(0.0, c)

    gate.ended(1.0)
    gate.leave(b)

    assert heard == ["b", "c"]
    assert gate.take(1.0, c)


def test_a_loop_that_does_not_come_keeps_one_slot_from_others_and_no_more() -> None:
    gate, stuck, other = SharedGate(Fixed(3)), waker([], "stuck"), waker([], "other")
    for _ in range(3):
        gate.take(0.0, other)
    gate.take(0.0, stuck)

    for _ in range(3):
        gate.ended(1.0)

    assert [gate.take(1.0, other) for _ in range(3)] == [True, True, False]
    assert gate.statistics() == GateStatistics(limit=3, in_flight=2, waiting=2)


def test_what_a_blocking_call_is_for_has_one_slot_whatever_a_loop_that_it_holds_up_has() -> None:
    gate, heard = SharedGate(Fixed(1)), list[str]()
    one, other = waker(heard, "one"), waker(heard, "other")
    assert gate.take(0.0, waker(heard, "held up"))

    def blocking() -> None:
        bridged.set(True)
        assert gate.take(0.0, one)
        assert not gate.take(0.0, other)
        gate.ended(0.0)
        assert heard == ["other"]
        assert gate.take(0.0, other)
        gate.ended(0.0)

    contextvars.copy_context().run(blocking)
    assert gate.statistics() == GateStatistics(1, 1, 0)
    assert not gate.take(0.0, one)


def test_a_limit_that_rises_is_told_to_those_who_wait() -> None:
    heard = list[str]()
    gate, a = SharedGate(Limiter(2)), waker(heard, "a")
    for _ in range(4):
        gate.take(0.0, a)

    for now in (1.0, 2.0, 3.0, 4.0, 5.0):
        gate.succeeded(now, 1.0, 1.0)
        gate.take(now, a)

    assert gate.limit > 2
    assert heard


def test_a_gate_that_is_widened_tells_who_waits_and_is_as_narrow_as_before_afterwards() -> None:
    gate, told = SharedGate(Fixed(1)), list[str]()
    assert gate.take(0.0, lambda: None)
    wake = lambda: told.append("come")  # noqa: E731
    assert not gate.take(0.0, wake)

    with gate.widened(1):
        assert told == ["come"]
        assert gate.take(0.0, wake)
        gate.ended(0.0)

    assert (gate.limit, gate.take(0.0, wake)) == (1, False)


def test_more_is_opened_only_while_slots_would_stay_idle() -> None:
    heard = list[str]()
    parts, outer, inner = SharedGate(Fixed(2)), waker(heard, "outer"), waker(heard, "inner")
    opening = Opening(parts)

    first = opening.take(0.0, outer)
    parts.take(0.0, inner)
    second = opening.take(0.0, outer)
    parts.take(0.0, inner)
    opening.ended(1.0)
    third = opening.take(1.0, outer)
    parts.ended(2.0)

    assert (first, second, third) == (True, True, False)
    assert heard == ["outer"]
    assert opening.take(2.0, outer)


def test_endpoints_are_known_by_scheme_host_and_what_the_options_say_of_it() -> None:
    one = gates_of("s3://bucket-of-a-test/a?profile=x")

    assert gates_of("s3://bucket-of-a-test/b") is one
    assert gates_of("s3://another-bucket/a") is not one
    assert gates_of("s3://bucket-of-a-test/a?endpoint=http://here") is not one
    assert gates_of("s3://bucket-of-a-test/a", 3).limits == Limits(1, 2)
    with pytest.raises(InvalidValueError):
        gates_of("s3://bucket-of-a-test/a", 0)


async def test_drives_that_share_a_gate_never_exceed_it_and_all_get_their_turn() -> None:
    gates, running, most, done = fixed_gates(Limits(1, 3)), 0, 0, list[str]()

    async def execute(work: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.0005)
        running -= 1
        done.append(work)

    async def one(name: str) -> None:
        await drive(execute, bulk=[name] * 30, limits=gates.parts(), retry=Retry(), meter=Meter())

    async with asyncio.timeout(30):
        await asyncio.gather(*map(one, "abcde"))

    assert most == 3
    assert set(done[:30]) == set("abcde")
    assert gates.bulk.statistics() == GateStatistics(3, 0, 0)


async def test_nested_drives_fill_all_slots_and_no_more() -> None:
    gates, running, most = fixed_gates(Limits(1, 4)), 0, 0

    async def part(work: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.0005)
        running -= 1

    async def file(parts: int) -> None:
        await drive(part, bulk=range(parts), limits=gates.parts(), retry=Retry(), meter=Meter())

    async with asyncio.timeout(30):
        await drive(file, bulk=[1, 1, 20, 1, 20, 1, 1, 1, 1, 20], limits=gates.opening(), retry=Retry(), meter=Meter())

    assert most == 4
    assert gates.bulk.statistics() == GateStatistics(4, 0, 0)


async def test_what_is_due_later_is_not_forgotten_while_others_hold_all_slots() -> None:
    gates, failed = fixed_gates(Limits(1, 1)), list[str]()

    async def execute(work: str) -> None:
        if work == "once" and not failed:
            failed.append(work)
            raise StoreUnavailableError("503", throttled=True)
        await asyncio.sleep(0.02)

    async with asyncio.timeout(30):
        await asyncio.gather(
            drive(execute, bulk=["once"], limits=gates.parts(), retry=Retry(base=0.005), meter=Meter()),
            drive(execute, bulk=["long"] * 2, limits=gates.parts(), retry=Retry(), meter=Meter()),
        )

    assert failed == ["once"]


async def test_a_drive_that_is_cancelled_or_fails_gives_all_slots_back() -> None:
    gates, began = fixed_gates(Limits(2, 2)), asyncio.Event()

    async def hang(work: int) -> None:
        began.set()
        await asyncio.Event().wait()

    async def fail(work: int) -> None:
        raise StoreUnavailableError("down")

    task = asyncio.create_task(drive(hang, small=range(9), bulk=range(9), limits=gates.parts(), retry=Retry(), meter=Meter()))
    await began.wait()
    task.cancel()
    outcome = await asyncio.gather(
        task,
        drive(fail, bulk=range(9), limits=gates.parts(), retry=Retry(unanswered=1), meter=Meter()),
        return_exceptions=True,
    )

    assert [type(each) for each in outcome] == [asyncio.CancelledError, StoreUnavailableError]
    assert gates.small.statistics() == gates.bulk.statistics() == GateStatistics(2, 0, 0)


async def test_a_batch_of_which_little_was_refused_is_no_refusal() -> None:
    gates = SharedGates(SharedGate(Limiter(4)), SharedGate(Limiter(4)))
    failures = dict.fromkeys(range(60), 1)

    async def execute(work: int) -> float:
        await asyncio.sleep(0)
        if failures.pop(work, 0):
            raise Partly(work, StoreUnavailableError("503", throttled=True), amount=15.0)
        return 1.0

    await drive(execute, small=range(60), limits=gates.parts(), retry=Retry(base=0.0), meter=Meter())

    assert gates.small.limit >= 4


async def test_nothing_starts_before_the_store_said_it_may() -> None:
    gates, began = fixed_gates(Limits(1, 2)), list[float]()
    loop = asyncio.get_running_loop()
    first = [StoreUnavailableError("503", throttled=True, retry_after=0.04)]

    async def execute(work: int) -> None:
        began.append(loop.time())
        if first:
            raise first.pop()

    async with asyncio.timeout(30):
        await drive(execute, bulk=range(3), limits=gates.parts(), retry=Retry(base=0.0), meter=Meter())

    assert len(began) == 4
    assert sum(at - began[0] < 0.04 for at in began) <= 2  # those that had begun


def test_loops_of_several_threads_share_a_gate() -> None:
    gates, lock, running, most = fixed_gates(Limits(1, 2)), threading.Lock(), 0, 0

    async def execute(work: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        await asyncio.sleep(0.0005)
        with lock:
            running -= 1

    def loop() -> None:
        asyncio.run(drive(execute, bulk=range(40), limits=gates.parts(), retry=Retry(), meter=Meter()))

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == 2
    assert gates.bulk.statistics() == GateStatistics(2, 0, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_all_slots_and_what_was_learned() -> None:
    gates = SharedGates(SharedGate(Fixed(1)), SharedGate(Limiter(7)))
    gates.bulk.take(0.0, waker([], "parent"))

    pid = os.fork()
    if pid == 0:
        os._exit(0 if gates.bulk.statistics() == GateStatistics(7, 0, 0) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert gates.bulk.statistics() == GateStatistics(7, 1, 0)


def test_gates_say_which_is_which() -> None:
    gates = Gates(SharedGate(Fixed(1)), SharedGate(Fixed(2)))

    assert (gates.of(False).limit, gates.of(True).limit) == (1, 2)
