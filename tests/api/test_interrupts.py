"""Ctrl-C in the middle of a transfer, on the bridge and on loops of one's own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Fill = Callable[..., Path]

INTERRUPTED = """
import os, signal, sys, threading, time
import lading
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.testing.wrappers import SlowStore
from lading.transfer import engine

engine.GRACE = 30.0  # how soon it ends is not what this is about
what = sys.argv[1]
with lading.init(project="p") as run:
    def draft():
        a = lading.Artifact("ds", "dataset")
        a.add_dir("in")
        return a
    workspace = blocking(workspace_here)()
    inner = workspace.store
    if what == "download":
        artifact = run.log_artifact(draft())
        os.rename("in", "away")  # else it would be copied from there
    workspace.engine.store = SlowStore(inner, delay=0.01, rate=1e8)
    try:
        threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        artifact.download("out") if what == "download" else run.log_artifact(draft())
        time.sleep(5)
        print("too fast")
    except KeyboardInterrupt:
        print("interrupted")
    roots = [root for root in ("out", workspace.settings.home / "store" / "tmp") if os.path.isdir(root)]
    print([name for root in roots for name in os.listdir(root) if name.startswith(".lading-")])
    workspace.engine.store = inner
    artifact = artifact if what == "download" else run.log_artifact(draft())
    artifact.download("out")
    artifact.verify("out")
    print(artifact.version)
"""


@pytest.mark.parametrize("what", ["download", "log"])
@pytest.mark.parametrize("after", [0.02, 0.1, 0.2])
def test_ctrl_c_stops_a_transfer_cleanly_and_the_next_call_works(home: Path, fill: Fill, what: str, after: float) -> None:
    fill("in", {**{str(number): os.urandom(2000) for number in range(50)}, "big": os.urandom(40 << 20)})

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, what, str(after)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout.splitlines(), done.stderr) == (["interrupted", "[]", "v0"], "")


INTERRUPTED_LOOP = """
import asyncio, os, signal, sys, threading, time
import lading, uvloop
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.testing.wrappers import SlowStore

loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
with lading.init(project="p") as run:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir("in")
    artifact = run.log_artifact(artifact)
os.rename("in", "away")  # else it would be copied from there
workspace = blocking(workspace_here)()
inner = workspace.store

async def download():
    await artifact.download_async("out")

def interrupt():
    while not os.path.isdir("out"):
        time.sleep(0.005)
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)

with asyncio.Runner(loop_factory=loops[sys.argv[1]]) as runner:
    workspace.engine.store = SlowStore(inner, delay=0.01, rate=1e7)
    try:
        threading.Thread(target=interrupt).start()
        runner.run(download())
        print("too fast")
    except KeyboardInterrupt:
        print("interrupted")
    print([name for name in os.listdir("out") if name.startswith(".lading-")])
    workspace.engine.store = inner
    runner.run(download())
artifact.verify("out")
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_ctrl_c_stops_a_transfer_on_any_loop(home: Path, fill: Fill, loop: str) -> None:
    fill("in", {**{str(number): os.urandom(2000) for number in range(50)}, "big": os.urandom(20 << 20)})

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED_LOOP, loop], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout.splitlines(), done.stderr) == (["interrupted", "[]"], "")
