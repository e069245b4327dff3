"""Hashing local files in lanes: what the index does not know is read once; leaves of large files side by side."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import msgspec
from msgspec import Struct, field

from ..errors import FileChangedError, LadingError
from ..manifest.digest import LEAF_SIZE, Algorithm, hasher, leaf_count, leaf_digest, root_digest
from ..store.early import EarlyWrite
from ..store.halt import Halt
from .ahead import Ahead, carry_leaf
from .batches import batches
from .driver import drive
from .gauges import turn
from .lanes import Lanes, buffer
from .leaves import hash_range
from .local import LocalFile, Stamp, check_unchanged, local_errors
from .mapping import mapped, steady
from .progress import Meter
from .scheduler import Limits, Retry

RUN_LEAVES = 16  # most consecutive leaves in one piece of bulk work
SHARES = 4  # pieces of a large file for each lane, at least: the last to end keeps the others waiting


class Hashed(msgspec.Struct, frozen=True, gc=False):
    """What the bytes of a file are. `leaves` (joined hex) only above one leaf; `md5` (raw) only if it was asked for."""

    digest: str
    size: int
    leaves: str | None = None
    md5: bytes | None = None


@dataclass(slots=True)
class _Large:
    """What is known so far of a large file."""

    file: LocalFile
    leaves: list[bytes]
    write: EarlyWrite | None = None
    md5: bytes | None = None


class _Leaves(Struct, frozen=True):
    """To be hashed: leaves [first, stop) of a large file."""

    of: _Large
    first: int
    stop: int


class _Label(Struct, frozen=True):
    """To be hashed: all of a large file, for its MD5."""

    of: _Large


class _Small(Struct, frozen=True):
    """What came of a batch of small files: digests by path, and files that are lost, each for a reason."""

    found: dict[str, Hashed] = field(default_factory=dict[str, Hashed])
    lost: list[tuple[LocalFile, LadingError]] = field(default_factory=list[tuple[LocalFile, LadingError]])


_Work = list[LocalFile] | _Leaves | _Label
Lost = Callable[[LocalFile, LadingError], None]


def fail(file: LocalFile, error: LadingError) -> NoReturn:
    """A file that changes or cannot be read ends the hashing."""
    raise error


async def hash_files(
    lanes: Lanes,
    files: Iterable[LocalFile],
    algorithm: Algorithm,
    *,
    md5: bool,
    meter: Meter,
    limits: Limits,
    lost: Lost = fail,
    ahead: Ahead | None = None,
) -> dict[str, Hashed]:
    """The digests of these files, by path. `lost` is told, in any thread, of a file that changes meanwhile (`FileChangedError`)
    or cannot be read (`LocalFileError`). Some of them go `ahead` to their store; then `StoreError` may be raised, too."""
    found: dict[str, Hashed] = {}
    distinct = {file.path: file for file in files}
    few = [file for file in distinct.values() if file.stamp.size <= LEAF_SIZE]
    many = [file for file in distinct.values() if file.stamp.size > LEAF_SIZE]
    meter.add(bytes_to_hash=sum(file.stamp.size for file in distinct.values()))

    async def execute(work: _Work) -> None:
        if isinstance(work, list):
            batch = await lanes.run_by_hand(_hash_small, work, algorithm, md5, meter=meter)
            meter.add(bytes_hashed=sum(hashed.size for hashed in batch.found.values()))
            found.update(batch.found)
            for file, error in batch.lost:
                lost(file, error)
        else:
            await lanes.run(lambda halt: _hash_part(work, algorithm, meter, halt, lost), meter=meter)

    async with ahead.writes(lanes, many, algorithm) if ahead else contextlib.nullcontext(dict[str, EarlyWrite]()) as writes:
        large = [_Large(file, [b""] * leaf_count(file.stamp.size), writes.get(file.path)) for file in many]
        async with lanes.hands.helping(len(few)) as more:
            small: Iterator[_Work] = batches(few, lambda file: file.stamp.size)
            bulk, both = _parts(large, md5, limits.bulk), Limits(limits.small + more, limits.bulk)
            await drive(execute, small=small, bulk=bulk, limits=both, retry=Retry(attempts=1), meter=meter)
        found.update(await lanes.run(lambda halt: _joined(large, algorithm, lost)))
        if ahead and writes:
            digests = {path: found[path].digest for path in writes.keys() & found.keys()}
            await lanes.run(lambda halt: ahead.land(writes, digests, algorithm))
    return found


def _parts(large: Sequence[_Large], md5: bool, lanes: int) -> Iterator[_Work]:
    for of in large:
        if md5:
            yield _Label(of)
        count = max(1, min(RUN_LEAVES, len(of.leaves) // (SHARES * lanes)))
        for first in range(0, len(of.leaves), count):
            yield _Leaves(of, first, min(first + count, len(of.leaves)))


def _hash_small(files: list[LocalFile], algorithm: Algorithm, md5: bool, halt: Halt) -> _Small:
    view, batch = buffer(), _Small()
    for file in files:
        halt.check()
        turn("disk")
        try:
            with local_errors(file.path):
                descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    batch.found[file.path] = _hash_open(descriptor, file.path, file.stamp, algorithm, md5, view)
                finally:
                    os.close(descriptor)
        except LadingError as error:
            batch.lost.append((file, error))
    return batch


def _hash_open(descriptor: int, path: str, stamp: Stamp, algorithm: Algorithm, md5: bool, view: memoryview) -> Hashed:
    leaf, label, size = hasher(algorithm), hashlib.md5(usedforsecurity=False) if md5 else None, 0
    while size <= stamp.size and (count := os.readv(descriptor, [view])):  # a file that grows and grows is not read to its end
        turn("cpu")
        leaf.update(view[:count])
        if label:
            label.update(view[:count])
        turn("disk")
        size += count
        if size == stamp.size and count < len(view):
            break
    check_unchanged(path, stamp, os.fstat(descriptor))
    if size != stamp.size:
        raise FileChangedError(path, what="changed its size")
    return Hashed(leaf.hexdigest(), size, None, label.digest() if label else None)


def _hash_part(part: _Leaves | _Label, algorithm: Algorithm, meter: Meter, halt: Halt, lost: Lost) -> None:
    file = part.of.file
    try:
        with local_errors(file.path):
            descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if isinstance(part, _Label):
                    part.of.md5 = _md5(descriptor, halt)
                else:
                    _hash_leaves(part, descriptor, algorithm, meter, halt)
            finally:
                os.close(descriptor)
    except LadingError as error:
        lost(file, error)


def _hash_leaves(part: _Leaves, descriptor: int, algorithm: Algorithm, meter: Meter, halt: Halt) -> None:
    file = part.of.file
    for index in range(part.first, part.stop):
        start, stop = index * LEAF_SIZE, min((index + 1) * LEAF_SIZE, file.stamp.size)
        part.of.leaves[index] = (
            carry_leaf(part.of.write, descriptor, file.path, index, start, stop, algorithm, halt)
            if part.of.write
            else _hash_leaf(descriptor, file.path, start, stop, algorithm, halt)
        )
        meter.add(bytes_hashed=stop - start)


def _hash_leaf(descriptor: int, path: str, start: int, stop: int, algorithm: Algorithm, halt: Halt) -> bytes:
    halt.check()
    turn("disk")
    with steady(descriptor) as can_be_mapped:
        if can_be_mapped and (window := mapped(descriptor, start, stop)):
            turn("cpu")
            with window, memoryview(window) as view:
                return leaf_digest(algorithm, view)
    return hash_range(descriptor, path, start, stop, algorithm, halt)


def _md5(descriptor: int, halt: Halt) -> bytes:
    label, view = hashlib.md5(usedforsecurity=False), buffer()
    turn("cpu")
    while count := os.readv(descriptor, [view]):
        halt.check()
        label.update(view[:count])
    return label.digest()


def _joined(large: Sequence[_Large], algorithm: Algorithm, lost: Lost) -> dict[str, Hashed]:
    """The large files that are still what they were before they were read."""
    found: dict[str, Hashed] = {}
    for one in large:
        path, stamp = one.file.path, one.file.stamp
        try:
            with local_errors(path):
                check_unchanged(path, stamp, os.stat(path))
            if all(one.leaves):
                found[path] = Hashed(root_digest(algorithm, one.leaves), stamp.size, b"".join(one.leaves).hex(), one.md5)
        except LadingError as error:
            lost(one.file, error)
    return found
