"""Each benchmark also runs tiny, so that it still runs when somebody needs it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), *arguments], capture_output=True, text=True, timeout=360, check=False
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
    assert "log (durable) / the disk alone" in printed


def test_a_table(tmp_path: Path) -> None:
    printed = run("table.py", "--rows", "300", "--runs", "1", "--folder", str(tmp_path))

    assert [line.split("  ")[0] for line in printed.splitlines() if " CPU-s" in line] == [
        "hold",
        "make, add and log",
        "get",
        "get, to pyarrow",
    ]
    assert printed.count("reached") == 6
    assert list(tmp_path.iterdir()) == []


def test_many_versions(tmp_path: Path) -> None:
    printed = run("many_versions.py", "--logged", "20", "--listed", "130", "--folder", str(tmp_path))

    assert printed.count("log, last tenth") == 2
    assert printed.count(" ms  bar 0.05: ") == 11
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_large_artifact(tmp_path: Path) -> None:
    printed = run("prefix_of_million.py", "--count", "20000", "--files", "10", "--runs", "1", "--folder", str(tmp_path))

    assert "objects opened: 10 " in printed
    assert "objects opened: 1 " in printed
    assert printed.count(": reached") == 8
    assert list(tmp_path.iterdir()) == []


def test_references(tmp_path: Path) -> None:
    printed = run("references.py", "--count", "2500", "--folder", str(tmp_path))

    assert "2,500 references under one prefix" in printed
    assert printed.count("bar 13: ") == 2
    assert list(tmp_path.iterdir()) == []


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


NETEM = ("--cells", "3", "--mib", "12", "--times", "2", "--limits", "4")
IMPOSSIBLE = "no slow link can be made here: "


def test_a_slow_link_or_why_there_is_none(tmp_path: Path) -> None:
    """Who may not make network namespaces, as in some containers, is told so."""
    printed = run("netem.py", *NETEM, "--folder", str(tmp_path))

    if printed.startswith(IMPOSSIBLE):
        assert re.search("may not make (network namespaces|tun devices)|the programs are missing: sudo", printed)
    else:
        assert printed.count("found by trying, ") == printed.count("fixed at 4 ") == 1
        assert re.search(r"reached \d+% of the best fixed limit \(\d+% the first time\)", printed)
    assert list(tmp_path.iterdir()) == []


def test_without_the_programs_for_a_slow_link_it_says_which(tmp_path: Path) -> None:
    script = [sys.executable, str(BENCH / "netem.py"), *NETEM]

    done = subprocess.run(script, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(IMPOSSIBLE + "the programs are missing: sudo apt-get install .*util-linux.*\n", done.stdout)


def test_an_interrupted_slow_link_leaves_nothing(tmp_path: Path) -> None:
    script = [sys.executable, str(BENCH / "netem.py"), *NETEM, "--folder", str(tmp_path)]
    marked = {**os.environ, "LADING_TEST_OF_NETEM": str(tmp_path)}

    with subprocess.Popen(script, env=marked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as bench:
        assert bench.stdout is not None
        bench.stdout.readline()  # from now on there are links, if there can be any
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=60)

    assert list(tmp_path.iterdir()) == []
    assert processes_with(f"LADING_TEST_OF_NETEM={tmp_path}") == []


def processes_with(variable: str) -> list[str]:
    found: list[str] = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if variable.encode() in environ.read_bytes().split(b"\0"):
                found.append(environ.parent.name)
    return found


def test_the_loop_of_the_bridge(tmp_path: Path) -> None:
    printed = run("bridge.py", "--count", "60", "--runs", "1", "--folder", str(tmp_path))

    works = [line.split("  ")[0] for line in printed.splitlines() if " CPU-s" in line]
    assert works == [f"{work}, {loop}" for work in ("start", "log", "download", "up", "down") for loop in ("asyncio", "uvloop")]
    assert list(tmp_path.iterdir()) == []
