import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lading.api.cli import watch as watch_module
from lading.api.cli.watch import Watch, bytes_hashed, watching
from lading.transfer.progress import Meter, Progress

from .conftest import Lading, process_environment


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_line_says_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, clock = Watch(), iter([0.0, 2.0])
    monkeypatch.setattr(watch_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))  # other threads have theirs
    tell = watch.begin("sending")
    tell(Progress(files=3, bytes=9_000_000))
    watch.rate()
    tell(Progress(files=3, bytes=9_000_000, files_done=2, bytes_done=5_000_000, bytes_reused=1_000_000))

    assert watch.line() == "sending: 2 of 3 files, 5.0 MB of 9.0 MB, 2.0 MB/s, 2.0 s left"


def test_without_totals_a_line_says_less() -> None:
    watch = Watch()
    watch.begin("hashing", bytes_hashed)(Progress(bytes_hashed=1500))

    assert watch.line() == "hashing: 1.5 kB"


def test_hashing_says_how_much_there_is_to_hash() -> None:
    watch = Watch()
    watch.begin("hashing", bytes_hashed)(Progress(bytes_to_hash=3000, bytes_hashed=1500))

    assert watch.line() == "hashing: 1.5 kB of 3.0 kB"


def test_fetching_does_not_count_what_is_hashed_before() -> None:
    watch = Watch()
    watch.begin("fetching")(Progress(bytes_to_hash=3000))

    assert watch.line() == "fetching: 0 B"


def test_where_no_terminal_is_a_line_comes_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(watch_module, "LINE", 0.01)

    with watching(quiet=False) as watch:
        Meter(watch.begin("fetching")).add(files=2, files_done=1)
        until(lambda: "1 of 2" in stderr.getvalue())

    assert "fetching: 1 of 2 files, 0 B" in stderr.getvalue().splitlines()


def test_short_work_and_quiet_work_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(watch_module, "PATIENCE", 60.0)  # this is short, however slow the machine

    for quiet in (False, True):
        with watching(quiet=quiet) as watch:
            watch.begin("fetching")(Progress(files=2))

    assert stderr.getvalue() == ""


def test_bars_are_drawn_on_a_terminal_and_go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(watch_module, "PATIENCE", 0.0)
    monkeypatch.setattr(watch_module, "FRAME", 0.01)
    monkeypatch.setenv("TERM", "xterm")

    with watching(quiet=False) as watch:
        watch.begin("fetching")(Progress(files=2, files_done=1, bytes=2000, bytes_done=1000))
        until(lambda: "1 of 2 files" in stderr.getvalue())

    assert "1.0 kB of 2.0 kB" in stderr.getvalue()
    assert stderr.getvalue().endswith("\x1b[2K")  # the last thing is a line that is wiped


def test_no_color_is_honoured_in_tables(lading: Lading, two: Path) -> None:
    shown = {name: _on_a_terminal({"NO_COLOR": name}) for name in ("", "1")}

    assert "\x1b[3" not in shown["1"]
    assert "cats" in shown[""]


def _on_a_terminal(environment: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "lading", "ls", "pets"]
    subprocess.run(
        command, stdout=theirs, stderr=subprocess.PIPE, check=True, env=process_environment() | {"TERM": "xterm"} | environment
    )
    os.close(theirs)
    try:
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)
