"""lading: version datasets and checkpoints on storage of your own, and move them fast.

Importing it opens nothing; what it offers is loaded at first use.
"""

import sys
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":
    raise ImportError("lading runs on Linux and macOS; on Windows, use it inside WSL")

if TYPE_CHECKING:
    from .api import Api as Api
    from .api import Artifact as Artifact
    from .api import ArtifactTTL as ArtifactTTL
    from .api import Audio as Audio
    from .api import Bokeh as Bokeh
    from .api import BoundingBoxes2D as BoundingBoxes2D
    from .api import Classes as Classes
    from .api import Html as Html
    from .api import Image as Image
    from .api import ImageMask as ImageMask
    from .api import JoinedTable as JoinedTable
    from .api import Molecule as Molecule
    from .api import Object3D as Object3D
    from .api import PartitionedTable as PartitionedTable
    from .api import Plotly as Plotly
    from .api import Run as Run
    from .api import Table as Table
    from .api import Video as Video
    from .api import box3d as box3d
    from .api import data_types as data_types
    from .api import finish as finish
    from .api import finish_artifact as finish_artifact
    from .api import finish_artifact_async as finish_artifact_async
    from .api import finish_async as finish_async
    from .api import init as init
    from .api import init_async as init_async
    from .api import link_artifact as link_artifact
    from .api import link_artifact_async as link_artifact_async
    from .api import link_model as link_model
    from .api import link_model_async as link_model_async
    from .api import log_artifact as log_artifact
    from .api import log_artifact_async as log_artifact_async
    from .api import log_model as log_model
    from .api import log_model_async as log_model_async
    from .api import upsert_artifact as upsert_artifact
    from .api import upsert_artifact_async as upsert_artifact_async
    from .api import use_artifact as use_artifact
    from .api import use_artifact_async as use_artifact_async
    from .api import use_model as use_model
    from .api import use_model_async as use_model_async
    from .api.active import log as log
    from .api.config import Config
    from .errors import CommError as CommError
    from .errors import Error as Error
    from .errors import LadingError as LadingError

    run: Run | None
    config: Config  # of the active run; without one, there is none
    summary: dict[str, Any]
    __version__: str


__all__ = [
    "Api",
    "Artifact",
    "ArtifactTTL",
    "Audio",
    "Bokeh",
    "BoundingBoxes2D",
    "Classes",
    "CommError",
    "Error",
    "Html",
    "Image",
    "ImageMask",
    "JoinedTable",
    "LadingError",
    "Molecule",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Run",
    "Table",
    "Video",
    "box3d",
    "data_types",
    "finish",
    "finish_artifact",
    "finish_artifact_async",
    "finish_async",
    "init",
    "init_async",
    "link_artifact",
    "link_artifact_async",
    "link_model",
    "link_model_async",
    "log",
    "log_artifact",
    "log_artifact_async",
    "log_model",
    "log_model_async",
    "run",
    "upsert_artifact",
    "upsert_artifact_async",
    "use_artifact",
    "use_artifact_async",
    "use_model",
    "use_model_async",
]


_NOT_BUILT = ("Graph", "Histogram")  # W&B has these, too: for dashboards, not for artifacts


def __getattr__(name: str) -> object:  # lazy: also because pytest imports this file under the checkout's name
    if name in ("CommError", "Error", "LadingError", "errors"):
        from .errors import CommError, Error, LadingError

        found = {"CommError": CommError, "Error": Error, "LadingError": LadingError}
        return found[name] if name in found else globals()["errors"]  # which the import has made
    if name in ("run", "config", "summary"):
        from .api import active_run

        run = active_run()
        if name != "run" and run is None:
            raise AttributeError(f"lading.{name} without an active run; call lading.init() first")
        return run if name == "run" else getattr(run, name)
    if name == "log":
        from .api.active import log  # `lading.api.log` is a module

        return log
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
