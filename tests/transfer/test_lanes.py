"""Lanes: whoever was told to stop has stopped before the cancellation goes on."""

import asyncio
import gc
import os
import threading
from collections.abc import Iterator

import pytest

from lading.store.halt import Halt
from lading.transfer.lanes import PIECE, Lanes, buffer


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    made = Lanes(2)
    yield made
    made.close()


async def test_work_runs_in_another_thread_and_its_result_comes_back(lanes: Lanes) -> None:
    assert await lanes.run(lambda halt: threading.current_thread().name) != threading.current_thread().name
    assert await lanes.run(lambda halt: 42) == 42


async def test_errors_come_back(lanes: Lanes) -> None:
    def fail(halt: Halt) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lanes.run(fail)


async def test_a_cancellation_waits_until_the_work_has_returned(lanes: Lanes) -> None:
    began, log = threading.Event(), list[str]()

    def work(halt: Halt) -> None:
        began.set()
        while not halt.asked:
            pass
        log.append("halted")

    task = asyncio.create_task(lanes.run(work))
    await asyncio.to_thread(began.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["halted"]


async def test_a_second_cancellation_does_not_cut_the_wait_short(lanes: Lanes) -> None:
    began, release, log = threading.Event(), threading.Event(), list[str]()

    def work(halt: Halt) -> None:
        began.set()
        release.wait()
        log.append("returned")

    task = asyncio.create_task(lanes.run(work))
    await asyncio.to_thread(began.wait)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.001)
    still_waiting = not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert still_waiting
    assert log == ["returned"]


async def test_an_error_of_cancelled_work_is_not_reported_anywhere(lanes: Lanes) -> None:
    reported = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    began = threading.Event()

    def work(halt: Halt) -> None:
        began.set()
        while True:
            halt.check()

    task = asyncio.create_task(lanes.run(work))
    await asyncio.to_thread(began.wait)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    del task
    gc.collect()
    await asyncio.sleep(0)

    assert reported == []


async def test_work_that_waits_for_a_lane_is_not_begun_after_a_cancellation_and_not_waited_for(lanes: Lanes) -> None:
    release, begun = threading.Event(), list[str]()
    busy = [asyncio.create_task(lanes.run(lambda halt: release.wait())) for _ in range(2)]
    await asyncio.sleep(0)
    queued = asyncio.create_task(lanes.run(lambda halt: begun.append("begun")))
    await asyncio.sleep(0)

    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(queued, 30)
    release.set()
    await asyncio.gather(*busy)
    await lanes.run(lambda halt: None)

    assert begun == []


def test_several_event_loops_share_the_lanes(lanes: Lanes) -> None:
    names = set[str]()

    async def work() -> None:
        for _ in range(20):
            names.add(await lanes.run(lambda halt: threading.current_thread().name))

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= len(names) <= 2


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_lanes_of_its_own(lanes: Lanes) -> None:
    asyncio.run(lanes.run(lambda halt: None))

    pid = os.fork()
    if pid == 0:
        result = asyncio.run(lanes.run(lambda halt: 42))
        os._exit(0 if result == 42 else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert asyncio.run(lanes.run(lambda halt: 7)) == 7


async def test_closed_lanes_leave_no_thread_and_may_be_closed_again(lanes: Lanes) -> None:
    thread = await lanes.run(lambda halt: threading.current_thread())

    lanes.close()
    lanes.close()

    assert not thread.is_alive()


async def test_each_lane_has_one_buffer_that_it_keeps() -> None:
    one = Lanes(1)

    here = buffer()
    first, second = [await one.run(lambda halt: id(buffer().obj)) for _ in range(2)]
    one.close()

    assert first == second != id(here.obj)
    assert len(here) == PIECE
