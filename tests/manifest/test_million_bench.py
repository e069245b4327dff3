"""The bench of a million entries, run tiny."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "bench" / "manifest_million.py"


def test_the_bench_runs() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--count", "5000"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "5000 entries in " in done.stdout
