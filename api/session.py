"""The session of this process: which run is active, and which workspace calls without a run use."""

import os
import sys
import threading
from typing import TYPE_CHECKING

from .ending import ended_well, watch_ending
from .settings import Settings, load_settings
from .workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from .run import Run

_active: "list[Run]" = []
_watched: list[int] = []


def active_run() -> "Run | None":
    """The run that was started last and is not finished."""
    return _active[-1] if _active else None


def activate(run: "Run") -> None:
    """From now on it is the active run. One that nobody finishes is finished when the process ends."""
    _active.append(run)
    watch_ending()
    if os.getpid() not in _watched:
        _watched.append(os.getpid())
        # `atexit` comes too late: by then no thread may be given work any more.
        if register := getattr(threading, "_register_atexit", None):
            register(_finish_all)


def deactivate(run: "Run") -> None:
    if run in _active:
        _active.remove(run)


def _finish_all() -> None:
    if os.getpid() not in _watched:
        return  # a forked child: these are its parent's
    failed = not ended_well()
    while (run := active_run()) is not None:
        try:
            run.finish(exit_code=int(failed))
        except Exception as error:  # the process ends: nobody else could tell
            sys.stderr.write(f"lading: {error}\n")


def here() -> Settings:
    """The settings of the active run, or those that hold here and now."""
    run = active_run()
    return run.settings if run is not None else load_settings()


async def workspace_here() -> Workspace:
    return await open_workspace(here())
