"""What becomes of a run that nobody finishes."""

import os
import subprocess
import sys

import pytest

from lading.api import Api


@pytest.mark.parametrize(
    ("end", "state", "code"),
    [
        ("", "finished", 0),
        ("sys.exit()", "finished", 0),
        ("sys.exit(0)", "finished", 0),
        ("sys.exit(3)", "failed", 3),
        ("sys.exit('no')", "failed", 1),
        ("import threading; t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()", "finished", 0),
        ("raise RuntimeError('no')", "failed", 1),
        ("import argparse; argparse.ArgumentParser().error('no')", "failed", 2),
    ],
)
def test_it_ends_as_its_process_ends(home: object, end: str, state: str, code: int) -> None:
    script = f"import sys, lading\nlading.init(project='p', id='r')\n{end}"

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, env=os.environ, timeout=60, check=False)

    assert done.returncode == code
    assert Api().run("p/r").state == state
