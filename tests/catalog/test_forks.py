"""Forking a process whose threads are inside SQLite."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lading.catalog import forks
from lading.catalog.forks import in_sqlite

_FORK_WHILE_LOGGING = """
import asyncio, itertools, os, sys, threading, time
from lading.catalog import open_catalog
from lading.testing.catalog_contract import log

catalog = asyncio.run(open_catalog(sys.argv[1]))
asyncio.run(log(catalog, "first"))
over = threading.Event()

def work(name):
    async def main():
        for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            await log(catalog, f"{name} {number}")
    asyncio.run(main())

threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
for thread in threads:
    thread.start()

async def look():
    again = await open_catalog(sys.argv[1])
    return (await catalog.latest("e", "p", "c")).state, (await again.latest("e", "p", "c")).state

def ended(pid):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (found := os.waitpid(pid, os.WNOHANG))[0]:
            return found[1]
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"

found = []
for _ in range(20):
    if (pid := os.fork()) == 0:
        try:
            asyncio.run(look())
            os._exit(0)
        except BaseException as error:
            print("child", repr(error), flush=True)
            os._exit(1)
    found.append(ended(pid))
    if found[-1]:
        break
over.set()
for thread in threads:
    thread.join()
print(*found)
"""


def exit_of_a_child() -> int:
    """Fork; the child ends at once if it can use SQLite."""
    if (pid := os.fork()) == 0:
        with in_sqlite():
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_no_child_of_a_process_whose_threads_log_hangs(file: Path) -> None:
    command = [sys.executable, "-P", "-W", "ignore", "-c", _FORK_WHILE_LOGGING, f"sqlite:///{file}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (done.stdout.split(), done.stderr) == (["0"] * 20, "")


def test_a_fork_waits_for_those_inside_and_they_for_it() -> None:
    order: list[str] = []
    inside = threading.Event()

    def call() -> None:
        with in_sqlite():
            inside.set()
            time.sleep(0.04)
            order.append("call")

    thread = threading.Thread(target=call)
    thread.start()
    inside.wait()
    code = exit_of_a_child()
    order.append("fork")
    thread.join()

    assert (order, code) == (["call", "fork"], 7)
    with in_sqlite():
        pass


def test_whoever_forks_inside_does_not_wait_for_itself() -> None:
    with in_sqlite(), in_sqlite():
        assert exit_of_a_child() == 7


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "PATIENCE", 0.02)
    inside, over = threading.Event(), threading.Event()

    def call() -> None:
        with in_sqlite():
            inside.set()
            over.wait()

    thread = threading.Thread(target=call)
    thread.start()
    inside.wait()

    assert exit_of_a_child() == 7

    over.set()
    thread.join()
