"""What people call. Each name is loaded at first use, so that the command line can say `--help` without any of it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .active import finish, finish_async, log_artifact, log_artifact_async, use_artifact, use_artifact_async
    from .artifact import Artifact
    from .collection import ArtifactCollection, ArtifactType
    from .entry import ArtifactEntry, File
    from .public import Api
    from .run import Run
    from .session import active_run
    from .starting import init, init_async

_MODULES = {
    "Api": "public",
    "Artifact": "artifact",
    "ArtifactCollection": "collection",
    "ArtifactEntry": "entry",
    "ArtifactType": "collection",
    "File": "entry",
    "Run": "run",
    "active_run": "session",
    "finish": "active",
    "finish_async": "active",
    "init": "starting",
    "init_async": "starting",
    "log_artifact": "active",
    "log_artifact_async": "active",
    "use_artifact": "active",
    "use_artifact_async": "active",
}
__all__ = [
    "Api",
    "Artifact",
    "ArtifactCollection",
    "ArtifactEntry",
    "ArtifactType",
    "File",
    "Run",
    "active_run",
    "finish",
    "finish_async",
    "init",
    "init_async",
    "log_artifact",
    "log_artifact_async",
    "use_artifact",
    "use_artifact_async",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
