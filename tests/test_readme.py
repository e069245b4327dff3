"""The README's five minutes run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_five_minutes_run_as_written(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "lading"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m lading "$@"\n')
    script.chmod(0o755)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LADING_")},
        "LADING_HOME": str(tmp_path / "home"),
        "PATH": f"{commands}:{os.environ['PATH']}",
        **({"PYTHONPATH": str(Path(os.environ["PYTHONPATH"]).absolute())} if "PYTHONPATH" in os.environ else {}),
    }
    (shell,) = (block for block in blocks("sh") if "lading put" in block)

    told = subprocess.run(["sh", "-e", "-c", shell], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", block], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    assert "pets/cats:v1" in told.stdout
    assert "1 file modified" in told.stderr
    assert (tmp_path / "copy/cat.txt").read_text() == "tabby\n"
    assert (tmp_path / "artifacts/birds:v0/labels.txt").read_text() == "tabby\n"
