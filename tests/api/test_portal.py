"""The bridge: blocking calls from anywhere, interrupted at any time."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest
import uvloop

import lading
from lading.api.portal import Work, blocking, launch, run
from lading.errors import UsageError

Make = Callable[..., lading.Artifact]


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


answer_now = blocking(answer)


async def boom() -> None:
    raise RuntimeError("boom")


async def sleep_or(cleaned: list[str]) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.02)
        cleaned.append("up")


# -- where it works ---------------------------------------------------------------------------------------------------------


def test_a_blocking_name_is_named_and_documented() -> None:
    assert lading.Artifact.download.__name__ == "download"
    assert lading.Artifact.download.__qualname__ == "Contents.download"
    assert lading.Artifact.download.__doc__ == lading.Artifact.download_async.__doc__


def test_it_gives_what_the_work_gives_and_raises_what_it_raises() -> None:
    assert answer_now(3) == 3
    with pytest.raises(RuntimeError, match="boom"):
        blocking(boom)()
    with pytest.raises(TypeError):
        answer_now()  # type: ignore[call-arg]  # pyright: ignore


def test_it_works_inside_a_running_loop() -> None:
    """DESIGN 7: "inside Jupyter and inside a running loop"."""

    async def cell() -> int:
        return answer_now(4)

    assert asyncio.run(cell()) == 4


def test_it_does_not_wait_for_transfers_of_the_loop_that_it_holds_up(dataset: Make, tmp_path: Path) -> None:
    artifact = dataset({str(number): str(number) for number in range(50)})

    async def cell(number: int) -> None:
        await artifact.download_async(tmp_path / f"{number}")
        artifact.download(tmp_path / f"{number} again")

    async def notebook() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as cells:
            for number in range(5):
                cells.create_task(cell(number))

    asyncio.run(notebook())

    assert [artifact.verify(tmp_path / f"{number} again") for number in range(5)] == [None] * 5


def test_threads_may_call_at_once() -> None:
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(answer_now, range(40))) == list(range(40))


def test_a_blocking_call_on_the_bridges_own_loop_is_refused() -> None:
    async def inner() -> int:
        return answer_now(1)

    with pytest.raises(UsageError, match="_async"):
        run(inner)


def test_work_may_be_launched_from_the_bridges_own_loop() -> None:
    async def outer() -> Work[int]:
        return launch(lambda: answer(7))

    work = run(outer)
    work.wait()
    assert work.result() == 7


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_bridge_of_its_own() -> None:
    """DESIGN 7: "safe after fork"."""
    assert answer_now(1) == 1
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            os.write(writer, b"%d" % answer_now(5))
        finally:
            os._exit(0)
    os.close(writer)

    with os.fdopen(reader) as answers:
        assert answers.read() == "5"
    os.waitpid(child, 0)
    assert answer_now(2) == 2


# -- given up -----------------------------------------------------------------------------------------------------------------


class Given(Exception):  # noqa: N818
    """What a signal handler raises."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Given])
def test_a_call_that_is_given_up_has_cleaned_up(error: type[BaseException]) -> None:
    """DESIGN 7: "giving up cancels and cleans up"."""
    cleaned: list[str] = []

    def handler(*_: object) -> None:
        raise error

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGALRM)  # which the main thread hears, while it waits for this
        await sleep_or(cleaned)

    old = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(error):
            run(work)
    finally:
        signal.signal(signal.SIGALRM, old)

    assert cleaned == ["up"]
    assert answer_now(1) == 1


def test_an_interrupt_at_any_moment_leaves_the_bridge_usable() -> None:
    def handler(*_: object) -> None:
        raise Given

    old = signal.signal(signal.SIGALRM, handler)
    given, began = 0, time.perf_counter()
    try:
        for step in range(100):
            cleaned: list[str] = []
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + step * 5e-6)
                run(lambda cleaned=cleaned: sleep_or(cleaned))  # type: ignore[misc]
            except Given:
                given += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)

    assert given == 100
    assert time.perf_counter() - began < 50  # none of them slept to its end
    assert answer_now(1) == 1


def test_work_that_is_cancelled_before_it_begins_ends() -> None:
    work = Work(lambda: answer(1))

    work.cancel()
    work.wait()
    work.begin()

    with pytest.raises(CancelledError):
        work.result()


def test_work_that_is_cancelled_ends_after_its_clean_up() -> None:
    cleaned: list[str] = []
    told: list[str] = []
    work = launch(lambda: sleep_or(cleaned))
    work.watch(lambda: told.append("ended"))
    answer_now(1)

    work.cancel()
    work.wait()

    with pytest.raises(CancelledError):
        work.result()
    assert (cleaned, told) == (["up"], ["ended"])
    work.watch(lambda: told.append("at once"))
    assert told == ["ended", "at once"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_of_a_process_that_used_it_may_use_it(dataset: Make) -> None:
    artifact = dataset({"a": "1"})
    artifact.download("one")
    if not (child := os.fork()):
        code = 1
        try:
            lading.Api().artifact("p/ds").download("two")
            with lading.init(project="p") as run:
                other = lading.Artifact("child", "dataset")
                with other.new_file("x") as file:
                    file.write("from the child")
                run.log_artifact(other)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0

    assert Path("two/a").read_text() == "1"
    assert lading.Api().artifact("p/child").version == "v0"
    assert artifact.verify("two") is None


def test_importing_it_is_fast_and_opens_nothing(home: Path) -> None:
    """DESIGN 7: "`import lading` takes under 0.1 s and opens nothing; embedded use does not import aiohttp"."""
    began = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, threading, lading\n"
            "assert threading.active_count() == 1\n"
            "assert not {'sqlalchemy', 'anyio', 'asyncio', 'lading.api'} & set(sys.modules)\n"
            "with lading.init(project='p') as run: run.log_artifact(lading.Artifact('ds')).download()\n"
            "print(sorted({'aiohttp', 'alembic', 'rich', 'numpy', 'platformdirs'} & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("['platformdirs']\n", "")
    assert time.perf_counter() - began < 20


# -- on whichever loop (the bridge keeps asyncio's own: docs/decisions/015) ---------------------------------------------------

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def test_the_bridge_has_asyncios_own_loop_where_uvloop_is_installed_too() -> None:
    code = (
        "import asyncio, sys, lading.api.portal as portal\n"
        "async def loop(): return type(asyncio.get_running_loop()).__module__.partition('.')[0]\n"
        "print(portal.run(loop), 'uvloop' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == ("asyncio False\n", "")


@LOOPS
def test_it_works_inside_any_running_loop(new_loop: NewLoop) -> None:
    async def cell() -> int:
        return answer_now(4)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(cell()) == 4


@LOOPS
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_transfers_run_on_any_loop_and_in_a_child_of_its_process(dataset: Make, new_loop: NewLoop) -> None:
    artifact = dataset({"a": "1", "b": "2" * 9_000_000})

    async def download(root: str) -> None:
        await artifact.download_async(root)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(download("one"))
        if not (child := os.fork()):
            code = 1
            try:
                artifact.download("two")
                with asyncio.Runner(loop_factory=new_loop) as own:
                    own.run(download("three"))
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        runner.run(download("four"))

    assert [artifact.verify(root) for root in ("one", "two", "three", "four")] == [None] * 4
