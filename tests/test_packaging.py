"""What a person gets who installs lading, and what an import costs."""

import email
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_SOURCE = shutil.ignore_patterns(".git", ".venv", ".src", ".*_cache", "__pycache__", "*.egg-info", "build", "dist")


@dataclass(frozen=True, slots=True)
class Built:
    """The names in the sdist and in the wheel that was made from it."""

    sdist: frozenset[str]
    wheel: frozenset[str]
    metadata: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built in a copy, so that nothing is left in the tree and nothing that was left there gets in; without network."""
    source, out = tmp_path_factory.mktemp("copy") / "lading", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=NOT_SOURCE)
    command = ["build", "--no-isolation", "--skip-dependency-check", "--outdir", str(out), str(source)]

    done = subprocess.run([sys.executable, "-P", "-m", *command], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    with tarfile.open(sdist) as tar:
        in_sdist = frozenset(name.partition("/")[2] for name in tar.getnames())
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = frozenset(archive.namelist())
        (metadata,) = (archive.read(name).decode() for name in in_wheel if name.endswith(".dist-info/METADATA"))
    return Built(in_sdist, in_wheel, metadata)


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    folders = [ROOT.joinpath(*name.split(".")[1:]) for name in PROJECT["tool"]["setuptools"]["packages"]]
    modules = {f"lading/{path.relative_to(ROOT).as_posix()}" for folder in folders for path in folder.glob("*.py")}

    code = {name for name in built.wheel if ".dist-info/" not in name}

    assert {name for name in code if name.endswith(".py")} == modules
    assert "lading/py.typed" in code
    assert {name.split("/")[0] for name in code} == {"lading"}
    assert not {name.split("/")[1] for name in code} & {"tests", "bench", "docs", "changes", "build", ".src", ".ci"}


def test_the_wheel_carries_licence_and_command(built: Built) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in built.wheel)
    assert any(name.endswith(".dist-info/entry_points.txt") for name in built.wheel)
    assert email.message_from_string(built.metadata)["License-Expression"] == "Apache-2.0"


def test_the_sdist_can_be_tested(built: Built) -> None:
    assert {"pyproject.toml", "LICENSE", "Makefile", "tests/test_packaging.py", "tests/system_parts.py"} <= built.sdist
    assert not any("__pycache__" in name or name.startswith((".venv", ".src")) for name in built.sdist)


def test_all_is_every_extra_but_dev(built: Built) -> None:
    extras = {"s3", "gcs", "server", "postgres", "fsspec", "media"}

    (everything,) = PROJECT["project"]["optional-dependencies"]["all"]

    assert set(everything.removeprefix("lading[").removesuffix("]").split(",")) == extras
    assert set(email.message_from_string(built.metadata).get_all("Provides-Extra", [])) == extras | {"all", "dev"}


def test_fragments_of_changes_are_named_so_that_towncrier_takes_them() -> None:
    types = "|".join(kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"])
    fragment = re.compile(rf"(\d+|\+[a-z0-9-]+)\.({types})\.md")

    names = {path.name for path in (ROOT / "changes").iterdir()} - {"README.md"}

    assert {name for name in names if not fragment.fullmatch(name)} == set()


def python(*arguments: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-I", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


WATCH = """
import json, sys, threading
seen = []
def hook(event, arguments):
    if event.split(".")[0] in {"socket", "sqlite3", "subprocess"} or event in {"os.mkdir", "os.rename", "os.remove", "os.fork"}:
        seen.append([event, ""])
    elif event == "open" and not str(arguments[0]).endswith((".py", ".pyc")) and not isinstance(arguments[0], int):
        seen.append([event, str(arguments[0])])
sys.addaudithook(hook)
import lading
print(json.dumps({"seen": seen, "threads": threading.active_count()}))
"""


def test_importing_lading_opens_nothing_and_starts_nothing() -> None:
    assert json.loads(python("-B", "-c", WATCH)) == {"seen": [], "threads": 1}


def test_the_watch_sees_what_it_should(tmp_path: Path) -> None:
    thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    code = WATCH.replace("import lading\n", f"open(sys.argv[1], 'w').close()\n{thread}\n")

    assert json.loads(python("-B", "-c", code, str(tmp_path / "file"))) == {
        "seen": [["open", str(tmp_path / "file")]],
        "threads": 2,
    }


def test_importing_lading_takes_less_than_a_tenth_of_a_second() -> None:
    clock = [time.perf_counter()]
    for code in ["pass", "import lading"] * 7:  # in turn, so that a busy machine slows both
        python("-c", code)
        clock.append(time.perf_counter())
    took = [stop - start for start, stop in pairwise(clock)]

    assert min(took[1::2]) - min(took[::2]) < 0.1  # the least of each is the least disturbed


def test_the_api_imports_neither_http_nor_migrations() -> None:
    heavy = "aiohttp", "alembic", "aiobotocore", "botocore", "gcloud", "asyncpg", "numpy", "fsspec", "pytest"
    code = "import sys, lading.api, lading; lading.__all__ and getattr(lading, lading.__all__[0]); print(*sys.modules)"

    assert set(python("-c", code).split()) & set(heavy) == set()


def test_windows_is_refused_in_one_sentence() -> None:
    code = "import sys; sys.platform = 'win32'; import lading"

    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.splitlines()[-1] == "ImportError: lading runs on Linux and macOS; on Windows, use it inside WSL"
