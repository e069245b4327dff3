"""Each benchmark also runs tiny, so that it still runs when somebody needs it."""

import json
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


def test_the_race_of_ours_alone(tmp_path: Path) -> None:
    found, drawn = tmp_path / "race.json", tmp_path / "race.svg"
    work = tmp_path / "work"
    work.mkdir()

    tiny = ("--gib", "0.03", "--files", "120", "--sink-gib", "0.0625", "--runs", "1", "--contestants", "lading")
    printed = run("race.py", *tiny, "--folder", str(work), "--json", str(found), "--plot", str(drawn))

    assert printed.count("| **lading**, verified |") == 6
    assert printed.count(" peak RSS ≤ 150 MB |") == 7
    assert printed.count("| loop lag beside ") == 4
    assert printed.count("| not raced |") == 13  # what is claimed against peers
    measured = json.loads(found.read_bytes())["measured"]
    assert {each["work"] for each in measured if each["contestant"] == "lading"} == {
        f"{files}-{way}" for files in ("big", "small") for way in ("down", "up")
    } | {"big-down-tls", "big-up-tls"}
    assert drawn.read_text().count("lading") >= 6
    assert list(work.iterdir()) == []


def test_a_race_without_its_peers_says_how_to_get_them(tmp_path: Path) -> None:
    tiny = ("--gib", "0.01", "--files", "1", "--sink-gib", "0", "--runs", "1", "--contestants", "obstore")
    printed = run("race.py", *tiny, "--folder", str(tmp_path), "--cache", str(tmp_path / "none"))

    assert "Not installed, so not raced: obstore (run again with --install)." in printed
