"""Handlers: what one kind of URI means, to those who add references and to those who follow them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from msgspec import Struct

from ...errors import DigestMismatchError
from ...manifest.digest import Label
from ...manifest.entry import Entry
from ...store.jobs import ReadJob
from ...store.store import Store
from ...transfer.driver import persist
from ...transfer.engine import Engine
from ...transfer.progress import Meter

T = TypeVar("T")
U = TypeVar("U")
AT_ONCE = 32  # questions about single objects


class Listed(Struct, frozen=True, gc=False):
    """One object: its path below what was asked for (of a single one its last name), and the entry that it becomes."""

    name: str
    entry: Entry


Pages = AsyncGenerator[Sequence[Listed]]


class Opened(Struct, frozen=True):
    """An object that was looked at, or needs no look: how its bytes are read, pinned to what the reference says. `store` says
    whose limits hold; `etag` tells it from what else may lie there."""

    store: Store
    size: int
    job: Callable[[int, int], ReadJob]
    etag: str = ""
    modified: float | None = None
    ranges: bool = True  # parts of it can be read; else it comes in one stream


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler may use: the engine that hashes local files, and how the artifact's digests are made."""

    engine: Engine
    label: Label

    async def persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of a call, tried again where its error says that this may help."""
        return await persist(call, retry=self.engine.retry, meter=Meter())


class Handler(Protocol):
    """Knows the URIs of some schemes. Made for one call of `add_reference` or `download`, with its `Context`.

    The entries that it makes are references: `digest`, `size` and `extra` are what the place itself says of the object, so that
    `find` can tell later whether it is still the same. Errors of the place arrive as `StoreError`s."""

    def name(self, uri: str) -> str:
        """The path of a reference that is added without a look, under no name of its own; "" if the URI has none."""
        ...

    def unchecked(self, uri: str) -> Entry:
        """The entry of such a reference. Nothing is asked for it."""
        ...

    async def one(self, uri: str) -> Listed | None:
        """The object that is exactly there; None if there is none, or a folder."""
        ...

    def below(self, uri: str) -> Pages:
        """Everything below the URI as a folder, in pages, each of which costs one request at most. Nothing if that cannot be."""
        ...

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        """The object of an entry. Without `look` no request is needed where reading alone finds out whether it is still the same.
        Raise `NotFoundError`, and `DigestMismatchError` for another than was referred to."""
        ...

    async def check_public(self, uri: str) -> None:
        """Raise `StoreDeniedError` if to follow it is to read this machine, or to ask a private network: strangers may not have
        that done."""
        ...


def changed(uri: str, expected: object, actual: object) -> DigestMismatchError:
    """The error for an object that is not what was referred to."""
    hint = "it was replaced since; add the reference again and log a new version"
    return DigestMismatchError(uri, expected=str(expected), actual=str(actual), hint=hint)


def check_size(uri: str, entry: Entry, size: int) -> None:
    """Raise `DigestMismatchError` if the object has another size than the reference says."""
    if entry.size is not None and entry.size != size:
        raise changed(uri, f"{entry.size} bytes", f"{size} bytes")


async def each(work: Callable[[T], Awaitable[U]], items: Iterable[T]) -> list[U]:
    """The results, in order, a few at a time. The first error ends the others."""
    found: dict[int, U] = {}
    todo = iter(enumerate(items))

    async def some() -> None:
        for number, item in todo:
            found[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(some())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [found[number] for number in sorted(found)]
