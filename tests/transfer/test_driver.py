"""The driver: what a scheduler says happens, and ends."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from lading.errors import StoreError, StoreUnavailableError
from lading.transfer.driver import Partly, Spent, drive, persist
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits, Reissue, Retry

QUICK = Retry(unanswered=3, base=0.0)
LIMITS = Limits(2, 2)


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(("small", "bulk"), [((), ()), ("abcde", ()), ((), "vwxyz"), ("abc", "xyz")])
async def test_all_work_is_done_once(small: tuple[str, ...], bulk: tuple[str, ...]) -> None:
    done = list[str]()

    async def execute(work: str) -> None:
        await asyncio.sleep(0)
        done.append(work)

    await drive(execute, small=small, bulk=bulk, limits=LIMITS, retry=QUICK, meter=Meter())

    assert sorted(done) == sorted([*small, *bulk])


async def test_work_that_never_waits_is_done_too() -> None:
    done = list[int]()

    async def execute(work: int) -> None:
        done.append(work)

    await drive(execute, small=range(1000), limits=LIMITS, retry=QUICK, meter=Meter())

    assert done == list(range(1000))


async def test_no_more_runs_at_the_same_time_than_may() -> None:
    running, most = dict.fromkeys("sb", 0), dict.fromkeys("sb", 0)

    async def execute(work: str) -> None:
        running[work] += 1
        most[work] = max(most[work], running[work])
        await asyncio.sleep(0.001)
        running[work] -= 1

    await drive(execute, small=["s"] * 20, bulk=["b"] * 20, limits=Limits(3, 2), retry=QUICK, meter=Meter())

    assert most == {"s": 3, "b": 2}


async def test_after_a_failure_what_runs_ends_and_nothing_starts() -> None:
    ended, began = list[str](), list[str]()

    async def execute(work: str) -> None:
        began.append(work)
        if work == "bad":
            raise StoreError("broken")
        await asyncio.sleep(0.005)
        ended.append(work)

    with pytest.raises(StoreError, match="broken"):
        await drive(execute, small=["a", "bad", "never"], bulk=["x"], limits=LIMITS, retry=QUICK, meter=Meter())

    assert sorted(began) == ["a", "bad", "x"]
    assert sorted(ended) == ["a", "x"]


async def test_a_failure_is_tried_again_and_counted() -> None:
    failures, meter = iter([StoreUnavailableError("1"), StoreUnavailableError("2")]), Meter()

    async def execute(work: str) -> None:
        del work
        if error := next(failures, None):
            raise error

    await drive(execute, small=["a"], limits=LIMITS, retry=QUICK, meter=meter)

    assert meter.statistics().retries == 2


async def test_what_was_done_in_part_goes_on_with_the_rest() -> None:
    seen = list[list[int]]()

    async def execute(work: list[int]) -> None:
        seen.append(work)
        if len(work) > 1:
            raise Partly(work[1:], StoreUnavailableError("one at a time"))

    await drive(execute, small=[[1, 2, 3]], limits=LIMITS, retry=QUICK, meter=Meter())

    assert seen == [[1, 2, 3], [2, 3], [3]]


async def test_what_is_spent_is_not_tried_again_and_its_cause_is_raised() -> None:
    tries = 0

    async def execute(work: str) -> None:
        nonlocal tries
        del work
        tries += 1
        raise Spent(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError, match="down"):
        await drive(execute, bulk=["a"], limits=LIMITS, retry=QUICK, meter=Meter())

    assert tries == 1


async def test_a_source_that_fails_is_raised_as_it_is() -> None:
    def source() -> Iterator[str]:
        yield "a"
        raise ZeroDivisionError

    async def execute(work: str) -> None:
        del work
        await asyncio.sleep(0)

    with pytest.raises(ZeroDivisionError):
        await drive(execute, small=source(), limits=LIMITS, retry=QUICK, meter=Meter())


async def test_cancellation_reaches_what_runs_and_is_waited_for() -> None:
    cleaned = list[str]()
    all_run = asyncio.Event()

    async def execute(work: str) -> None:
        try:
            if work == "d":
                all_run.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.002)
            cleaned.append(work)

    task = asyncio.create_task(drive(execute, small="ab", bulk="cd", limits=LIMITS, retry=QUICK, meter=Meter()))
    await all_run.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(cleaned) == list("abcd")


async def test_a_wait_for_a_retry_can_be_cancelled() -> None:
    failed = asyncio.Event()

    async def execute(work: str) -> None:
        failed.set()
        raise StoreUnavailableError(work)

    task = asyncio.create_task(
        drive(execute, small="a", limits=LIMITS, retry=Retry(base=1e6, cap=1e6, deadline=1e9), meter=Meter())
    )
    await failed.wait()
    await asyncio.sleep(0.001)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_spins_while_due_work_has_no_slot() -> None:
    async def seconds() -> float:
        failures = iter([StoreUnavailableError("once")])

        async def execute(work: str) -> None:
            if work == "a" and (error := next(failures, None)):
                raise error
            await asyncio.sleep(0.03)

        began = time.thread_time()
        await drive(execute, bulk="abc", limits=Limits(1, 1), retry=QUICK, meter=Meter())
        return time.thread_time() - began

    assert min([await seconds() for _ in range(3)]) < 0.03  # the least is the least disturbed


async def test_slow_work_is_cancelled_and_done_again_once_that_has_ended() -> None:
    log, meter = list[str](), Meter()

    async def execute(work: str) -> float:
        log.append(work)
        if work == "slow" and log.count("slow") == 1:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.001)
                log.append("ended")
        return 1.0

    async with asyncio.timeout(30):
        await drive(
            execute,
            bulk=["a", "b", "c", "slow"],
            limits=LIMITS,
            retry=QUICK,
            meter=meter,
            reissue=Reissue(times=1.0, least=0.02),
        )

    assert log == ["a", "b", "c", "slow", "ended", "slow"]
    assert (meter.statistics().reissued, meter.statistics().retries) == (1, 0)


async def test_slow_work_that_was_just_done_when_it_was_cancelled_is_done() -> None:
    tries = 0

    async def execute(work: str) -> float:
        nonlocal tries
        if work == "slow":
            tries += 1
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return 1.0

    async with asyncio.timeout(30):
        await drive(execute, bulk=["a", "b", "c", "slow"], limits=LIMITS, retry=QUICK, meter=Meter(), reissue=Reissue(least=0.02))

    assert tries == 1


async def test_one_call_is_tried_again_until_it_has_a_result() -> None:
    failures = iter([StoreUnavailableError("1"), StoreUnavailableError("2")])

    async def call() -> str:
        if error := next(failures, None):
            raise error
        return "result"

    assert await persist(call, retry=QUICK, meter=Meter()) == "result"


async def test_one_call_that_stays_wrong_raises() -> None:
    async def call() -> str:
        raise StoreUnavailableError("down")

    with pytest.raises(StoreUnavailableError, match="down"):
        await persist(call, retry=QUICK, meter=Meter())
