"""The budget of memory: lent in order, and given back whatever happens."""

import asyncio
import os
import random
import threading
from functools import partial
from pathlib import Path

import pytest

from lading.transfer.bridged import bridged
from lading.transfer.budget import BudgetStatistics, ByteBudget, default_memory, memory_limit, shared_budget


async def hold(budget: ByteBudget, size: int, log: list[int], release: asyncio.Event | None = None) -> None:
    async with budget.loan(size):
        log.append(size)
        if release:
            await release.wait()


async def ticks(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_borrowers_are_served_in_order_even_if_a_later_one_would_fit() -> None:
    budget, log, release = ByteBudget(10), list[int](), asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        for size in (8, 7, 1):
            tasks.create_task(hold(budget, size, log, release if size == 8 else None))
            await ticks()
        waiting = budget.statistics()
        release.set()

    assert waiting == BudgetStatistics(10, 8, 2)
    assert log == [8, 7, 1]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_the_oldest_is_granted_even_more_than_there_is() -> None:
    budget, log = ByteBudget(10), list[int]()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for size in (100, 3, 1000, 3):
            tasks.create_task(hold(budget, size, log))

    assert log == [100, 3, 1000, 3]
    assert budget.statistics().lent == 0


async def test_what_a_blocking_call_is_for_borrows_whatever_a_loop_that_it_holds_up_has_and_waits_for() -> None:
    budget, log = ByteBudget(10), list[int]()
    over, release = asyncio.Event(), asyncio.Event()

    async def blocking(size: int) -> None:
        bridged.set(True)
        await hold(budget, size, log, release)

    async with asyncio.TaskGroup() as tasks:
        for size in (9, 8):
            tasks.create_task(hold(budget, size, log, over))
        await ticks()
        for size in (7, 6):
            tasks.create_task(blocking(size))
        await ticks()
        assert log == [9, 7]
        release.set()
        await ticks()
        assert log == [9, 7, 6]
        assert budget.statistics() == BudgetStatistics(10, 9, 1)
        over.set()

    assert log == [9, 7, 6, 8]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_a_borrower_that_gives_up_lets_the_next_one_in() -> None:
    budget, log, release = ByteBudget(10), list[int](), asyncio.Event()
    holder = asyncio.create_task(hold(budget, 5, log, release))
    await ticks()
    large, small = asyncio.create_task(hold(budget, 9, log)), asyncio.create_task(hold(budget, 4, log))
    await ticks()

    large.cancel()
    await asyncio.gather(large, return_exceptions=True)
    await small
    release.set()
    await holder

    assert log == [5, 4]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_a_loan_granted_at_the_moment_of_cancellation_comes_back() -> None:
    budget, log, release = ByteBudget(10), list[int](), asyncio.Event()
    holder = asyncio.create_task(hold(budget, 10, log, release))
    await ticks()
    waiter = asyncio.create_task(hold(budget, 10, log))
    await ticks()

    release.set()
    await holder
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)

    assert log == [10]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


