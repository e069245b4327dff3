"""What W&B's classes have and these do not yet: using it says so."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from ..errors import NotBuiltError

T = TypeVar("T")


def not_built(*names: str) -> Callable[[type[T]], type[T]]:
    """The class, on which getting, calling and setting these raise `NotBuiltError`. `hasattr` is False, and type checkers do
    not know them."""

    def mark(cls: type[T]) -> type[T]:
        for name in names:
            setattr(cls, name, _NotBuilt(f"{cls.__name__}.{name}"))
        return cls

    return mark


class _NotBuilt:
    def __init__(self, what: str) -> None:
        self._what = what

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise NotBuiltError(self._what)

    def __set__(self, instance: object, value: object) -> NoReturn:
        raise NotBuiltError(self._what)
