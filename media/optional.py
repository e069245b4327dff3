"""Optional packages: imported when something needs them."""

from importlib import import_module
from types import ModuleType
from typing import Any

from ..errors import UsageError

_DISTRIBUTIONS = {"PIL": "pillow", "imageio_ffmpeg": "imageio-ffmpeg"}


def need(module: str, what: str) -> Any:
    """The module. Raise `UsageError` with the line that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        package = _DISTRIBUTIONS.get(top, top)
        raise UsageError(f"{what} needs the package {package}", hint=f"pip install {package}") from error


def comes_from(value: object, *packages: str) -> bool:
    """Whether the class of `value`, or one that it is built on, is of one of these packages; none of them is imported. A module
    is of its own package."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in packages
    return any(base.__module__.partition(".")[0] in packages for base in type(value).__mro__)


def is_ndarray(value: object) -> bool:
    return type(value).__name__ == "ndarray" and comes_from(value, "numpy")
