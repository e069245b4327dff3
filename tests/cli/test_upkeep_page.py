"""The commands of docs/upkeep.md run as they are written."""

import re
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT, process_environment


def test_the_page_runs(tmp_path: Path, home: Path) -> None:
    (text,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/upkeep.md").read_text(encoding="utf-8"), re.DOTALL)
    environment = process_environment() | {"LADING_PROJECT": "uncategorized"}
    lading = f'lading() {{ "{sys.executable}" -m lading "$@"; }}\n'

    done = subprocess.run(["bash", "-e", "-c", lading + text], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "ann/uncategorized/data:v0\n" in done.stdout
    assert (tmp_path / "inputs/data/a.txt").read_text() == "two\n"
    assert (tmp_path / "plain/data/v1/a.txt").read_text() == "two\n"
    assert "ann/copy/data:v1\n" in done.stdout
    assert not (tmp_path / "plain/data/v0").exists()
