"""Collections that are killed, and logs that go on beside them: no committed version ever misses a byte."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.upkeep.garbage import Freed

from .conftest import Log

ROOT = Path(__file__).resolve().parents[2]
Collected = Callable[..., Freed]
POINTS = (
    *("after:take_turn", "after:end_late_sessions", "before:condemn", "after:condemn", "before:doom", "after:doom"),
    *("before:delete", "in:delete", "after:delete", "before:dropped", "after:dropped", "before:end_turn"),
)


def start(*args: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".src")}
    script = str(Path(__file__).with_name("collecting.py"))
    return subprocess.Popen([sys.executable, script, *args], env=environment, stdout=subprocess.PIPE, text=True)


def needed() -> set[str]:
    """The digests of all content that committed versions have; each is downloaded and verified on the way."""
    digests: set[str] = set()
    api = lading.Api()
    for collection in api.artifact_type("dataset").collections():
        for version in collection.artifacts():
            version.verify(version.download(f"out/{version.name}", rehash=True))
            digests |= {entry.digest for entry in version.manifest.entries.values()}
    return digests


def digests_of(keys: list[str]) -> set[str]:
    return {"".join(key.split("/")[-2:]) for key in keys}


@pytest.mark.parametrize("point", POINTS)
def test_a_collection_may_die_at_any_step(point: str, log: Log, collected: Collected, stored: Callable[..., list[str]]) -> None:
    old = {"both": "both", "old": "old"}
    log(old, "gone").delete(delete_aliases=True)
    log({"both": "both", "new": "new"}, "kept")

    with start("die", point) as process:
        code = process.wait(60)
    log(old | {"more": "more"}, "again")  # needs what is going, or gone
    log({"x": "x"}, "other").delete(delete_aliases=True)
    collected()

    assert code == -signal.SIGKILL
    assert digests_of(stored("objects/")) == needed()
    assert collected() == Freed()


def test_logs_go_on_while_collections_run_and_are_killed(
    log: Log, collected: Collected, stored: Callable[..., list[str]]
) -> None:
    log({"first": "first"}, "first")
    freed = 0
    loggers = [start("log", f"ds{seed}", str(seed)) for seed in range(2)]
    while any(logger.poll() is None for logger in loggers):
        with start("loop") as collector:
            assert collector.stdout is not None
            freed += sum(int(collector.stdout.readline() or 0) for _ in range(3))
            collector.kill()
    codes = [logger.wait(60) for logger in loggers]
    for logger in loggers:
        logger.communicate()
    collected()

    assert codes == [0, 0]
    assert freed > 0
    assert digests_of(stored("objects/")) == needed()
    assert collected() == Freed()
