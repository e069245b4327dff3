import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.api.cli.failures import InterruptedWork
from lading.api.cli.work import run_to_end

from .conftest import Lading

Shell = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """6,000 files, and one of 300 MB."""
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(6000):
        (folder / f"{index}.txt").write_bytes(str(index).encode() * 100)
    with (folder / "large.bin").open("wb") as file:
        file.truncate(300_000_000)
    return folder


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_put_leaves_nothing_half_written(
    shell: Shell, lading: Lading, many: Path, home: Path, signal_number: int, code: int
) -> None:
    process = shell("put", str(many), "-n", "pets/many")
    while process.poll() is None and not any(
        found for part in ("tmp", "objects") for found in (home / "store").glob(f"{part}/*")
    ):
        time.sleep(0.005)
    process.send_signal(signal_number)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == "interrupted; nothing half-written was left"
    assert [path for path in (home / "store/tmp").rglob("*") if path.is_file()] == []
    assert lading("ls", "pets", "-q").out == ""


def test_after_it_the_same_put_succeeds(shell: Shell, lading: Lading, cats: Path, home: Path) -> None:
    process = shell("put", str(cats))
    while process.poll() is None and not home.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert lading("put", "cats").code == 0


def test_cancelled_work_cleans_up_before_the_interrupt_goes_on() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(InterruptedWork) as caught:
        run_to_end(work)

    assert (seen, caught.value.exit_code) == (["cleaned"], 130)
    assert signal.getsignal(signal.SIGINT) is before


def test_work_that_ended_all_the_same_has_ended() -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            pass

    run_to_end(work)


def test_an_error_while_cleaning_up_is_still_an_interrupt() -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(10)
        finally:
            raise ValueError

    with pytest.raises(InterruptedWork):
        run_to_end(work)


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        run_to_end(work)
    finally:
        signal.signal(signal.SIGTERM, before)
