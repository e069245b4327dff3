"""Blocking work is waited for, whatever is cancelled."""

import asyncio
import threading

import pytest

from lading.store.threads import in_thread, to_the_end


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
