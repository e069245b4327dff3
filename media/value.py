"""Value: what can be put into an artifact under a name, and what it needs of the artifact to be written and read."""

import copy
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Document: TypeAlias = dict[str, Any] | list[Any]
"""What a value is as JSON."""


class Origin(Struct, frozen=True):
    """The entry of a committed artifact from which something was read."""

    uri: str
    """Names the entry in references."""
    path: str
    digest: str
    """As that artifact shows it."""
    content: str | None = None
    """The tree digest of what it stands for, where that is known."""


class Stored(Struct, frozen=True):
    """The entry that something has become."""

    path: str
    digest: str


class Wanted(Struct, frozen=True):
    """A file of the artifact to which the entry `beyond` refers; `path` may itself be wanted of yet another."""

    path: "str | Wanted"
    beyond: str


Reading: TypeAlias = Generator[Sequence[str | Wanted], None, T_co]
"""A value that is being read. It gives paths of the artifact, goes on when these are local files, and returns the value."""


class Found(Struct, frozen=True):
    """A file of the artifact that is read: where it is, and what it is."""

    local: str | None
    """The verified local file; None where only the URI is known."""
    uri: str | None
    """Of bytes outside of any artifact."""
    origin: Origin
    away: bool = False
    """Whether it belongs to another artifact, to which the entry refers: so do the paths in it."""


class Sink(Protocol):
    """The artifact that a value is written into. Nothing is visible in it before the value is written to its end."""

    def file(self, local: str, name: str, *, temporary: bool = False) -> Stored:
        """Store a local file under `name`, or under the name it already has there. If it is temporary, part of its digest
        replaces the name up to the first dot, so that equal files get equal names."""
        ...

    def reference(self, uri: str, name: str) -> Stored:
        """Store that the bytes are elsewhere."""
        ...

    def share(self, origin: Origin, name: str | None = None) -> Stored:
        """Store, under `name` or the path it has there, that the bytes are those of an entry of another artifact."""
        ...

    def value(self, value: "Value", name: str) -> Stored:
        """Store another value, unless it is there already. Below `media/tables`, part of its digest becomes its name. Raise
        ValueError if there is something else under the name."""
        ...

    def keep(self, thing: object) -> None:
        """Hold something for as long as its file may be needed."""
        ...

    def holds(self, path: str) -> bool:
        """Whether there is an entry under `path`."""
        ...


class Source(Protocol):
    """The artifact that a value is read from. Paths in it are data of strangers: what names no entry is a `ManifestError`."""

    def file(self, path: str) -> Found:
        """The file, once the reading has asked for it."""
        ...

    def below(self, folder: str) -> list[str]:
        """The paths of all entries below a folder, sorted."""
        ...

    def load(self, path: str) -> "Value":
        """Read another value, now. It blocks."""
        ...

    def beyond(self, path: str) -> "Source":
        """The artifact to which the entry refers, once the reading has asked for the entry."""
        ...


_SHARED = frozenset({"added", "_scratch", "_source"})  # places, not contents


class Value:
    """What can be put into an artifact under a name."""

    log_type: ClassVar[str]
    """What the files are called and say of themselves: `<name>.<log_type>.json`."""
    max_size: ClassVar[int] = 64 << 20
    """Bytes of that file: more is neither written nor read."""

    def __init__(self) -> None:
        self.origin: Origin | None = None
        """The entry it was got from."""
        self.added: object = None
        """Where it was put last; it belongs to whoever puts it there."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of its own, of the same files."""
        made = type(self).__new__(type(self))
        for name, value in vars(self).items():
            vars(made)[name] = value if name in _SHARED else copy.deepcopy(value, memo)
        return made

    @classmethod
    def named(cls, name: str) -> str:
        """The name of the file that holds a value called `name`."""
        suffix = f"{cls.log_type}.json"
        return name if name.endswith(suffix) else f"{name}.{suffix}"

    def encode(self, sink: Sink) -> Document:
        """Write the files that belong to it; returns the rest, for its own file. Raise ValueError or TypeError for what cannot be
        written."""
        raise NotImplementedError

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        """The value of a document. Raise `ManifestError` for one that is damaged or hostile."""
        raise NotImplementedError


def together(readings: Sequence[Reading[T]]) -> Reading[list[T]]:
    """Many readings as one, which asks at once for what all of them need."""
    values: dict[int, T] = {}
    running = dict(enumerate(readings))
    while running:
        wanted: list[str | Wanted] = []
        for index, reading in list(running.items()):
            try:
                wanted.extend(next(reading))
            except StopIteration as end:
                values[index] = end.value
                del running[index]
        if running:
            yield wanted
    return [values[index] for index in range(len(readings))]


def wanting(paths: Sequence[str]) -> Reading[Any]:
    """Nothing but the wish for these files."""
    yield paths
