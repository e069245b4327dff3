"""Sending one large file: its parts side by side, and the object once all of them lie there."""

import asyncio
import contextlib
import os
from collections.abc import Iterator

from ..errors import AlreadyExistsError, DigestMismatchError, FileChangedError, NotFoundError, StoreError
from ..manifest.digest import Algorithm
from ..store.checksum import Checksum, Summer, can_compute
from ..store.halt import Halt
from ..store.jobs import WriteJob
from ..store.store import Write
from ..store.threads import in_grace, in_thread
from .ahead import Ahead
from .driver import drive, persist
from .engine import Engine
from .leaves import read_leaves
from .local import check_unchanged, local_errors
from .outgoing import outgoing
from .plan import Run, SendItem, covers, cut, part_leaves, part_size
from .progress import Meter
from .scheduler import Reissue, Retry
from .taken import TRIES, contended, is_right
from .trace import logger

# What is left of an upload costs its owner money, so a busy store is asked again; but who gave up does not wait for long.
_BRIEF = Retry(attempts=3, base=0.1, cap=0.2, unanswered=3, throttled=3)


async def send_large(engine: Engine, item: SendItem, algorithm: Algorithm, meter: Meter, ahead: Ahead | None = None) -> None:
    """Make the object, counted as its parts lie there. What fails was retried. Whatever happens, nothing half done is left."""
    for _ in range(TRIES):
        if await _made(engine, item, algorithm, meter, ahead):
            return
        if await is_right(engine, item, algorithm, meter):
            meter.add(files_done=1, bytes_done=item.size, files_reused=1, bytes_reused=item.size)
            return
    raise contended(engine.store, item.key)


async def _made(engine: Engine, item: SendItem, algorithm: Algorithm, meter: Meter, ahead: Ahead | None) -> bool:
    """False if the key is taken."""
    sending = _Sending(engine, item, algorithm, meter)
    try:
        await sending.begin(ahead)
        await drive(
            sending.run,
            bulk=sending.parts(),
            limits=engine.gates.parts(),
            retry=engine.retry,
            meter=meter,
            reissue=None if engine.store.near else Reissue(),
        )
        await engine.lanes.run(lambda halt: _check_unchanged(item))
        await sending.complete()
    except AlreadyExistsError:
        sending.take_back()
        await sending.abort()
        return False
    except BaseException as error:
        try:
            await sending.abort(given_up=isinstance(error, asyncio.CancelledError))
        except StoreError as second:
            error.add_note(f"nor could what was sent of it be removed: {second}")
        raise
    meter.add(files_done=1)
    return True


class _Sending:
    """One attempt at the object."""

    def __init__(self, engine: Engine, item: SendItem, algorithm: Algorithm, meter: Meter) -> None:
        self.engine, self.item, self.algorithm, self.meter = engine, item, algorithm, meter
        self.write: Write | None = None
        self.done = self.reused = 0
        self.early = False

    async def begin(self, ahead: Ahead | None) -> None:
        async def begin() -> None:
            if ahead and (early := ahead.take(self.engine.store, self.item.hashed.digest)):
                with contextlib.suppress(NotFoundError):  # somebody cleared it away
                    self.write, self.early = await in_thread(lambda: early.named(self.item.key)), True
                    self._count(self.item.size, 0)
                    return
            self.write = await self.engine.store.begin(self.item.key, self.item.size, part=part_size(self.item.size))

        # Not to be cut short: what was begun could not be aborted.
        await persist(lambda: in_grace(begin(), self.engine.grace), retry=self.engine.retry, meter=self.meter)

    def parts(self) -> Iterator[Run]:
        """Those that do not lie there yet."""
        return iter(()) if self.early else cut(self.item.size, part_leaves(self.item.size))

    async def run(self, run: Run) -> float:
        """Returns how many bytes went to the store."""
        assert self.write is not None
        write, size = self.write, run.stop_byte - run.start_byte
        async with self.engine.memory(self.engine.held(size), self.meter):
            there = await self.engine.lanes.run(
                lambda halt: _send_run(write, self.item, run, self.algorithm, halt), meter=self.meter
            )
        self._count(size, size if there else 0)
        logger.debug("%s: bytes %d to %d lie in the store", self.item.file.path, run.start_byte, run.stop_byte)
        return 0.0 if there else size

    async def complete(self) -> None:
        assert self.write is not None
        write = self.write

        async def complete() -> None:
            await write.complete()
            self.write = None

        await persist(lambda: in_grace(complete(), self.engine.grace), retry=self.engine.retry, meter=self.meter)

    async def abort(self, *, given_up: bool = False) -> None:
        if self.write is not None:
            abort = persist(self.write.abort, retry=_BRIEF, meter=self.meter)
            await in_grace(abort, self.engine.grace, given_up=given_up)

    def take_back(self) -> None:
        """The parts were of no use."""
        self._count(-self.done, -self.reused)

    def _count(self, size: int, reused: int) -> None:
        self.meter.add(bytes_done=size, bytes_reused=reused)
        self.done += size
        self.reused += reused


def _check_unchanged(item: SendItem) -> None:
    with local_errors(item.file.path):
        check_unchanged(item.file.path, item.file.stamp, os.stat(item.file.path))


def _send_run(write: Write, item: SendItem, run: Run, algorithm: Algorithm, halt: Halt) -> bool:
    """True if the part was there already, and right."""
    start, stop = run.start_byte, run.stop_byte
    if covers(write.done, start, stop) and _holds(write, item, run, algorithm, halt):
        return True
    job = write.part(start, stop)
    if not _taken(job, write, item, run, algorithm, halt):
        with contextlib.closing(outgoing(item, run, algorithm, halt)) as pieces:
            job.write(pieces)
    return False


def _taken(job: WriteJob, write: Write, item: SendItem, run: Run, algorithm: Algorithm, halt: Halt) -> bool:
    """Let the part be taken straight from the file, where somebody compares what arrived: the store by a checksum of bytes that
    we have verified, or we by reading it back. False where nobody can."""
    path, start = item.file.path, run.start_byte
    if job.checks is None and write.written(start, run.stop_byte) is None:
        return False
    checksum = _checksum(item, run, job.checks, algorithm, halt) if job.checks else None
    with local_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size < run.stop_byte:
                raise FileChangedError(path, what="became shorter")
            if not job.take(descriptor, start, checksum):
                return False
        except DigestMismatchError:
            check_unchanged(path, item.file.stamp, os.fstat(descriptor))
            raise  # the file is what it was: the bytes were damaged on their way
        finally:
            os.close(descriptor)
    if checksum is None and not _holds(write, item, run, algorithm, halt):
        raise FileChangedError(path, what="changed")
    return True


def _holds(write: Write, item: SendItem, run: Run, algorithm: Algorithm, halt: Halt) -> bool:
    """Whether what was written of the run is right: by the store's own checksum, or read back."""
    start, stop = run.start_byte, run.stop_byte
    if proof := write.proof(start, stop):
        return can_compute(proof.name) and _checksum(item, run, proof.name, algorithm, halt) == proof
    job = write.written(start, stop)
    return job is not None and read_leaves(job, algorithm, halt) == item.leaf_digests(run.first, run.stop)


def _checksum(item: SendItem, run: Run, name: str, algorithm: Algorithm, halt: Halt) -> Checksum:
    """The checksum of the file's bytes, which are verified on the way."""
    summer = Summer(name)
    with contextlib.closing(outgoing(item, run, algorithm, halt)) as pieces:
        for piece in pieces:
            summer.update(piece)
    return summer.checksum()
