"""Attributes that exist only once an artifact is logged."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Self, TypeVar, overload

from ..catalog import Version
from ..errors import ArtifactNotLoggedError

if TYPE_CHECKING:
    from .described import Described

T = TypeVar("T")


class logged(Generic[T]):  # noqa: N801  # used like `property`
    """A read-only attribute of a logged artifact. Before, it raises `ArtifactNotLoggedError`."""

    def __init__(self, get: Callable[[Version], T], about: str) -> None:
        self._get, self.__doc__, self._name = get, about, ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, artifact: None, owner: type) -> Self: ...
    @overload
    def __get__(self, artifact: "Described", owner: type) -> T: ...
    def __get__(self, artifact: "Described | None", owner: type) -> T | Self:
        if artifact is None:
            return self
        return self._get(artifact.logged_version(self._name))

    def __set__(self, artifact: "Described", value: object) -> None:
        raise AttributeError(f"'Artifact.{self._name}' cannot be set")


def require(version: Version | None, attribute: str) -> Version:
    """Raise `ArtifactNotLoggedError` if there is no version yet."""
    if version is None:
        raise ArtifactNotLoggedError(attribute)
    return version


def iso(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-21T12:34:56Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