@pytest.mark.parametrize("when", range(12))
async def test_loans_come_back_wherever_a_cancellation_hits(when: int) -> None:
    budget, log = ByteBudget(10), list[int]()

    async def brief(size: int) -> None:
        async with budget.loan(size):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(brief(size)) for size in (6, 6, 6, 3)]
    await ticks(when)
    for task in tasks[1:3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await hold(budget, 10, log)

    assert log == [10]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


def test_event_loops_of_several_threads_share_it() -> None:
    budget, most = ByteBudget(10), list[int]()

    async def borrow(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(100):
            async with budget.loan(draw.randint(1, 6)):
                most.append(budget.statistics().lent)
                await asyncio.sleep(0)

    async def several(seed: int) -> None:
        await asyncio.gather(*(borrow(seed * 10 + number) for number in range(5)))

    def run(seed: int) -> None:
        asyncio.run(several(seed))

    threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert max(most) <= 10
    assert len(most) == 2000
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_a_borrower_whose_loop_was_closed_is_passed_over() -> None:
    budget, log = ByteBudget(10), list[int]()

    def abandon() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(hold(budget, 5, log))
        loop.run_until_complete(ticks())
        loop.close()
        gone.append(task)

    gone = list[asyncio.Task[None]]()
    async with budget.loan(10):
        await asyncio.to_thread(abandon)
        last = asyncio.create_task(hold(budget, 10, log))
        await ticks()
    await last
    gone[0]._log_destroy_pending = False  # type: ignore[attr-defined]  # this is what the test is about

    assert log == [10]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


def cgroup(
    tmp_path: Path,
    limits: dict[str, str],
    own: str = "0::/a/b\n",
    meminfo: str = "MemTotal: 1000 kB\n",
    name: str = "memory.max",
) -> int:
    root = tmp_path / "cgroup"
    for folder, limit in limits.items():
        place = root / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(limit)
    (tmp_path / "own").write_text(own)
    (tmp_path / "meminfo").write_text(meminfo)
    return memory_limit(tmp_path / "own", root, tmp_path / "meminfo")


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({}, 1000 << 10),
        ({"a/b": "max\n"}, 1000 << 10),
        ({"a/b": "5000\n"}, 5000),
        ({"a/b": "5000\n", "a": "3000\n"}, 3000),
        ({"a/b": "max\n", ".": "2000\n"}, 2000),
        ({"other": "1\n"}, 1000 << 10),
    ],
)
def test_the_tightest_limit_above_the_process_counts(tmp_path: Path, limits: dict[str, str], limit: int) -> None:
    assert cgroup(tmp_path, limits) == limit


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({"memory/a/b": "5000\n"}, 5000),
        ({"memory/a/b": "9223372036854771712\n", "memory/a": "3000\n"}, 3000),  # the first is how it says "none"
        ({"memory": "2000\n"}, 2000),  # as a container sees it
        ({"cpu/a/b": "1\n"}, 1000 << 10),
    ],
)
def test_groups_of_the_first_version_count_too(tmp_path: Path, limits: dict[str, str], limit: int) -> None:
    own = "4:cpu,cpuacct:/a/b\n3:hugetlb,memory:/a/b\n0::/x\n"

    assert cgroup(tmp_path, limits, own, name="memory.limit_in_bytes") == limit


def test_files_that_are_not_there_or_odd_limit_nothing(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "no", tmp_path / "no", tmp_path / "no") == 4 << 30
    assert cgroup(tmp_path, {}, own="", meminfo="nonsense") == 4 << 30


def test_the_default_is_within_its_bounds_and_shared() -> None:
    assert 32 << 20 <= default_memory() <= 80 << 20
    assert shared_budget() is shared_budget()
    assert shared_budget().total == default_memory()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_owes_nothing_of_what_its_parent_borrowed() -> None:
    async def lend() -> int:
        async with shared_budget().loan(1000):
            pid = os.fork()
            if pid == 0:
                os._exit(int(shared_budget().statistics().lent != 0))
            return pid

    child = asyncio.run(lend())

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- what is kept ----------------------------------------------------------------------------------------------------------------


async def test_what_is_kept_goes_to_a_borrower_who_needs_it_the_longest_unused_first() -> None:
    budget, gone = ByteBudget(10), list[str]()
    first, second, third = (budget.keep(3, partial(gone.append, name)) for name in "abc")
    assert first is not None
    budget.use(first)

    async with budget.loan(4):
        assert gone == ["b"]
        assert budget.statistics() == BudgetStatistics(10, 10, 0)
        async with budget.loan(6):
            assert gone == ["b", "c", "a"]

    for kept in (first, second, third):
        assert kept is not None
        budget.give_up(kept)
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_nothing_is_kept_that_somebody_waits_for_or_that_is_not_there() -> None:
    budget, log, release = ByteBudget(10), list[int](), asyncio.Event()
    kept = budget.keep(10, lambda: None)
    assert kept is not None
    assert budget.keep(1, lambda: None) is None

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hold(budget, 6, log, release))
        tasks.create_task(hold(budget, 6, log, release))
        await ticks()
        assert log == [6]
        assert budget.keep(1, lambda: None) is None
        release.set()

    assert log == [6, 6]
    assert budget.statistics() == BudgetStatistics(10, 0, 0)


async def test_keeping_it_no_longer_lets_others_go_on() -> None:
    budget, log = ByteBudget(10), list[int]()
    kept = budget.keep(4, lambda: log.append(-1))
    assert kept is not None

    budget.give_up(kept)
    budget.give_up(kept)
    await hold(budget, 10, log)

    assert log == [10]
    assert budget.statistics().lent == 0
