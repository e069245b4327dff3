"""Failures: what went wrong, said on stderr, and the exit code that goes with it."""

import json
import os
import sys
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, cast

import click

from ...errors import LadingError
from .phrases import printable

# What click raises where a command lacks arguments and shows its help instead (8.2 and newer).
_HELP: type[Exception] | tuple[()] = getattr(click.exceptions, "NoArgsIsHelpError", ())
_INTERRUPTED = ("interrupted", "interrupted; nothing half-written was left", None)
FAILURE, USAGE, INTERRUPTED, READER_GONE = 1, 2, 130, 141


class InterruptedWork(Exception):  # noqa: N818  # a wish of the user, not an error
    """Ctrl-C, or another signal, ended the command; its work has cleaned up."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


class ReaderGone(Exception):  # noqa: N818  # as above
    """Whoever read stdout has closed it: nobody wants the rest."""


@contextmanager
def said(*, as_json: bool) -> Generator[None]:
    """What the block raises is said, and becomes the exit code."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, _HELP):
            raise
        raise click.exceptions.Exit(exit_code(error, as_json=as_json)) from error


def exit_code(error: BaseException, *, as_json: bool) -> int:
    """Say what happened, as `error:` and `hint:` lines or as one line of JSON, and return the exit code."""
    match error:
        case ReaderGone():
            return READER_GONE
        case InterruptedWork():
            return _say(error.exit_code, [_INTERRUPTED], as_json)
        case KeyboardInterrupt() | click.Abort():
            return _say(INTERRUPTED, [_INTERRUPTED], as_json)
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "lading"
            return _say(USAGE, [("usage", error.format_message(), f"{command} --help")], as_json)
        case _:
            if os.environ.get("LADING_TRACEBACK", "") not in ("", "0"):
                traceback.print_exception(error)
            return _say(FAILURE, [_facts(each) for each in _leaves(error)], as_json)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(each)
    else:
        yield error


def _facts(error: BaseException) -> tuple[str, str, str | None]:
    """(code, message, hint)."""
    if isinstance(error, LadingError):
        return error.code, error.message, error.hint
    if isinstance(error, OSError) and error.strerror:
        return "os", f"{error.filename}: {error.strerror}" if error.filename else error.strerror, None
    return "internal", f"{type(error).__name__}: {error}", "this is a bug in lading; LADING_TRACEBACK=1 shows where"


def _say(code: int, facts: list[tuple[str, str, str | None]], as_json: bool) -> int:
    if as_json:
        errors = [{"code": word, "message": message, "hint": hint} for word, message, hint in facts]
        answer: dict[str, Any] = {"error": errors[0]}
        if len(errors) > 1:
            answer["errors"] = errors
        sys.stderr.write(json.dumps(answer) + "\n")
    else:
        for word, text, hint in facts:
            message = printable(text)  # it may quote a stranger
            after_caret = "\n" if sys.stderr.isatty() else ""  # the terminal has written ^C
            sys.stderr.write(f"{after_caret}{message}\n" if word == "interrupted" else f"error: {message}\n")
            if hint:
                sys.stderr.write(f"hint: {printable(hint)}\n")
    return code
