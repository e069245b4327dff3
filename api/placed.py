"""Placed: what lies in a project, as the catalogue tells of it."""

from typing import Generic, Protocol, TypeVar

from .logged import iso


class Told(Protocol):
    """What the catalogue tells of a collection and of a run alike."""

    @property
    def id(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def project(self) -> str: ...
    @property
    def created_at(self) -> float: ...


T = TypeVar("T", bound=Told)


class Placed(Generic[T]):
    """Which one it is, where it lies, and since when."""

    _info: T

    @property
    def id(self) -> str:
        return self._info.id

    @property
    def entity(self) -> str:
        return self._info.entity

    @property
    def project(self) -> str:
        return self._info.project

    @property
    def created_at(self) -> str:
        return iso(self._info.created_at)
