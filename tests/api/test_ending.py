"""A run that nobody finishes ends as its script ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lading.api import Api

THREAD = "import threading; t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()"


NOTED = """
import sys, threading
from lading.api.ending import ended_well, watch_ending
threading._register_atexit(lambda: print('well' if ended_well() else 'failed'))
watch_ending()
"""


def ran(*command: str) -> tuple[int, str]:
    """The exit code of a script and what it printed last."""
    done = subprocess.run([sys.executable, *command], capture_output=True, env=os.environ, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.split("\n")[-2] if done.stdout else ""


@pytest.mark.parametrize(
    ("end", "code", "state"),
    [
        ("", 0, "well"),
        ("sys.exit()", 0, "well"),
        ("sys.exit(0)", 0, "well"),
        ("sys.exit(3)", 3, "failed"),
        ("sys.exit('no')", 1, "failed"),
        ("import argparse; argparse.ArgumentParser().error('no')", 2, "failed"),
        ("raise RuntimeError('no')", 1, "failed"),
        ("raise SystemExit(1)", 1, "well"),  # nobody is told
        ("try:\n    sys.exit(3)\nexcept SystemExit:\n    raise", 3, "failed"),
        ("try:\n    sys.exit(3)\nfinally:\n    print()", 3, "failed"),
        (THREAD, 0, "well"),
    ],
)
def test_how_a_script_ends_is_known_before_it_is_over(end: str, code: int, state: str) -> None:
    assert ran("-c", NOTED + end) == (code, state)


@pytest.mark.parametrize(("end", "state"), [("", "finished"), ("import sys; sys.exit(1)", "failed"), ("1 / 0", "failed")])
def test_a_run_that_nobody_finishes_ends_as_its_script_does(home: Path, end: str, state: str) -> None:
    Path("script.py").write_text(
        f"import lading\ndef main():\n    lading.init(project='p', id='r')\nif __name__ == '__main__':\n    main()\n{end}\n"
    )

    ran("-m", "script")

    assert Api().run("p/r").state == state


def test_a_child_that_ends_while_its_script_goes_on_has_not_failed(home: Path) -> None:
    ran(
        "-c",
        "import lading, multiprocessing\n"
        "def work():\n    lading.init(project='p', id='r')\n"
        "child = multiprocessing.get_context('fork').Process(target=work)\nchild.start()\nchild.join()",
    )

    assert Api().run("p/r").state == "finished"


def test_a_forked_child_that_has_a_run_of_its_own_comes_to_its_end(home: Path) -> None:
    ran(
        "-c",
        "import lading, os, sys\n"
        "lading.init(project='p', id='parent')\n"
        "if not (child := os.fork()):\n    lading.init(project='p', id='r')\n    sys.exit(3)\n"
        "os.waitpid(child, 0)",
    )

    assert (Api().run("p/r").state, Api().run("p/parent").state) == ("failed", "finished")
