"""Each benchmark also runs tiny, so that it still runs when somebody needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), *arguments], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_small_files(tmp_path: Path) -> None:
    printed = run("small_files.py", "--count", "300", "--runs", "1", "--folder", str(tmp_path))

    assert [line.split("  ")[0] for line in printed.splitlines() if " CPU-s" in line] == [
        "log",
        "log again, unchanged",
        "download",
        "download again, unchanged",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_large_file(tmp_path: Path) -> None:
    printed = run("large_file.py", "--gib", "0.05", "--runs", "1", "--folder", str(tmp_path))

    assert "of blake3 alone" in printed
    assert "download (durable) / (cp, then sync + hashing" in printed


def test_startup() -> None:
    printed = run("startup.py", "--runs", "1")

    assert printed.count("loads of the heavy ones: none") == 4


@pytest.mark.parametrize("time", ["first", "again"])
def test_the_demonstration_works_and_works_again(time: str) -> None:
    del time
    printed = run("demo.py")

    assert "v1   latest" in printed
    assert "v0" in printed.partition("Versions")[2]
    assert printed.count("are what they should be") == 2
