"""lading: version datasets and checkpoints on storage of your own, and move them fast.

Importing it opens nothing; what it offers is loaded at first use.
"""

from typing import TYPE_CHECKING

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

_FROM_API = (
    "Api",
    "Artifact",
    "Run",
    "finish",
    "finish_async",
    "init",
    "init_async",
    "log_artifact",
    "log_artifact_async",
    "use_artifact",
    "use_artifact_async",
)
__all__ = [*_FROM_API, "CommError", "LadingError", "errors", "run"]  # noqa: F822  # made by __getattr__


def __getattr__(name: str) -> object:  # lazy: also because pytest imports this file under the checkout's name
    from importlib import import_module

    if name in _FROM_API:
        return getattr(import_module(".api", __name__), name)
    if name == "run":
        return import_module(".api", __name__).active_run()
    if name == "errors":
        return import_module(".errors", __name__)
    if name in ("CommError", "LadingError"):
        return getattr(import_module(".errors", __name__), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("lading")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
