"""Many digests as one SQL parameter: a million objects never become a million parameters, and each row costs a quarter."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Integer, LargeBinary, bindparam, cast, func, literal, select

from ..errors import InvalidValueError
from .dialect import ascii_text
from .values import ObjectInfo

_ROWS = 4096
_DIGEST_SIZE = 32
_SIZE_DIGITS = 20

# Rows 0 .. last, and what a statement finds in row `row.c.i`: SQL that takes a `Packed` apart again.
_first = select(literal(0).label("i")).cte("packed", recursive=True)
row = _first.union_all(select(_first.c.i + 1).where(_first.c.i < bindparam("last", type_=Integer)))
rows_in_range = row.c.i <= bindparam("last", type_=Integer)  # says nothing; SQLite needs a WHERE between SELECT and ON CONFLICT
digest = func.substr(bindparam("digests", type_=LargeBinary), row.c.i * _DIGEST_SIZE + 1, _DIGEST_SIZE, type_=LargeBinary)
size = cast(
    ascii_text(func.substr(bindparam("sizes", type_=LargeBinary), row.c.i * _SIZE_DIGITS + 1, _SIZE_DIGITS, type_=LargeBinary)),
    BigInteger,
)


class Packed(Struct, frozen=True):
    """Up to 4096 different objects of one kind and algorithm, sorted: neighbours in the table's tree are written together."""

    kind: str
    algorithm: str
    objects: tuple[ObjectInfo, ...]

    def parameters(self, *, sizes: bool = False) -> dict[str, Any]:
        """What the statements above are executed with. Raise `InvalidValueError` for a digest that cannot be."""
        digests = "".join([item.digest for item in self.objects])
        wrong = next((item.digest for item in self.objects if len(item.digest) != 2 * _DIGEST_SIZE), None)
        try:
            packed = bytes.fromhex(digests)
        except ValueError:
            wrong = digests[:64]
            packed = b""
        if wrong is not None:
            raise InvalidValueError(f"'{wrong}' is not a digest of 64 hex digits")
        values = {"kind": self.kind, "algorithm": self.algorithm, "last": len(self.objects) - 1, "digests": packed}
        if sizes:
            values["sizes"] = "".join([f"{item.size:0{_SIZE_DIGITS}d}" for item in self.objects]).encode("ascii")
        return values


def pack(objects: Sequence[ObjectInfo]) -> Iterator[Packed]:
    """Cut objects into `Packed` ones; what is there twice is taken once."""
    groups: dict[tuple[str, str], dict[str, ObjectInfo]] = {}
    for item in objects:
        groups.setdefault((item.kind, item.algorithm), {})[item.digest] = item
    for (kind, algorithm), group in groups.items():
        ordered = [group[key] for key in sorted(group)]
        for start in range(0, len(ordered), _ROWS):
            yield Packed(kind, algorithm, tuple(ordered[start : start + _ROWS]))
