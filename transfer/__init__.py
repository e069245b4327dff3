"""The engine: plan, schedule, move, verify, resume. asyncio decides, threads move.

What is named here may be used by itself, without artifacts: `asyncio.run(copy("s3://bucket/data/", "data/"))`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .copier import Copier as Copier
    from .copier import copy as copy
    from .copier import sync as sync
    from .copy_task import Report as Report
    from .copy_task import Step as Step
    from .copy_task import Task as Task
    from .engine import Engine as Engine
    from .pairs import Compare as Compare
    from .progress import Meter as Meter
    from .progress import Progress as Progress

_HOMES = {
    "Compare": "pairs",
    "Copier": "copier",
    "Engine": "engine",
    "Meter": "progress",
    "Progress": "progress",
    "Report": "copy_task",
    "Step": "copy_task",
    "Task": "copy_task",
    "copy": "copier",
    "sync": "copier",
}
__all__ = ["Compare", "Copier", "Engine", "Meter", "Progress", "Report", "Step", "Task", "copy", "sync"]


def __getattr__(name: str) -> object:  # lazy: a command that moves nothing does without the engine
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
