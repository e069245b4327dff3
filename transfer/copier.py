"""Copying files and objects from one place to another: the engine as a tool of its own, without artifacts."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

from ..errors import InvalidValueError, LadingError
from ..store.folder import FolderStore
from ..store.journal import Journal
from ..store.opening import open_store
from ..store.store import Store
from ..store.threads import in_thread, to_the_end
from .budget import ByteBudget, shared_budget
from .copy_carriers import FromFile, FromStore
from .copy_in import Inbound, Visited, settle_all
from .copy_out import Outbound
from .copy_run import Copying, Mover
from .copy_sides import Here, There, look
from .copy_task import Report, Step, Task
from .deadline import within
from .engine import Engine
from .lanes import Lanes
from .locations import BUCKETS, WILD, Location, parse_location
from .pairs import Compare, Found, Rules, Target, apart, target_of
from .progress import Listener, Meter
from .scheduler import Retry

TASKS_AT_ONCE = 32  # of a batch; how much of them moves at the same time is for the gates of each store to say
Opener = Callable[[str, Mapping[str, str]], Store]


class Copier:
    """Runs tasks with the same stores, lanes and limits, which are opened when they are needed. Close it: `aclosing(Copier())`.

    `options` (`profile`, `endpoint`, `anonymous` …) hold for every bucket whose URL does not say otherwise; `journal` is a folder
    for notes of uploads, by which they are gone on with after a crash; `opener` opens stores, by URL and options; `retry` says
    how often and for how long what fails is tried again."""

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        max_bandwidth: int | None = None,
        budget: ByteBudget | None = None,
        options: Mapping[str, str] | None = None,
        journal: str | None = None,
        opener: Opener | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._retry = retry or Retry()
        self._concurrency, self._max_bandwidth, self._budget = concurrency, max_bandwidth, budget or shared_budget()
        self._options = dict(options or {})
        self._opener = opener or functools.partial(open_store, journal=Journal(journal) if journal else None)
        self._engines: dict[str, Engine] = {}
        self._lanes: dict[str, Lanes] = {}

    async def aclose(self) -> None:
        """Close the stores; the lanes end. A cancellation does not cut it short."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        engines = list(self._engines.values())
        self._engines.clear()
        for lanes in self._lanes.values():
            await asyncio.to_thread(lanes.close)
        for engine in engines:
            await engine.store.close()

    async def run(self, task: Task, *, meter: Meter | None = None) -> Report:
        """Do it. Raise what went wrong first, once all that was under way has ended: then what was copied until then is there,
        nothing is half copied, and nothing was deleted."""
        meter = meter or Meter()
        copying = await self._prepared(task, meter, Visited())
        deleted = await copying.run()
        return Report(meter.finish(), deleted)

    async def run_all(self, tasks: Iterable[Task], *, meter: Meter) -> list[tuple[Task, LadingError]]:
        """Do them, many at the same time; one that fails does not keep the others. Returns those that failed, and why, once what
        was copied is durable, as far as it is to be."""
        failed, unsettled = list[tuple[Task, LadingError]](), list[str]()
        waiting, visited = iter(tasks), Visited()

        async def work() -> None:
            for task in waiting:
                try:
                    await (await self._prepared(task, meter, visited)).run(unsettled)
                except LadingError as error:
                    failed.append((task, error))

        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS_AT_ONCE):
                group.create_task(work())
        await in_thread(lambda: settle_all(unsettled))
        return failed

    async def steps(self, task: Task) -> AsyncGenerator[Step]:
        """What `run` would do now; nothing is written."""
        copying = await self._prepared(task, Meter(), Visited())
        async with aclosing(copying.steps()) as steps:
            async for step in steps:
                yield step

    async def list(self, text: str, rules: Rules | None = None, *, raw: bool = False) -> AsyncGenerator[tuple[str, Found]]:
        """What a source names: the address of each object or file, and what is known of it."""
        location = parse_location(text, raw=raw)
        side, rules = self._side(location), rules or Rules()
        source = await look(side, location)
        if source.alone is not None:
            yield location.address(source.alone.key), source.alone
            return
        chosen = Rules(rules.include, rules.exclude, location.pattern).chooser()
        async with aclosing(side.below(location, chosen)) as pages:
            async for page in pages:
                for _, found in page:
                    yield location.address(found.key), found

    def _engine(self, location: Location) -> Engine:
        found = self._engines.get(location.store)
        if found is None:
            store = self._opener(location.store, self._options_of(location)) if location.store else FolderStore("/")
            found = self._engines[location.store] = Engine(
                store,
                retry=self._retry,
                budget=self._budget,
                concurrency=self._concurrency,
                max_bandwidth=self._max_bandwidth,
            )
            # Each web address is a store, and many of them lie on one host.
            host = location.store if location.is_listed else "://".join(urlsplit(location.store)[:2])
            found.lanes = self._lanes.setdefault(host, found.lanes)
        return found

    def _options_of(self, location: Location) -> dict[str, str]:
        scheme = location.store.partition("://")[0]
        if scheme not in BUCKETS:
            return {}
        return {name: value for name, value in self._options.items() if scheme == "s3" or name != "profile"}  # which is AWS's

    def _side(self, location: Location) -> Here | There:
        engine = self._engine(location)
        return Here(engine) if location.is_local else There(engine, location)

    async def _prepared(self, task: Task, meter: Meter, visited: Visited) -> Copying:
        source, destination = parse_location(task.source, raw=task.raw), parse_location(task.destination, raw=True)
        if not task.raw and destination.is_listed and WILD(destination.key):
            raise InvalidValueError(
                f"{task.destination!r} is no destination: it has wildcards", hint="name a folder, or use --raw"
            )
        side, there = self._side(source), self._side(destination)
        looked = await look(side, source)
        alone = looked.alone is not None
        _check(task, source, destination, alone=alone)
        is_folder = alone and not destination.is_folder and await there.is_folder(destination.key)
        target = target_of(source, destination, alone=alone, there=is_folder)
        left_out = ""
        if not alone and source.store == destination.store:
            folder = source.root if source.wild else source.folder
            left_out = apart(side.place(folder), there.place(target.folder), wild=source.wild)
        # The store's own lanes and limits move; files of this machine have those of the other side.
        engine = self._engine(source if destination.is_local else destination)
        mover = self._mover(task, side, source, destination, target, meter, visited)
        return Copying(task, engine, side, there, looked, destination, target, left_out, mover, meter)

    def _mover(
        self,
        task: Task,
        side: Here | There,
        source: Location,
        destination: Location,
        target: Target,
        meter: Meter,
        visited: Visited,
    ) -> Mover:
        replace = task.compare is not Compare.NEVER
        if destination.is_local:
            return Inbound(self._engine(source), side, str(source), target.folder, meter, replace=replace, visited=visited)
        carrier = FromFile(side) if isinstance(side, Here) else FromStore(side)
        parts = destination.is_listed
        return Outbound(self._engine(destination), carrier, target.folder, meter, replace=replace, parts=parts)


