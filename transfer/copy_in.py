"""Copying into files of this machine: large ones in parts that land side by side, small ones in batches."""

import contextlib
import functools
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from blake3 import blake3
from msgspec import Struct

from ..errors import AlreadyExistsError, LadingError, LocalFileError
from ..manifest.digest import DIGEST_SIZE, Algorithm, leaf_count
from ..store.checksum import Checksum
from ..store.halt import Halt
from ..store.owner import PREFIX, Fate, fate_of, parse_temporary
from ..store.posix import FEW, sync_below
from ..store.threads import in_thread
from .arrival import Arrival
from .arrival_small import arrive_small
from .copy_check import Digest, Replay, check_checksum, check_digest
from .copy_sides import Here, Readable
from .destination import Destination, sweep
from .driver import drive
from .engine import Engine
from .lanes import PIECE
from .local import local_errors
from .pairs import Found, Pair
from .plan import FetchItem, Run, cut
from .progress import Meter
from .scheduler import Reissue

_ALGORITHM = Algorithm.BLAKE3  # of the leaves that are noted
_HALF = 32  # hex digits of a temporary name that say the destination; as many more say the source


class Noted(Struct, frozen=True):
    """Digests of leaves as they landed, behind the content in the same file: what a dead writer noted is read again, and believed
    where it still hashes to that."""

    size: int
    known: bool = False

    def expected(self, descriptor: int, run: Run) -> list[bytes]:
        count = run.stop - run.first
        data = os.pread(descriptor, count * DIGEST_SIZE, self._place(run.first)).ljust(count * DIGEST_SIZE, b"\0")
        slots = (data[at : at + DIGEST_SIZE] for at in range(0, len(data), DIGEST_SIZE))
        return [slot if any(slot) else b"" for slot in slots]

    def arrived(self, descriptor: int, run: Run, actual: list[bytes]) -> list[int]:
        os.pwrite(descriptor, b"".join(actual), self._place(run.first))
        return []

    def _place(self, index: int) -> int:
        return self.size + index * DIGEST_SIZE


@dataclass(slots=True)
class Visited:
    """Folders in which tasks that share this have been: those that were made, and those where what dead copies of small files
    left is gone. Else a batch of many tasks would look through the same folder again and again."""

    made: set[str] = field(default_factory=set[str])
    swept: set[str] = field(default_factory=set[str])


class Inbound:
    """From any side into a folder of this machine."""

    def __init__(
        self,
        engine: Engine,
        source: Readable,
        url: str,
        folder: str,
        meter: Meter,
        *,
        replace: bool,
        visited: Visited | None = None,
    ) -> None:
        self.engine, self.source, self.url, self.meter, self.replace = engine, source, url, meter, replace
        self.destination = Destination(folder or ".")
        self._visited = visited or Visited()

    async def begin(self) -> None:
        if self.destination.root not in self._visited.made:
            await self.engine.lanes.run(lambda halt: self.destination.make())
            self._visited.made.add(self.destination.root)

    def item(self, pair: Pair) -> FetchItem:
        """The file to be made. Its digest only names it, by what is copied and where to: what nothing tells from another version
        is never gone on with."""
        source = pair.source
        what = f"{self.url}\0{source.key}\0{source.etag or secrets.token_hex(8)}\0{source.size}"
        subject = _short(f"{self.destination.root}/{pair.name}") + _short(what)
        return FetchItem(pair.name, subject, source.size, source.key, source.executable)

    def small(self, pairs: list[Pair], halt: Halt) -> list[tuple[Pair, LadingError]]:
        failed: list[tuple[Pair, LadingError]] = []
        below, folder, done = None, -1, list[Pair]()
        with ExitStack() as folders:
            for pair in pairs:
                halt.check()
                item = self.item(pair)
                try:
                    if (parent := item.path.rpartition("/")[0]) != below:
                        folders.close()
                        below = None
                        folder, below = folders.enter_context(self.destination.folder(parent)), parent
                        self._sweep(folder, parent)
                    self._check_place(item, folder)
                    job = self.source.job(pair.source, 0, item.size)
                    arrive_small(item, job, folder, None, halt, self.destination.path(item), replace=self.replace)
                    done.append(pair)
                except AlreadyExistsError:  # made by somebody else meanwhile, and not to be replaced
                    self.meter.add(files_done=1, bytes_done=item.size, files_reused=1, bytes_reused=item.size)
                except (LadingError, OSError) as error:
                    named = self.destination.error(error, item) if isinstance(error, OSError) else error
                    failed.append((pair, named))
                    if not named.retryable:
                        break
        self.meter.add(files_done=len(done), bytes_done=sum(pair.source.size for pair in done))
        return failed

    def memory(self, pairs: list[Pair]) -> int:
        return PIECE

    async def large(self, pair: Pair, *, digest: Digest | None, checksum: Checksum | None, verify: bool) -> None:
        """Also where something is to be verified: before the file takes its place. Raise `DigestMismatchError`; then it is not
        there. `verify` asks for nothing more: what was written to a disk is not read back from it."""
        item = self.item(pair)
        arrival = Arrival(item, self.destination, Noted(item.size))
        try:
            await self.engine.lanes.run(functools.partial(self._begin, arrival))
            filling = _Filling(self, pair.source, arrival)
            await filling.share()
            if not arrival.shared:
                await filling.fill()
            if digest:
                await self._checked(lambda replay, halt: check_digest(digest, item.path, replay, halt), arrival)
            if checksum:
                await self._checked(lambda replay, halt: check_checksum(checksum, item.path, replay, halt), arrival)
            await self.engine.lanes.run(lambda halt: arrival.finish(replace=self.replace))
        except AlreadyExistsError:  # made by somebody else meanwhile, and not to be replaced
            self.meter.add(files_done=1, files_reused=1)
        else:
            self.meter.add(files_done=1, files_reused=int(item.size > 0 and filling.moved == 0))
        finally:
            await in_thread(arrival.close)

    async def _checked(self, check: Callable[[Replay, Halt], None], arrival: Arrival) -> None:
        await self.engine.lanes.run(lambda halt: check(arrival.replay, halt))

    def _begin(self, arrival: Arrival, halt: Halt) -> None:
        with local_errors(arrival.path), self.destination.folder(arrival.item.path.rpartition("/")[0]) as folder:
            self._check_place(arrival.item, folder)
            _sweep_others(folder, arrival.item.digest)
        arrival.begin(halt)

    def _sweep(self, folder: int, below: str) -> None:
        if (path := f"{self.destination.root}/{below}") not in self._visited.swept:
            sweep(folder)
            self._visited.swept.add(path)

    def _check_place(self, item: FetchItem, folder: int) -> None:
        """A device or a pipe must not become a file, nor what is copied one of our own temporary files."""
        if any(not part or part.startswith(PREFIX) for part in item.path.split("/")) or "\0" in item.path:
            raise LocalFileError(f"{item.path!r} cannot be the name of a file here", hint="leave it out: --exclude")
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(item.path.rpartition("/")[2], dir_fd=folder, follow_symlinks=False).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                kind = "a folder" if stat.S_ISDIR(mode) else "neither a file nor a folder"
                raise LocalFileError(f"{self.destination.path(item)} is {kind}; it was left alone", hint="copy to another name")

    async def settle(self, names: list[str], *, durable: bool) -> None:
        if durable and names:
            root = self.destination.root
            with local_errors(root):
                await self.engine.lanes.run(lambda halt: sync_below(root, [f"{root}/{name}" for name in names]))

    async def remove(self, names: list[str]) -> None:
        """Remove these files, and the folders that became empty by it."""
        await self.engine.lanes.run(lambda halt: self._remove(names, halt))

    def _remove(self, names: list[str], halt: Halt) -> None:
        for name in names:
            halt.check()
            below, _, last = name.rpartition("/")
            with (
                local_errors(f"{self.destination.root}/{name}"),
                contextlib.suppress(FileNotFoundError),
                self.destination.folder(below, make=False) as folder,
            ):
                os.unlink(last, dir_fd=folder)
        for below in sorted({name.rpartition("/")[0] for name in names} - {""}, reverse=True):
            self._prune(below)

    def _prune(self, below: str) -> None:
        while below:
            above, _, last = below.rpartition("/")
            try:
                with self.destination.folder(above, make=False) as folder:
                    os.rmdir(last, dir_fd=folder)
            except OSError:  # not empty
                return
            below = above


