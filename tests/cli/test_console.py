import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.api.cli.console import Console
from lading.api.cli.notices import spoken
from lading.api.cli.table import Column

from .conftest import Lading


def test_a_reader_that_closes_early_ends_the_command_quietly(
    shell: Callable[..., "subprocess.Popen[str]"], lading: Lading, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(5000):  # more than a pipe holds
        (folder / f"{index}.txt").touch()
    lading("put", str(folder))

    process = shell("ls", "many:v0", "--json")
    assert process.stdout is not None
    first = process.stdout.read(1)
    process.stdout.close()

    assert first == "["
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(60) == 141
    process.stderr.close()


@pytest.mark.parametrize(
    ("records", "text"),
    [([], "[]\n"), ([{"a": 1}], '[\n{"a": 1}\n]\n'), ([{"a": 1}, {"a": "ä"}], '[\n{"a": 1},\n{"a": "\\u00e4"}\n]\n')],
)
def test_an_array_is_one_json_value_with_a_record_on_a_line(
    capsys: pytest.CaptureFixture[str], records: list[dict[str, object]], text: str
) -> None:
    Console(as_json=True, quiet=False).table(records, [Column("A")], [])

    assert capsys.readouterr().out == text


def test_notices_go_to_stderr_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=True, quiet=False).notice("one \x1b[0m")
    Console(as_json=False, quiet=True).notice("two")

    assert capsys.readouterr() == ("", "one \\x1b[0m\n")


def test_warnings_of_the_library_are_said_without_what_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with spoken(quiet=False):
        logging.getLogger("lading.references").warning("%s is missing", "a\x1b[2J")

    assert capsys.readouterr().err == "warning: a\\x1b[2J is missing\n"
