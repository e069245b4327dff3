"""Choice: what of a list is wanted, and in which order, in W&B's words: filters as MongoDB has them, "+name" and "-name"."""

import operator
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from ..catalog import Page
from ..errors import InvalidValueError
from .paginator import Fetch, slice_of

T = TypeVar("T")
Facts = Mapping[str, Any]
Test = Callable[[Facts], bool]
Check = Callable[[list[Any]], bool]
_PAGE = 500


class Kind(Struct, Generic[T], frozen=True):
    """What lists of these things can be filtered and ordered by: the names of their `facts`. By the fact `by` the catalogue
    orders itself, ascending unless told otherwise."""

    plural: str
    names: tuple[str, ...]
    facts: Callable[[T], Facts]
    by: str


class Choice(Generic[T]):
    """A filter is `{name: value}`, `{name: {"$gt": value}}`, or such in lists under `$and`, `$or`, `$nor`. `name` may be
    `metadata.key`. Of a fact of many values (`tag`) one that matches is enough."""

    def __init__(self, kind: Kind[T], filters: Facts | None = None, order: str | None = None) -> None:
        """Raise `InvalidValueError` for names and operators that there are not."""
        self._kind = kind
        self._test = _test(filters, kind) if filters else None
        path = _path((order or kind.by).removeprefix("-").removeprefix("+"), kind)
        self._sort = None if path == [kind.by] else path
        self._down = order is not None and order.startswith("-")

    @property
    def order(self) -> str:
        """What the catalogue is asked for."""
        return f"{'-' if self._down and self._sort is None else '+'}{self._kind.by}"

    def of(self, fetch: Fetch[T]) -> Fetch[T]:
        """The list, as wanted. If it is not as the catalogue gives it, all of it is read for the first page."""
        if self._test is None and self._sort is None:
            return fetch

        async def read() -> list[T]:
            return self._chosen(await _all(fetch))

        return read_once(read)

    def _chosen(self, items: Sequence[T]) -> list[T]:
        known = [(self._kind.facts(item), item) for item in items]
        if self._test is not None:
            known = [(facts, item) for facts, item in known if self._test(facts)]
        if self._sort is not None:
            sort = self._sort
            without = [pair for pair in known if not _values(pair[0], sort)]  # these come last, either way
            known = [pair for pair in known if _values(pair[0], sort)]
            known.sort(key=lambda pair: _rank(_values(pair[0], sort)[0]), reverse=self._down)
            known += without
        return [item for _, item in known]


def read_once(read: Callable[[], Awaitable[list[T]]]) -> Fetch[T]:
    """Pages of a list that is read whole for the first of them."""
    found: list[T] | None = None

    async def fetch(limit: int, cursor: str | None) -> Page[T]:
        nonlocal found
        if found is None:
            found = await read()
        return slice_of(found, limit, cursor)

    return fetch


async def _all(fetch: Fetch[T]) -> list[T]:
    page = await fetch(_PAGE, None)
    items = list(page.items)
    while page.cursor is not None:
        page = await fetch(_PAGE, page.cursor)
        items.extend(page.items)
    return items


def _test(filters: object, kind: Kind[T]) -> Test:
    if not isinstance(filters, Mapping):
        raise InvalidValueError(f"a filter is a dict, not {filters!r}")
    tests = [_clause(str(name), value, kind) for name, value in cast("Facts", filters).items()]
    return lambda facts: all(test(facts) for test in tests)


def _clause(name: str, value: Any, kind: Kind[T]) -> Test:
    if name in ("$and", "$or", "$nor"):
        if not isinstance(value, list | tuple):
            raise InvalidValueError(f"{name} takes a list of filters, not {value!r}")
        tests = [_test(each, kind) for each in cast("Sequence[object]", value)]
        if name == "$and":
            return lambda facts: all(test(facts) for test in tests)
        return lambda facts: any(test(facts) for test in tests) == (name == "$or")
    path, check = _path(name, kind), _check(value)
    return lambda facts: check(_values(facts, path))


def _check(value: Any) -> Check:
    """A value, or operators with operands that all must hold."""
    if not isinstance(value, Mapping) or not any(str(key).startswith("$") for key in cast("Facts", value)):
        return _condition("$eq", value)
    checks = [_condition(str(name), operand) for name, operand in cast("Facts", value).items()]
    return lambda values: all(check(values) for check in checks)


def _condition(name: str, operand: Any) -> Check:
    if name in _NEGATED:
        check = _condition(_NEGATED[name], operand) if name != "$not" else _check(operand)
        return lambda values: not check(values)
    if name == "$exists":
        return lambda values: bool(values) == bool(operand)
    if name == "$eq":
        return lambda values: operand in values or (operand is None and not values)
    if name == "$in" and isinstance(operand, list | tuple):
        return lambda values: any(each in values for each in cast("Sequence[object]", operand))
    if name == "$regex" and isinstance(operand, str):
        search = _pattern(operand).search
        return lambda values: any(isinstance(each, str) and search(each) is not None for each in values)
    if name in _COMPARED:
        compare, rank = _COMPARED[name], _rank(operand)
        return lambda values: any(_rank(each)[0] == rank[0] and compare(_rank(each), rank) for each in values)
    known = sorted(("$eq", "$in", "$regex", "$exists", *_NEGATED, *_COMPARED))
    raise InvalidValueError(f"a filter cannot be {{{name!r}: {operand!r}}}", hint=f"operators are {', '.join(known)}")


_NEGATED = {"$ne": "$eq", "$nin": "$in", "$not": ""}
_COMPARED = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidValueError(f"{text!r} is no regular expression: {error}") from error


def _rank(value: Any) -> tuple[str, Any]:
    """What values are ordered by: numbers, then text, then the rest as text. Times are text that sorts."""
    if isinstance(value, int | float):
        return "number", value
    return ("text", value) if isinstance(value, str) else ("~", str(value))


def _path(name: str, kind: Kind[T]) -> list[str]:
    first, *rest = name.split(".")
    first = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", first).lower()  # W&B also says createdAt
    if first not in kind.names:
        raise InvalidValueError(
            f"{kind.plural} cannot be chosen or ordered by {name!r}", hint=f"there are: {', '.join(kind.names)}"
        )
    return [first, *rest]


def _values(facts: Facts, path: list[str]) -> list[Any]:
    """All that a fact is: of a list each part and the whole; nothing where there is no such fact."""
    found: Any = facts
    for at, name in enumerate(path):
        if isinstance(found, Mapping):
            found = cast("Facts", found).get(name)
        elif name != "value" or at < 2:  # W&B also says config.key.value
            return []
    if found is None or found == []:
        return []
    return [*cast("list[object]", found), found] if isinstance(found, list) else [found]
