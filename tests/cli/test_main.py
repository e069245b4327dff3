import subprocess
import sys
import time
from pathlib import Path

import pytest

from lading.api.cli.main import COMMANDS

from .conftest import Lading, process_environment

UNWANTED = ("aiohttp", "rich", "alembic", "aiobotocore", "anyio")


def test_help_names_every_command_and_the_exit_codes(lading: Lading) -> None:
    answer = lading("-h")

    assert answer.code == 0
    for word in (*COMMANDS, "Exit codes:", "130", "141", "_LADING_COMPLETE=bash_source"):
        assert word in answer.out


@pytest.mark.parametrize(
    "command", [[name] for name in COMMANDS] + [["alias", "add"], ["tag", "rm"], ["config", "show"], ["artifact", "put"]]
)
def test_every_command_has_help(lading: Lading, command: list[str]) -> None:
    answer = lading(*command, "-h")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: lading {' '.join(command)}")


def test_the_version(lading: Lading) -> None:
    assert lading("--version").out.startswith("lading ")


@pytest.mark.parametrize(
    "args", [["nope"], ["put"], ["put", "x", "--nope"], ["--nope"], ["put", "x", "--policy", "y"], ["ls", "a", "b"]]
)
def test_what_cannot_be_understood_exits_with_2(lading: Lading, args: list[str]) -> None:
    text, json = lading(*args), lading(*args, "--json")

    assert (text.code, text.out) == (2, "")
    assert text.err.startswith("error: ")
    assert text.err.splitlines()[-1].startswith("hint: lading ")
    assert (json.code, json.out) == (2, "")
    assert json.err.startswith('{"error": {"code": "usage", "message": ')


@pytest.mark.parametrize("args", [[], ["alias"], ["tag"], ["config"], ["artifact"]])
def test_without_a_command_there_is_help(lading: Lading, args: list[str]) -> None:
    answer = lading(*args)

    assert answer.code == 2
    assert "Commands:" in answer.err


@pytest.mark.parametrize(
    "args", [["put", "cats"], ["get", "cats"], ["ls", "pets"], ["diff", "cats:v0", ":v1"], ["cp", "--dry-run", "cats", "out"]]
)
def test_a_command_loads_no_more_than_it_needs(lading: Lading, two: Path, args: list[str]) -> None:
    code = (
        "import sys\nfrom lading.api.cli.main import cli\ntry:\n    cli(sys.argv[1:])\nexcept SystemExit:\n"
        f"    sys.stderr.write('\\nloaded ' + ','.join(name for name in {UNWANTED} if name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, env=process_environment())

    assert done.stdout
    assert done.stderr.splitlines()[-1] == "loaded "


def test_help_is_fast_and_loads_no_api() -> None:
    code = (
        "import sys\nfrom lading.api.cli.main import cli\ntry:\n    cli(['-h'])\nexcept SystemExit:\n"
        "    sys.exit(','.join(name for name in ('asyncio', 'lading.api.artifact', 'msgspec', 'rich') if name in sys.modules))"
    )

    def seconds() -> float:
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=process_environment())
        took = time.perf_counter() - began

        assert (done.returncode, done.stderr) == (1, "\n")
        return took

    assert any(seconds() < 2 for _ in range(3))  # 0.12 s on a quiet machine


def test_completion_is_there() -> None:
    environment = process_environment() | {"_LADING_COMPLETE": "bash_complete", "COMP_WORDS": "lading ver", "COMP_CWORD": "1"}

    done = subprocess.run([sys.executable, "-m", "lading"], capture_output=True, text=True, env=environment)

    assert done.stdout == "plain,verify\n"