def _check(task: Task, source: Location, destination: Location, *, alone: bool) -> None:
    if task.digest and not alone:
        raise InvalidValueError(f"{source} may be more than one object, and a digest is that of one", hint="name the object")
    if task.delete and alone:
        raise InvalidValueError(f"{source} is one object: there is nothing to delete beside it", hint="sync a folder")
    if not destination.is_listed and not alone:
        raise InvalidValueError(f"{destination} is one web address, and {source} may be more than one object")


class Manner(TypedDict, total=False):
    """What `sync` may be told as `copy` may."""

    include: Iterable[str]
    exclude: Iterable[str]
    flatten: bool
    raw: bool
    digest: str | None
    verify: bool
    durable: bool
    concurrency: int | None
    max_bandwidth: int | None
    options: Mapping[str, str] | None
    journal: str | None
    progress: Listener | None
    deadline: float | None


async def copy(
    source: str,
    destination: str,
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    flatten: bool = False,
    raw: bool = False,
    compare: Compare = Compare.ALWAYS,
    delete: bool = False,
    digest: str | None = None,
    verify: bool = False,
    durable: bool = True,
    concurrency: int | None = None,
    max_bandwidth: int | None = None,
    options: Mapping[str, str] | None = None,
    journal: str | None = None,
    progress: Listener | None = None,
    deadline: float | None = None,
) -> Report:
    """Copy a file, an object, or all that lies below a folder or matches a pattern; each of the two places is a path, `s3://`,
    `gs://` or `https://`. The rules of names are those of `transfer.pairs`.

    `concurrency`, `max_bandwidth`, `options` and `journal` are those of a `Copier`. Whatever fails, is cancelled or is not done
    within `deadline` seconds leaves nothing half copied. Raise a `LadingError` that names the thing; `DeadlineError`."""
    task = Task(
        source=source,
        destination=destination,
        include=tuple(include),
        exclude=tuple(exclude),
        flatten=flatten,
        raw=raw,
        compare=compare,
        delete=delete,
        digest=digest,
        verify=verify,
        durable=durable,
    )
    what = f"the copy of {parse_location(source, raw=raw)} to {parse_location(destination, raw=True)}"
    copier = Copier(concurrency=concurrency, max_bandwidth=max_bandwidth, options=options, journal=journal)
    async with within(deadline, what), aclosing(copier):
        return await copier.run(task, meter=Meter(progress))


async def sync(
    source: str,
    destination: str,
    *,
    compare: Compare = Compare.SIZE_OR_NEWER,
    delete: bool = False,
    **manner: Unpack[Manner],
) -> Report:
    """As `copy`, but only what differs; with `delete`, what has no source any more goes, once everything else is done."""
    return await copy(source, destination, compare=compare, delete=delete, **manner)
