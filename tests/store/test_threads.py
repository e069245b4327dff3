"""Blocking work is waited for, whatever is cancelled."""

import asyncio
import threading

import pytest

from lading.store.halt import Halt, Halted, halting
from lading.store.threads import aside, in_grace, in_thread, patiently, to_the_end


async def test_a_thread_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_cancellations_wait_until_the_thread_has_returned() -> None:
    release, log = threading.Event(), list[str]()

    def work() -> None:
        release.wait()
        log.append("returned")

    task = asyncio.create_task(in_thread(work))
    for _ in range(3):
        await asyncio.sleep(0.001)
        task.cancel()
    waiting = not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert waiting
    assert log == ["returned"]


async def test_what_must_not_be_cut_short_runs_to_its_end() -> None:
    log = list[str]()

    async def work() -> None:
        for step in "abc":
            await asyncio.sleep(0.001)
            log.append(step)

    task = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["a", "b", "c"]


async def test_an_error_after_a_cancellation_is_the_cancellation() -> None:
    async def work() -> None:
        await asyncio.sleep(0.001)
        raise ZeroDivisionError

    task = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def _waits(log: list[str], event: asyncio.Event) -> None:
    try:
        await event.wait()
        log.append("ended")
    except asyncio.CancelledError:
        log.append("cut short")
        raise


async def test_work_in_grace_ends_although_it_was_cancelled_if_it_is_quick() -> None:
    log, event = list[str](), asyncio.Event()
    task = asyncio.create_task(in_grace(_waits(log, event), 5.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    event.set()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["ended"]


@pytest.mark.parametrize("given_up", [False, True])
async def test_work_in_grace_is_cut_short_when_that_is_over(given_up: bool) -> None:
    log = list[str]()
    task = asyncio.create_task(in_grace(_waits(log, asyncio.Event()), 0.01, given_up=given_up))
    await asyncio.sleep(0)
    if not given_up:
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["cut short"]


async def test_work_in_grace_has_all_the_time_while_nobody_gives_up() -> None:
    log, event = list[str](), asyncio.Event()
    task = asyncio.create_task(in_grace(_waits(log, event), 0.001))
    await asyncio.sleep(0.01)
    event.set()
    await task

    assert log == ["ended"]


def test_a_lock_is_waited_for_until_the_work_is_given_up() -> None:
    lock, halt = threading.Lock(), Halt()

    with patiently(lock):
        held = lock.locked()
        halt.ask()
        with halting(halt), pytest.raises(Halted), patiently(lock):
            pass

    assert held
    assert not lock.locked()


def test_work_aside_gives_its_result_or_its_error_or_is_left_alone() -> None:
    release, halt, log = threading.Event(), Halt(), list[str]()

    def work() -> None:
        halt.ask()
        release.wait()
        log.append("done, for nobody")

    assert aside(lambda: 42) == 42
    with pytest.raises(TimeoutError, match="its own"):
        aside(_late)
    with halting(halt), pytest.raises(Halted):
        aside(work)
    assert log == []
    release.set()
    for thread in threading.enumerate():
        if thread.name == "lading-aside":
            thread.join()
    assert log == ["done, for nobody"]


def _late() -> None:
    raise TimeoutError("its own")
