"""The bench of the adaptive limit, run with a few cells."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "bench" / "limiter_matrix.py"


def test_the_bench_runs_and_draws(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--few", "--plot", str(plot)], capture_output=True, text=True, timeout=360, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 cells, 0 below 85%" in done.stdout
    assert plot.read_text().startswith("<?xml")
