"""The README's five minutes run as they stand, and so do the examples of the other pages."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from lading.errors import InvalidValueError
from lading.store.opening import open_store
from lading.testing.s3_server import S3Server
from lading.testing.s3_server_auth import Key
from lading.transfer.verdict import Bound

ROOT = Path(__file__).resolve().parent.parent


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """`lading` is on the path, and its home a new one."""
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "lading"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m lading "$@"\n')
    script.chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LADING_")},
        "LADING_HOME": str(tmp_path / "home"),
        "PATH": f"{commands}:{os.environ['PATH']}",
        **({"PYTHONPATH": str(Path(os.environ["PYTHONPATH"]).absolute())} if "PYTHONPATH" in os.environ else {}),
    }


def run(kind: list[str], block: str, folder: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([*kind, "-c", block], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_the_five_minutes_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    (shell,) = (block for block in blocks("README.md", "sh") if "lading put" in block)
    (copying,) = (block for block in blocks("README.md", "sh") if "lading cp" in block)

    told = run(["sh", "-e"], shell, tmp_path, env)
    for block in blocks("README.md", "python"):
        run([sys.executable, "-P"], block, tmp_path, env)
    run(["sh", "-e"], copying, tmp_path, env)

    assert "pets/cats:v1" in told.stdout
    assert "1 file modified" in told.stderr
    assert (tmp_path / "copy/cat.txt").read_text() == "tabby\n"
    assert (tmp_path / "artifacts/birds:v0/labels.txt").read_text() == "tabby\n"
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == ["cat.txt", "dog.txt"]


def test_the_examples_of_copying_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    (shell,) = blocks("docs/cp.md", "sh")
    (python,) = blocks("docs/cp.md", "python")

    run(["sh", "-e"], shell, tmp_path, env)
    told = run([sys.executable, "-P"], python, tmp_path, env)

    assert (tmp_path / "batch/two words").read_text() == "two\n"
    assert (tmp_path / "text/a.txt").exists()
    assert not (tmp_path / "text/sub").exists()
    assert told.stdout == "2 8\n()\n"


def test_the_examples_of_versions_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    text = (ROOT / "docs/versions.md").read_text(encoding="utf-8")
    examples = re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)

    for language, block in examples:
        run(["sh", "-e"] if language == "sh" else [sys.executable, "-P"], block, tmp_path, env | {"LADING_ENTITY": "me"})

    assert len(examples) == 8
    assert (tmp_path / "lineage.svg").read_text().count("<g ") == 4


def test_the_examples_of_references_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    examples = blocks("docs/references.md", "python")

    for block in examples:
        run([sys.executable, "-P"], block, tmp_path, env | {"LADING_ENTITY": "me"})

    assert len(examples) == 2


def test_the_examples_of_transfers_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    (shell,) = blocks("docs/transfer.md", "sh")
    (python,) = blocks("docs/transfer.md", "python")

    with S3Server(keys={"AKIA": Key("secret")}) as s3:
        here = {name: value for name, value in env.items() if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
        here |= {"AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
        told = run(["sh", "-e"], shell, tmp_path, here)
        printed = run([sys.executable, "-P"], python, tmp_path, here)

    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "copy/model.bin").read_bytes() == bytes(20_000_000)
    assert told.stderr.count("bound by ") == 2
    assert "WRONG" not in told.stdout
    assert printed.stdout == "2 0\n"


def test_the_tests_that_a_promise_names_are_there() -> None:
    promised = (ROOT / "docs/transfer.md").read_text(encoding="utf-8").partition("## Promises")[2]
    named = re.findall(r"`([a-z0-9_/]+\.py)(?:::(test_\w+))?`", promised)

    assert len(named) > 20
    for file, test in named:
        text = (ROOT / ("" if file.startswith("bench/") else "tests") / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"def {test}\(", text), f"{file}::{test}"


def test_the_tables_of_transfers_are_those_of_the_code() -> None:
    page = (ROOT / "docs/transfer.md").read_text(encoding="utf-8")

    bounds = re.findall(r"^\| `([a-z ]+)` \|", page.partition("## What bound it")[2], re.MULTILINE)
    assert bounds == list(get_args(Bound))
    for row, url in (("s3", "s3://bucket"), ("gs", "gs://bucket")):
        (told,) = re.findall(rf"^\| `{row}://[^|]*\| (.*?) \|", page, re.MULTILINE)
        with pytest.raises(InvalidValueError) as refused:
            open_store(f"{url}?nonsense=1")
        options = set(str(refused.value).partition("there are ")[2].rstrip(")").split(", "))
        assert options - {"project"} <= {name.partition("=")[0] for name in re.findall(r"`([^`]+)`", told)}


def test_the_rows_of_the_table_of_names_are_those_that_are_tested() -> None:
    """tests/transfer/test_copier.py has them as (source, destination, names)."""
    rows = re.findall(
        r"^\| `([^`]+)`[^|]*\| `([^`]+)`[^|]*\| (.*) \|$", (ROOT / "docs/cp.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    tested = (ROOT / "tests/transfer/test_copier.py").read_text(encoding="utf-8")

    assert len(rows) == 11
    for source, destination, names in rows:
        expected = ", ".join(f'"{name}"' for name in re.findall(r"`([^`]+)`", names))
        assert f'("{source}", "{destination}", {{{expected}}}),' in tested
