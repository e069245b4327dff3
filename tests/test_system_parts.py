"""What `make test` says of programs that are not there."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("system_parts.py")))
SystemPart, main = SCRIPT["SystemPart"], SCRIPT["main"]

SHELL = SystemPart("sh", "dash", "everybody")
ABSENT = SystemPart("lading-no-such-program", "no-such-package", "this test")


@pytest.fixture(autouse=True)
def anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def test_every_part_that_tests_need_is_here() -> None:
    assert SCRIPT["missing"](SCRIPT["SYSTEM_PARTS"]) == ()


def test_nothing_is_said_of_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main((SHELL,)) == 0

    assert capsys.readouterr() == ("", "")


def test_what_is_missing_fails_with_the_line_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main((SHELL, ABSENT)) == 1

    said = capsys.readouterr().err
    assert "no lading-no-such-program (Debian package no-such-package), needed by this test" in said
    assert "\n    sudo apt-get install -y --no-install-recommends no-such-package\n" in said


def test_a_program_beside_the_path_is_found(tmp_path: Path) -> None:
    program = tmp_path / "17" / "bin" / "server"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)

    assert SystemPart("server", "server", "this test", places=(f"{tmp_path.relative_to('/')}/*/bin",)).present()
