"""A process that logs or downloads and is killed at a named point: `python crashing.py log after:commit in`."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import lading
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.store.checksum import Checksum, Piece
from lading.store.jobs import ReadJob, WriteJob
from lading.store.store import Store
from lading.testing.wrappers import StoreAround


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Point:
    """`before:commit`, `after:ask#2`, `in:write:objects/#3` (in the middle of writing the third of them)."""

    when: str
    call: str
    number: int
    met: list[str] = field(default_factory=list[str])

    @classmethod
    def parse(cls, text: str) -> "Point":
        place, _, number = text.partition("#")
        when, _, call = place.partition(":")
        return cls(when, call, int(number or 1))

    def reached(self, when: str, call: str) -> bool:
        if self.when == when and call.startswith(self.call):
            self.met.append(call)
        return len(self.met) >= self.number  # or more, where two lanes come at the same moment


class DyingCatalog:
    """Dies before or after a call."""

    def __init__(self, inner: Any, point: Point) -> None:
        self._inner, self._point = inner, point

    def __getattr__(self, name: str) -> Any:
        inner: Any = getattr(self._inner, name)
        if name != self._point.call:
            return inner

        async def call(*arguments: Any, **named: Any) -> Any:
            if self._point.reached("before", name):
                die()
            result = await inner(*arguments, **named)
            if self._point.reached("after", name):
                die()
            return result

        return call


class DyingStore(StoreAround):
    """Dies before or after a flush, and in the middle of a job."""

    def __init__(self, inner: Store, point: Point) -> None:
        super().__init__(inner)
        self._point = point

    async def flush(self, keys: Any) -> None:
        if self._point.reached("before", "flush"):
            die()
        await super().flush(keys)
        if self._point.reached("after", "flush"):
            die()

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return DyingWrite(job, self._point, key)

    def wrap_read(self, job: ReadJob, key: str) -> ReadJob:
        return DyingRead(job, self._point, key)


@dataclass(frozen=True, slots=True)
class DyingWrite:
    inner: WriteJob
    point: Point
    key: str
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        if self.point.reached("before", f"write:{self.key}"):
            die()
        dies = self.point.reached("in", f"write:{self.key}")

        def some() -> Iterator[Piece]:
            for piece in pieces:
                if dies:
                    yield memoryview(piece)[: len(piece) // 2]
                    die()
                yield piece

        self.inner.write(some())
        if self.point.reached("after", f"write:{self.key}"):
            die()


@dataclass(frozen=True, slots=True)
class DyingRead:
    inner: ReadJob
    point: Point
    key: str

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, buffer: memoryview, each: Callable[[memoryview], None]) -> None:
        dies = self.point.reached("in", f"read:{self.key}")

        def some(piece: memoryview) -> None:
            if dies:
                each(piece[: len(piece) // 2])
                die()
            each(piece)

        self.inner.read(buffer, some)


def main(what: str, point: Point, folder: str) -> None:
    with lading.init(project="p"):
        workspace = blocking(workspace_here)()
        workspace.catalog = DyingCatalog(workspace.catalog, point)  # pyright: ignore[reportAttributeAccessIssue]
        workspace.engine.store = DyingStore(workspace.engine.store, point)
        if what == "download":
            lading.Api(project="p").artifact("ds").download(folder)
        else:
            artifact = lading.Artifact("ds", "dataset")
            artifact.add_dir(folder)
            if point.reached("after", "hash"):
                die()
            lading.log_artifact(artifact, aliases=["mine"])
    sys.exit(3)  # the point was not reached


if __name__ == "__main__":
    main(sys.argv[1], Point.parse(sys.argv[2]), sys.argv[3])
