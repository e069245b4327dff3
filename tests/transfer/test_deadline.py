"""Deadlines: what is done in time, and what is not."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lading.errors import DeadlineError, InvalidValueError, LadingError
from lading.store.http.connection import close_idle
from lading.testing.http_faults import ALWAYS, Stall
from lading.testing.http_server import HttpServer
from lading.testing.trees import read_tree, seeded, write_tree
from lading.transfer import copy, sync
from lading.transfer.deadline import within


@pytest.mark.parametrize("seconds", [None, 10.0])
async def test_what_is_done_in_time_is_not_disturbed(seconds: float | None) -> None:
    async with within(seconds, "it"):
        await asyncio.sleep(0)


async def test_what_is_not_done_in_time_has_cleaned_up_when_the_error_says_so() -> None:
    seen: list[str] = []

    async def work() -> None:
        async with within(0.01, "it"):
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                seen.append("cleaned up")

    with pytest.raises(DeadlineError) as caught:
        await work()

    assert seen == ["cleaned up"]
    assert str(caught.value) == "it: not done within 0.01 seconds, and given up\n  hint: give it more time"
    assert (caught.value.what, caught.value.seconds, caught.value.code) == ("it", 0.01, "deadline")
    assert isinstance(caught.value, TimeoutError)


async def test_other_ends_of_the_block_pass_through() -> None:
    own, cancelled = TimeoutError("its own"), asyncio.CancelledError()

    for end in (own, cancelled, LadingError("broken")):
        with pytest.raises(type(end)) as caught:
            async with within(10.0, "it"):
                raise end
        assert caught.value is end


async def test_who_is_cancelled_while_it_runs_out_is_cancelled() -> None:
    async def work() -> None:
        async with within(0.01, "it"):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            waiting.set()
            await asyncio.Event().wait()

    waiting = asyncio.Event()
    task = asyncio.ensure_future(work())
    await waiting.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
async def test_less_than_some_time_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidValueError, match="more than 0"):
        async with within(seconds, "it"):
            raise AssertionError


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """All that it sends stands still after a byte."""
    with HttpServer({"/a": seeded(20 << 20)}) as server:
        server.fail(Stall(1), method="GET", times=ALWAYS)
        yield server
        close_idle()


async def test_a_copy_that_is_not_done_in_time_is_named_and_leaves_nothing(server: HttpServer, tmp_path: Path) -> None:
    began = time.monotonic()

    with pytest.raises(DeadlineError, match=rf"^the copy of {server.url}/a to {tmp_path}/: not done within 0\.2 seconds"):
        await copy(f"{server.url}/a?token=hidden", f"{tmp_path}/", deadline=0.2)

    assert time.monotonic() - began < 5  # and not the ten seconds for which who has no deadline waits for a byte
    assert read_tree(tmp_path) == {}


async def test_a_copy_that_is_done_in_time_is_done(tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"a": b"a"})

    report = await sync(f"{tmp_path}/x/", f"{tmp_path}/y/", deadline=10.0)

    assert report.progress.files_done == 1
    assert read_tree(tmp_path / "y") == {"a": b"a"}
