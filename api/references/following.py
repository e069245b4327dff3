"""Following references: what they name becomes local files, if it still is what was referred to."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from ...catalog import Version
from ...errors import NotFoundError, ObjectChangedError, StoreDeniedError, UsageError
from ...manifest.digest import Label
from ...manifest.entry import Entries, Entry
from ...store.folder import FolderStore
from ...store.jobs import ReadJob
from ...store.store import Store
from ...transfer.copy_in import Inbound
from ...transfer.copy_run import move
from ...transfer.engine import Engine
from ...transfer.pace import Pace, paced_job, shared_pace
from ...transfer.pairs import Found, Pair
from ...transfer.progress import Meter
from ..session import active_run
from ..workspace import Workspace
from .handler import Context, Handler, Opened, each
from .manner import Manner
from .registry import Handlers, shown

_log = logging.getLogger("lading.references")


async def follow(workspace: Workspace, version: Version, entries: Entries, root: str, meter: Meter, manner: Manner) -> None:
    """The references become files below `root`; what lies there under their names is replaced. Those of schemes that nobody
    knows are left out with a warning. Raise `NotFoundError`, `DigestMismatchError` for what was replaced, `StoreDeniedError` for
    what strangers may not have followed."""
    followers = Followers(workspace, version, manner)
    known: Entries = {}
    for path, entry in entries.items():
        if followers.handler(entry) is not None:
            known[path] = entry
        elif manner.allow_unknown:
            _log.warning(_UNKNOWN, path, entry.ref)
        else:
            raise UsageError(_UNKNOWN % (path, entry.ref))
    await followers.check(known)
    meter.add(files=len(known), bytes=sum(entry.size or 0 for entry in known.values()))
    await _bring(workspace, followers, known, root, meter, look=manner.allow_missing)


async def _bring(workspace: Workspace, followers: "Followers", entries: Entries, root: str, meter: Meter, *, look: bool) -> None:
    opened = await followers.open(entries, look=look)
    groups: dict[str, dict[str, Opened]] = {}
    for path, one in opened.items():
        groups.setdefault(one.store.url, {})[path] = one
    for group in groups.values():
        try:
            await _move(workspace, group, root, meter)
        except (NotFoundError, ObjectChangedError):
            if look:
                raise
            # Reading alone has found it out. A look says what it is, and may find an earlier version.
            await _bring(workspace, followers, {path: entries[path] for path in group}, root, Meter(), look=True)


class Followers:
    """The handlers of one version's references."""

    def __init__(self, workspace: Workspace, version: Version, manner: Manner) -> None:
        self._workspace, self._version, self._manner = workspace, version, manner
        run = active_run()
        own = {workspace.settings.entity, run.entity if run else workspace.settings.entity}
        self._strange = version.source.entity not in own
        self._handlers = Handlers(Context(workspace.engine, Label(version.digest_algorithm)))

    def handler(self, entry: Entry) -> Handler | None:
        return self._handlers.of(entry.ref or "")

    async def check(self, entries: Entries) -> None:
        """Before anything is asked or read, see that strangers lead nowhere they may not."""
        if self._strange and not self._manner.allow_local:
            hint = f"allow_local_references=True ({_OPTION}) follows it, if you trust {self._version.source.entity}"
            await check_public(self._workspace, self._handlers, entries, self._version.place, hint)

    async def open(self, entries: Entries, *, look: bool) -> dict[str, Opened]:
        """The objects; without those that are missing, if they may be."""

        async def find(item: tuple[str, Entry]) -> Opened | None:
            path, entry = item
            handler = self.handler(entry)
            assert handler is not None  # as only such are asked for
            self._workspace.check_online(entry.ref or "")
            try:
                return await handler.find(entry.ref or "", entry, look=look)
            except NotFoundError as error:
                if not self._manner.allow_missing:
                    raise NotFoundError(shown(entry.ref or ""), "its place", path=path, hint=_MISSING) from error
                _log.warning("%s is missing, and left out: %s", path, shown(entry.ref or ""))
                return None

        found = await each(find, entries.items())
        return {path: one for path, one in zip(entries, found, strict=True) if one is not None}


_UNKNOWN = "%s is a reference to %s, which cannot be downloaded: nobody here knows its scheme"
_MISSING = "allow_missing_references=True (--allow-missing-references) downloads the rest"
_OPTION = "--allow-local-references"


def engine_for(workspace: Workspace, store: Store) -> Engine:
    """An engine that moves what lies in another store than the workspace's. The caller closes it."""
    return Engine(store, retry=workspace.engine.retry, budget=workspace.engine.budget, concurrency=workspace.settings.concurrency)


def pace_for(workspace: Workspace, store: Store) -> Pace | None:
    """The pace of what comes from there; None if nothing slows it down."""
    rate = None if isinstance(store, FolderStore) else workspace.settings.max_bandwidth
    return shared_pace(rate) if rate else None


class _Sources:
    """Objects by the path that they shall have."""

    def __init__(self, opened: Mapping[str, Opened], pace: Pace | None) -> None:
        self._opened, self._pace = opened, pace

    def job(self, found: Found, start: int, stop: int) -> ReadJob:
        job = self._opened[found.key].job(start, stop)
        return paced_job(job, self._pace) if self._pace else job


async def _move(workspace: Workspace, opened: Mapping[str, Opened], root: str, meter: Meter) -> None:
    store: Store = next(iter(opened.values())).store
    engine = engine_for(workspace, store)
    with ExitStack() as closing:
        closing.callback(engine.close)
        sources = _Sources(opened, pace_for(workspace, store))
        inbound = Inbound(engine, sources, store.url, root, meter, replace=True)
        await inbound.begin()
        pairs = [
            Pair(Found(path, one.size, one.etag, one.modified, ranges=one.ranges), path) for path, one in sorted(opened.items())
        ]

        async def large(pair: Pair) -> None:
            await inbound.large(pair, digest=None, checksum=None, verify=False)

        await move(engine, inbound, pairs, meter, large)
        await inbound.settle([pair.name for pair in pairs], durable=True)


async def check_public(workspace: Workspace, handlers: Handlers, entries: Entries, place: object, hint: str) -> None:
    """Raise `StoreDeniedError` if one of these references of `place` leads to this machine or a private network."""

    async def check(item: tuple[str, Entry]) -> None:
        path, entry = item
        handler = handlers.of(entry.ref or "")
        workspace.check_online(entry.ref or "")
        try:
            if handler is not None:
                await handler.check_public(entry.ref or "")
        except StoreDeniedError as error:
            raise StoreDeniedError(f"{path} of {place}: {error.message}", hint=hint) from error

    await each(check, entries.items())
