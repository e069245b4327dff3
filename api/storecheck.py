"""Checking a store: every object is read again, by the engine's lanes, and compared with its name."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from ..catalog import ObjectInfo, Version
from ..errors import NotFoundError
from ..manifest.digest import Algorithm
from ..manifest.entry import has_tree_digest
from ..store.store import read_bytes
from ..transfer.driver import drive
from ..transfer.engine import Engine
from ..transfer.lanes import PIECE
from ..transfer.leaves import read_leaves
from ..transfer.plan import Run, cut, is_large
from ..transfer.progress import Meter
from ..upkeep.soundness import Bad, Subject, judge_document, judge_leaves, judge_size, missing
from .documents import load_index, stream_entries, tree_algorithm
from .workspace import Workspace

WINDOW = 8  # leaves of a large object that are read in one go
ROUND = 2000  # objects whose state is held at a time


@dataclass(slots=True)
class _Window:
    """Some leaves of a large object; the last window that is read judges the whole."""

    of: "_Large"
    run: Run


@dataclass(slots=True)
class _Large:
    subject: Subject
    windows: int
    etag: str | None = None
    leaves: dict[int, list[bytes]] = field(default_factory=dict[int, list[bytes]])  # by the first of them
    bad: bool = False


@dataclass(slots=True)
class StoreCheck:
    """Reads objects and keeps those that are not what they should be, in no order."""

    engine: Engine
    meter: Meter
    bad: list[Bad] = field(default_factory=list[Bad])

    async def check(self, subjects: AsyncIterator[Subject]) -> tuple[Bad, ...]:
        """Read all of these. Raise `StoreError` where the store does not let itself be read: that says nothing of the objects."""
        batch: list[Subject] = []
        async for subject in subjects:
            batch.append(subject)
            if len(batch) == ROUND:
                await self._check_some(batch)
                batch = []
        await self._check_some(batch)
        return tuple(sorted(self.bad, key=lambda each: each.subject.key))

    async def _check_some(self, batch: Sequence[Subject]) -> None:
        self.meter.add(files=len(batch), bytes=sum(each.info.size for each in batch))
        small = [each for each in batch if each.info.kind == "manifest" or not is_large(each.info.size)]
        windows: list[_Window] = []
        for each in batch:
            if each.info.kind != "manifest" and is_large(each.info.size):
                runs = list(cut(each.info.size, WINDOW))
                large = _Large(each, len(runs))
                windows += [_Window(large, run) for run in runs]
        gates, retry = self.engine.gates.parts(), self.engine.retry
        few: Iterable[Subject | _Window] = small
        many: Iterable[Subject | _Window] = windows
        await drive(self._execute, small=few, bulk=many, limits=gates, retry=retry, meter=self.meter)

    async def _execute(self, work: Subject | _Window) -> float:
        if isinstance(work, _Window):
            return await self._check_window(work)
        try:
            found = await (self._check_document(work) if work.info.kind == "manifest" else self._check_small(work))
        except NotFoundError:
            found = missing(work)
        self._judged(work, found)
        return float(work.info.size)

    async def _check_document(self, subject: Subject) -> Bad | None:
        data = await read_bytes(self.engine.store, subject.key)
        return await asyncio.to_thread(judge_document, subject, data)

    async def _check_small(self, subject: Subject) -> Bad | None:
        meta = await self.engine.store.head(subject.key)
        return judge_size(subject, meta.size) or judge_leaves(subject, await self._read(subject, 0, meta.size, meta.etag))

    async def _check_window(self, window: _Window) -> float:
        large, run = window.of, window.run
        if large.bad:
            return 0.0
        subject = large.subject
        try:
            if large.etag is None:
                meta = await self.engine.store.head(subject.key)
                if found := judge_size(subject, meta.size):
                    return self._spoiled(large, found)
                large.etag = meta.etag
            large.leaves[run.first] = await self._read(subject, run.start_byte, run.stop_byte, large.etag)
        except NotFoundError:
            return self._spoiled(large, missing(subject))
        if len(large.leaves) == large.windows and not large.bad:
            leaves = [leaf for first in sorted(large.leaves) for leaf in large.leaves[first]]
            self._judged(subject, judge_leaves(subject, leaves))
        return float(run.stop_byte - run.start_byte)

    async def _read(self, subject: Subject, start: int, stop: int, etag: str) -> list[bytes]:
        job = self.engine.store.read(subject.key, start, stop, etag=etag)
        algorithm = Algorithm(subject.info.algorithm)
        async with self.engine.memory(PIECE, self.meter):
            found = await self.engine.lanes.run(lambda halt: read_leaves(job, algorithm, halt), meter=self.meter)
        self.meter.add(bytes_hashed=stop - start)
        return found

    def _spoiled(self, large: _Large, found: Bad) -> float:
        if not large.bad:
            large.bad = True
            self._judged(large.subject, found)
        return 0.0

    def _judged(self, subject: Subject, found: Bad | None) -> None:
        self.meter.add(files_done=1, bytes_done=subject.info.size)
        if found is not None:
            self.bad.append(found)


async def subjects_of(workspace: Workspace, version: Version) -> AsyncIterator[Subject]:
    """What one version needs: its document and its content, each once. Raise `ManifestError` where that cannot be told."""
    algorithm, seen = tree_algorithm(version), set[str]()
    index = await load_index(workspace, version)
    for digest in (version.document, *(page.digest for page in index.pages)):
        yield Subject(version.entity_id, ObjectInfo(algorithm, digest, 0, "manifest"))
    async for _, entry in stream_entries(workspace, version):
        if has_tree_digest(entry) and entry.digest not in seen:
            seen.add(entry.digest)
            yield Subject(version.entity_id, ObjectInfo(algorithm, entry.digest, entry.size or 0))
