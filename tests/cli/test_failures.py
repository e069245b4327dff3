import json
import signal

import pytest

from lading.api.cli.failures import InterruptedWork, ReaderGone, exit_code
from lading.errors import LadingError, UnknownNameError, UsageError

Capture = pytest.CaptureFixture[str]


def test_an_error_of_ours_is_two_lines(capsys: Capture) -> None:
    assert exit_code(UnknownNameError("alias", "x", within="a/b", hint="its aliases are 'y'"), as_json=False) == 1
    assert capsys.readouterr().err == "error: alias 'x' not found in a/b\nhint: its aliases are 'y'\n"


def test_names_of_strangers_neither_steer_the_terminal_nor_make_lines(capsys: Capture) -> None:
    exit_code(UsageError("a\x1b[2Jb\nhint: run this", hint="not \x9b31m"), as_json=False)

    assert capsys.readouterr().err == "error: a\\x1b[2Jb\\nhint: run this\nhint: not \\x9b31m\n"


def test_an_error_as_json_is_one_line(capsys: Capture) -> None:
    assert exit_code(UnknownNameError("alias", "x"), as_json=True) == 1
    assert json.loads(capsys.readouterr().err) == {
        "error": {"code": "unknown-name", "message": "alias 'x' not found", "hint": None}
    }


def test_of_a_group_every_error_is_said(capsys: Capture) -> None:
    group = ExceptionGroup("", [UsageError("one"), ExceptionGroup("", [UsageError("two", hint="do")])])

    assert exit_code(group, as_json=False) == 1
    assert capsys.readouterr().err == "error: one\nerror: two\nhint: do\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/x"), "error: /x: Permission denied\n"),
        (
            ZeroDivisionError("by 0"),
            "error: ZeroDivisionError: by 0\nhint: this is a bug in lading; LADING_TRACEBACK=1 shows where\n",
        ),
    ],
)
def test_a_foreign_error_is_no_traceback(capsys: Capture, error: Exception, said: str) -> None:
    assert exit_code(error, as_json=False) == 1
    assert capsys.readouterr().err == said


def test_a_traceback_is_shown_on_request(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_TRACEBACK", "1")

    assert exit_code(LadingError("no"), as_json=False) == 1
    assert "LadingError: no\nerror: no\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"), [(InterruptedWork(signal.SIGINT), 130), (InterruptedWork(signal.SIGTERM), 143), (KeyboardInterrupt(), 130)]
)
def test_an_interrupt_is_no_error(capsys: Capture, error: BaseException, code: int) -> None:
    assert exit_code(error, as_json=False) == code
    assert capsys.readouterr().err == "interrupted; nothing half-written was left\n"


def test_a_reader_that_went_away_is_not_told(capsys: Capture) -> None:
    assert exit_code(ReaderGone(), as_json=True) == 141
    assert capsys.readouterr().err == ""
