"""Errors go to other processes and come back as they were."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from lading import errors
from lading.errors import (
    AliasesRemainError,
    DigestMismatchError,
    EntryNotFoundError,
    LadingError,
    NotFoundError,
    StoreUnavailableError,
    UnknownNameError,
)


def kinds(above: type[LadingError] = LadingError) -> Iterator[type[LadingError]]:
    yield above
    for kind in above.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


@pytest.mark.parametrize("kind", list(dict.fromkeys(kinds())))
def test_an_error_of_every_kind_is_pickled(kind: type[LadingError]) -> None:
    """Workers of dask and torch raise them."""
    reduced = cast(
        "tuple[Callable[..., LadingError], tuple[Any, ...]]", LadingError("what is wrong", hint="what to do").__reduce__()
    )
    restore, (_, *facts) = reduced
    made = restore(kind, *facts)

    again = pickle.loads(pickle.dumps(made))

    assert type(again) is kind
    assert (again.message, again.hint) == ("what is wrong", "what to do")


@pytest.mark.parametrize(
    "error",
    [
        EntryNotFoundError("a/b", "me/p/ds:v0"),
        NotFoundError("key", "store", path="a"),
        DigestMismatchError("a", expected="1", actual="2"),
        UnknownNameError("version", "ds:v9"),
        AliasesRemainError("ds:v0", ("best",)),
        StoreUnavailableError("busy", throttled=True, retry_after=3.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_an_error_knows_goes_along(error: LadingError) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
