"""A home and a folder of their own for each test, and the command line in this process or in one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lading.api.cli.main import cli
from lading.api.portal import blocking
from lading.api.workspace import close_workspaces
from lading.testing.sites import Site, gcs_site, s3_site

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Lading = Callable[..., Answer]
Shell = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leaves no workspace open, once nothing is patched any more: this is the first to be set up and the last to end."""
    yield
    blocking(close_workspaces)()


@pytest.fixture(autouse=True)
def home(closed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith("LADING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LADING_ENTITY", "ann")
    monkeypatch.setenv("LADING_PROJECT", "pets")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def lading() -> Lading:
    """Run a command in this process. `answers` are typed in; nothing is a terminal."""

    def call(*args: str, answers: str | None = None) -> Answer:
        result = CliRunner().invoke(cli, args, prog_name="lading", input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def shell() -> Shell:
    """Start `python -m lading …` as a process."""

    def start(*args: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "lading", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**process_environment(), **(environment or {})},
        )

    return start


def process_environment() -> dict[str, str]:
    """The package is found from any folder, installed or not."""
    return os.environ | {"PYTHONPATH": str(ROOT / ".src")}


def ran(process: "subprocess.Popen[str]") -> str:
    """What it printed. It must succeed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pair of AWS keys, and nothing else that this machine may know of clouds."""
    for name in ("PROFILE", "REGION", "DEFAULT_REGION", "ENDPOINT_URL", "ENDPOINT_URL_S3", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("SHARED_CREDENTIALS_FILE", "CONFIG_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})


@pytest.fixture(params=[s3_site, gcs_site], ids=["s3", "gcs"])
def site(request: pytest.FixtureRequest, keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The store of all that this test logs."""
    with request.param() as site:
        monkeypatch.setenv("LADING_STORE", site.url)
        yield site


def bodies(site: Site) -> int:
    """How many bytes of files and documents were sent to it so far."""
    return sum(len(seen.body) for seen in site.front.seen)


@pytest.fixture
def cats(tmp_path: Path) -> Path:
    """A folder of three files, 30 bytes."""
    folder = tmp_path / "cats"
    for path, text in {"tom.txt": "tom" * 3, "felix.txt": "felix", "wild/lynx.txt": "lynx" * 4}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def two(lading: Lading, cats: Path) -> Path:
    """`cats:v0`, and `cats:v1` where tom changed, felix went and garfield came. Gives the folder of v1."""
    lading("put", "cats", "-a", "first")
    (cats / "tom.txt").write_text("tom, older")
    (cats / "felix.txt").unlink()
    (cats / "garfield.txt").write_text("g")
    lading("put", "cats", "--tag", "newer")
    return cats
