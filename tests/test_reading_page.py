"""The examples of docs/reading.md run as they stand."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """`lading` is on the path and known to fsspec, as where it is installed; its home is a new one."""
    commands, site = tmp_path / "bin", tmp_path / "site"
    described = site / "lading_here-0.dist-info"
    for folder in (commands, described):
        folder.mkdir(parents=True)
    script = commands / "lading"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m lading "$@"\n')
    script.chmod(0o755)
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["fsspec.specs"]
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: lading-here\nVersion: 0\n")
    (described / "entry_points.txt").write_text("[fsspec.specs]\n" + "".join(f"{name} = {to}\n" for name, to in points.items()))
    paths = [str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LADING_")},
        "LADING_HOME": str(tmp_path / "home"),
        "LADING_ENTITY": "me",
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([*paths, str(site)]),
    }


def test_the_examples_of_reading_run_as_written(tmp_path: Path, env: dict[str, str]) -> None:
    text = (ROOT / "docs/reading.md").read_text(encoding="utf-8")
    examples = re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    told: list[str] = []

    for language, block in examples:
        command = ["sh", "-e"] if language == "sh" else [sys.executable, "-P"]
        done = subprocess.run([*command, "-c", block], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)

    assert len(examples) == 6
    assert "".join(told) == "name,kg\n"
    assert {path for path in tmp_path.rglob("*") if "home" not in path.parts} == before, "nothing was downloaded"