def settle_all(paths: list[str]) -> None:
    """Block; these files survive a power cut when it returns. Many of them cost one sync of each file system."""
    by_device: dict[int, list[str]] = {}
    for path in map(os.path.abspath, paths):
        with local_errors(path):
            by_device.setdefault(os.stat(path).st_dev, []).append(path)
    for some in by_device.values():
        root = os.path.dirname(some[0]) if len(some) > FEW else "/"
        with local_errors(root):
            sync_below(root, some)


def _short(text: str) -> str:
    return blake3(text.encode("utf-8", "surrogateescape")).hexdigest()[:_HALF]


def _sweep_others(folder: int, subject: str) -> None:
    """Remove what certainly dead copies of other content left of the same file: nobody goes on with them."""
    for name in os.listdir(folder):
        parsed = parse_temporary(name)
        if parsed is None or len(parsed[0]) != len(subject) or parsed[0] == subject:
            continue
        if parsed[0][:_HALF] == subject[:_HALF] and fate_of(parsed[1]) is Fate.GONE:
            with contextlib.suppress(OSError):  # somebody else was faster
                os.unlink(name, dir_fd=folder)


class _Filling:
    """All leaves of one file. Several lanes write, each its own."""

    def __init__(self, inbound: Inbound, source: Found, arrival: Arrival) -> None:
        self.inbound, self.source, self.arrival = inbound, source, arrival
        self.engine, self.size = inbound.engine, source.size
        self.moved = 0

    async def share(self) -> None:
        """Where the file system can, the copy shares the blocks of a file of this machine."""
        if not isinstance(self.inbound.source, Here) or not self.size:
            return
        job = self.inbound.source.job(self.source, 0, self.size)
        await self.engine.lanes.run(lambda halt: self.arrival.share(job))
        if self.arrival.shared:
            self._count(self.size, 0)

    async def fill(self) -> None:
        whole = Run(0, leaf_count(self.size), self.size)
        runs = cut(self.size) if self.source.ranges else iter((whole,))
        engine = self.engine
        await drive(
            self.run,
            bulk=runs,
            limits=engine.gates.parts(),
            retry=engine.retry,
            meter=self.inbound.meter,
            reissue=None if engine.store.near else Reissue(),
        )

    async def run(self, run: Run) -> float:
        """Returns how many bytes came from the source."""
        size, meter = run.stop_byte - run.start_byte, self.inbound.meter
        async with self.engine.memory(PIECE, meter):
            if await self.engine.lanes.run(lambda halt: self.arrival.holds(run, _ALGORITHM, halt), meter=meter):
                self._count(size, size)
                return 0.0
            job = self.inbound.source.job(self.source, run.start_byte, run.stop_byte)
            await self.engine.lanes.run(lambda halt: self.arrival.fetch(run, job, _ALGORITHM, halt), meter=meter)
        self._count(size, 0)
        return size

    def _count(self, size: int, reused: int) -> None:
        self.inbound.meter.add(bytes_done=size, bytes_reused=reused)
        self.moved += size - reused
