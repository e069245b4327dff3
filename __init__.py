"""lading: version datasets and checkpoints on storage of your own, and move them fast.

Importing it opens nothing; what it offers is loaded at first use.
"""

import sys
from typing import TYPE_CHECKING

if sys.platform == "win32":
    raise ImportError("lading runs on Linux and macOS; on Windows, use it inside WSL")

if TYPE_CHECKING:
    from .api import Api as Api
    from .api import Artifact as Artifact
    from .api import Run as Run
    from .api import finish as finish
    from .api import finish_async as finish_async
    from .api import init as init
    from .api import init_async as init_async
    from .api import log_artifact as log_artifact
    from .api import log_artifact_async as log_artifact_async
    from .api import use_artifact as use_artifact
    from .api import use_artifact_async as use_artifact_async
    from .errors import CommError as CommError
    from .errors import LadingError as LadingError

    run: Run | None
    __version__: str

__all__ = [
    "Api",
    "Artifact",
    "CommError",
    "LadingError",
    "Run",
    "finish",
    "finish_async",
    "init",
    "init_async",
    "log_artifact",
    "log_artifact_async",
    "run",
    "use_artifact",
    "use_artifact_async",
]


_MEDIA = ("Audio", "Bokeh", "BoundingBoxes2D", "Classes", "Graph", "Histogram", "Html", "Image", "ImageMask", "JoinedTable")
_NOT_BUILT = (*_MEDIA, "Molecule", "Object3D", "PartitionedTable", "Plotly", "Table", "Video")


def __getattr__(name: str) -> object:  # lazy: also because pytest imports this file under the checkout's name
    if name in ("CommError", "LadingError", "errors"):
        from .errors import CommError, LadingError

        found = {"CommError": CommError, "LadingError": LadingError}
        return found[name] if name in found else globals()["errors"]  # which the import has made
    if name == "run":
        from .api import active_run

        return active_run()
    if name in __all__:
        from . import api

        return getattr(api, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("lading")
    if name in _NOT_BUILT:
        from .errors import NotBuiltError

        raise NotBuiltError(f"lading.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
