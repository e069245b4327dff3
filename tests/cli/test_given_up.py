"""Moves to and from buckets that are given up, by Ctrl-C, by kill -9 or by a deadline: what is left, and what moves then."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.testing.http_faults import ALWAYS, Deaf, Reply, Seen, Serving
from lading.testing.sites import Site
from lading.testing.trees import read_tree, seeded, write_tree

from .conftest import Lading, Shell, bodies

PART = 16 << 20
BIG = seeded(2 * PART + 5)
SECOND = 1.0  # in which whatever is given up has ended and is undone
TIMES = 3  # of which one must be as it should: a machine may stand still for a moment, and what is to be undone is not waited for
MOVES = ["cp up", "cp down", "put", "get"]


def command(move: str, site: Site) -> list[str]:
    """The command line of a move of `big.bin`."""
    flags = ["--endpoint", site.options["endpoint"], *(["--anonymous"] if "anonymous" in site.options else [])]
    return {
        "cp up": ["cp", *flags, "in/big.bin", site.address("big.bin")],
        "cp down": ["cp", *flags, site.address("big.bin"), "out/"],
        "put": ["put", "in", "--name", "ds"],
        "get": ["get", "ds:latest", "--root", "out"],
    }[move]


@dataclass(frozen=True)
class Unanswered:
    """The last part is neither taken nor given; all else is."""

    def is_about(self, seen: Seen) -> bool:
        return (
            f"bytes={2 * PART}-" in seen.headers.get("range", "")
            or re.search(rf"partNumber=3\b|{2 * PART}-", seen.target) is not None
        )

    def apply(self, server: Serving, seen: Seen, reply: Callable[[], Reply]) -> Reply:
        return Reply(200, raw=b"", stall=True) if self.is_about(seen) else reply()


def prepared(move: str, site: Site, lading: Lading, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be moved is there, one part after the other will be, and the last will not be answered."""
    write_tree(folder / "in", {"big.bin": BIG})
    if move == "cp down":
        site.put("big.bin", BIG)
    elif move == "get":
        assert lading("put", "in", "--name", "ds").code == 0
        (folder / "in/big.bin").unlink()  # or it would be copied from there
    monkeypatch.setenv("LADING_CONCURRENCY", "1")
    site.front.fail(Unanswered(), times=ALWAYS)


def stuck(move: str, site: Site, shell: Shell) -> "subprocess.Popen[str]":
    """A process that waits for the answer about the last part, and has moved the others."""
    before = len(site.front.seen)
    process = shell(*command(move, site))
    while not any(map(Unanswered().is_about, site.front.seen[before:])):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process


def asked(site: Site) -> int:
    """How many bytes of objects the server was asked for so far."""
    ranges = [re.fullmatch(r"bytes=(\d+)-(\d+)", seen.headers.get("range", "")) for seen in site.front.seen]
    return sum(int(found[2]) + 1 - int(found[1]) for found in ranges if found)


def left_in_bucket(site: Site) -> list[str]:
    """Keys of what has anything of the content, whole or not."""
    return [key for key, data in site.held().items() if len(data) > PART // 2]


def left_here(home: Path, folder: Path) -> list[str]:
    """Notes of uploads, and whatever lies where things were to go."""
    return [*read_tree(home / "journal"), *read_tree(folder / "out")]


def left_anywhere(site: Site, home: Path, folder: Path) -> tuple[list[str], int, list[str]]:
    return left_in_bucket(site), site.open_uploads(), left_here(home, folder)


@pytest.mark.parametrize("move", MOVES)
def test_ctrl_c_ends_within_a_second_and_leaves_nothing(
    site: Site, lading: Lading, shell: Shell, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    prepared(move, site, lading, tmp_path, monkeypatch)
    there = left_in_bucket(site)

    def is_over_and_undone() -> bool:
        process = stuck(move, site, shell)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        over = time.monotonic() - began < SECOND
        undone = left_anywhere(site, home, tmp_path) == (there, 0, [])

        assert (process.returncode, out) == (130, "")
        assert err.splitlines()[-1] == "interrupted; nothing half-written was left"
        assert lading("gc", "--uploads").code == 0
        assert left_anywhere(site, home, tmp_path) == (there, 0, [])
        return over and undone

    assert any(is_over_and_undone() for _ in range(TIMES))


def test_ctrl_c_ends_within_a_second_also_where_nobody_answers_and_the_next_gc_knows_what_is_left(
    site: Site, lading: Lading, shell: Shell, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds() -> float:
        prepared("put", site, lading, tmp_path, monkeypatch)
        process = stuck("put", site, shell)
        site.front.mend()
        site.front.fail(Deaf(), times=ALWAYS)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        took = time.monotonic() - began

        assert process.returncode == 130
        assert site.open_uploads() or left_in_bucket(site)
        site.front.mend()
        assert lading("gc", "--uploads").code == 0
        assert left_anywhere(site, home, tmp_path) == ([], 0, [])
        return took

    assert any(seconds() < SECOND for _ in range(TIMES))


@pytest.mark.parametrize("move", MOVES)
def test_after_kill_9_only_what_is_missing_moves(
    site: Site, lading: Lading, shell: Shell, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    prepared(move, site, lading, tmp_path, monkeypatch)
    process = stuck(move, site, shell)
    process.kill()
    process.communicate()
    site.front.mend()
    sent, got = bodies(site), asked(site)

    answer = lading(*command(move, site))

    assert answer.code == 0, answer.err
    assert bodies(site) - sent + asked(site) - got < PART
    if move in ("cp down", "get"):
        assert read_tree(tmp_path / "out") == {"big.bin": BIG}
    assert [site.held()[key] for key in left_in_bucket(site)] == [BIG]
    assert not any(".lading" in key for key in site.held())
    assert (site.open_uploads(), list(read_tree(home / "journal"))) == (0, [])


@pytest.mark.parametrize(("deadline", "code", "told"), [("soon", 2, "is no duration"), ("0", 1, "give it more than 0")])
def test_a_deadline_that_is_no_time_is_refused(lading: Lading, deadline: str, code: int, told: str) -> None:
    answer = lading("sync", "in/", "out/", "--deadline", deadline)

    assert answer.code == code
    assert told in answer.err


@pytest.mark.parametrize("move", MOVES)
def test_a_deadline_ends_within_a_second_and_leaves_nothing(
    site: Site, lading: Lading, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    prepared(move, site, lading, tmp_path, monkeypatch)
    name, there = move.partition(" ")[0], left_in_bucket(site)

    def is_over_and_undone() -> bool:
        began = time.monotonic()
        answer = lading(*command(move, site), "--deadline", "0.3s")
        over = time.monotonic() - began < 0.3 + SECOND
        undone = left_anywhere(site, home, tmp_path) == (there, 0, [])

        assert (answer.code, answer.out) == (1, "")
        assert answer.err.splitlines()[-2:] == [
            f"error: lading {name}: not done within 0.3 seconds, and given up",
            "hint: give it more time",
        ]
        assert lading("gc", "--uploads").code == 0
        assert left_anywhere(site, home, tmp_path) == (there, 0, [])
        return over and undone

    assert any(is_over_and_undone() for _ in range(TIMES))
