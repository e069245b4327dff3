"""What is raced: files, the plan that names them with their digests, and the works that every contestant does on them."""

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from blake3 import blake3
from msgspec import Struct

BUCKET = "bkt"
BLOCK = 8 << 20


class PlannedFile(Struct, frozen=True):
    """A file, `path` below its folder, with its BLAKE3 digest; `leaves` in joined hex if it has several."""

    path: str
    size: int
    digest: str
    leaves: str | None = None


class Plan(Struct, frozen=True):
    """Files of one folder, which are objects under `prefix`, too."""

    folder: str
    prefix: str
    files: tuple[PlannedFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def key(self, file: PlannedFile) -> str:
        return f"{self.prefix}/{file.path}"

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))


def read_plan(path: Path) -> Plan:
    return msgspec.json.decode(path.read_bytes(), type=Plan)


@dataclass(frozen=True, slots=True)
class Work:
    """What a contestant does: move all files of a plan `down` or up, over TLS or not."""

    name: str
    plan: str
    down: bool
    tls: bool = False


BIG_DOWN, BIG_UP = Work("big-down", "big", down=True), Work("big-up", "big", down=False)
TLS_DOWN, TLS_UP = Work("big-down-tls", "big", down=True, tls=True), Work("big-up-tls", "big", down=False, tls=True)
SMALL_DOWN, SMALL_UP = Work("small-down", "small", down=True), Work("small-up", "small", down=False)
WORKS = (BIG_DOWN, BIG_UP, TLS_DOWN, TLS_UP, SMALL_DOWN, SMALL_UP)


def make_big(folder: Path, size: int) -> None:
    """One file, no two leaves of which are equal."""
    folder.mkdir(parents=True)
    block = bytearray(os.urandom(BLOCK))
    with (folder / "file.bin").open("wb") as file:
        for start in range(0, size, BLOCK):
            for at in range(0, BLOCK, 1 << 20):
                block[at : at + 8] = (start + at).to_bytes(8, "big")
            file.write(block[: min(BLOCK, size - start)])


def make_small(folder: Path, count: int, size: int) -> None:
    """Files that all differ, a hundred to a folder."""
    block = os.urandom(size)
    for number in range(count):
        place = folder / f"class_{number // 100:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"sample_{number:08}.bin").write_bytes(number.to_bytes(8, "big") + block[8:])


def make_sparse(path: Path, size: int) -> None:
    """A file of zeros that takes no room: the kernel makes its bytes as they are read."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(size)


def warm(folder: Path, size: int) -> None:
    """Make the system have that much memory at hand, or the first to run would be the one who waits for it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, max(size, 1))


def check_folder(plan: Plan, folder: Path, *, digests: bool) -> None:
    """Raise AssertionError unless `folder` holds exactly the files of the plan, at least in size."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    _check(plan, found.keys(), lambda file: [found[file.path]], digests)


def check_bodies(plan: Plan, bodies: dict[str, list[Path]]) -> None:
    """The same, with digests, of what was uploaded in pieces, by path."""
    _check(plan, bodies.keys(), lambda file: bodies[file.path], True)


def _check(plan: Plan, names: Iterable[str], pieces: Callable[[PlannedFile], list[Path]], digests: bool) -> None:
    wanted = {file.path for file in plan.files}
    assert set(names) == wanted, f"{len(set(names))} files instead of {len(wanted)}"
    for file in plan.files:
        paths = pieces(file)
        size = sum(path.stat().st_size for path in paths)
        assert size == file.size, f"{file.path} has {size} bytes instead of {file.size}"
        assert not digests or _digest(paths, file) == file.digest, f"{file.path} has other bytes"


def _digest(paths: Iterable[Path], file: PlannedFile) -> str:
    """The digest as the manifest takes it: of the bytes for one leaf, else what the plan's leaves say, if they are right."""
    leaves, leaf, room = list[bytes](), blake3(), BLOCK
    buffer = memoryview(bytearray(1 << 20))
    for path in paths:
        with path.open("rb", buffering=0) as source:
            while count := source.readinto(buffer[: min(room, len(buffer))]):
                leaf.update(buffer[:count])
                room -= count
                if not room:
                    leaves.append(leaf.digest())
                    leaf, room = blake3(), BLOCK
    if room < BLOCK or not leaves:
        leaves.append(leaf.digest())
    joined = b"".join(leaves).hex()
    return file.digest if joined == (file.leaves or file.digest) else "other"
