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
from ...transfer.pace import paced_job, shared_pace
from ...transfer.pairs import Found, Pair
from ...transfer.progress import Meter
from ..session import active_run
from ..workspace import Workspace
from .handler import Context, Handler, Opened, each
from .manner import Manner
from .registry import handler_for, scheme_of

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
        self._version, self._manner = version, manner
        run = active_run()
        own = {workspace.settings.entity, run.entity if run else workspace.settings.entity}
        self._strange = version.source.entity not in own
        self._context = Context(workspace.engine, Label(version.digest_algorithm))
        self._handlers: dict[str, Handler | None] = {}

    def handler(self, entry: Entry) -> Handler | None:
        scheme = scheme_of(entry.ref or "")
        if scheme not in self._handlers:
            self._handlers[scheme] = handler_for(scheme, self._context)
        return self._handlers[scheme]

    async def check(self, entries: Entries) -> None:
        """Before anything is asked or read, see that strangers lead nowhere they may not."""
        if not self._strange or self._manner.allow_local:
            return

        async def check(item: tuple[str, Entry]) -> None:
            path, entry = item
            handler = self.handler(entry)
            try:
                if handler is not None:
                    await handler.check_public(entry.ref or "")
            except StoreDeniedError as error:
                raise StoreDeniedError(
                    f"{path} of {self._version.place}: {error.message}",
                    hint=f"download it with allow_local_references=True if you trust {self._version.source.entity}",
                ) from error

        await each(check, entries.items())

    async def open(self, entries: Entries, *, look: bool) -> dict[str, Opened]:
        """The objects; without those that are missing, if they may be."""

        async def find(item: tuple[str, Entry]) -> Opened | None:
            path, entry = item
            handler = self.handler(entry)
            assert handler is not None  # as only such are asked for
            try:
                return await handler.find(entry.ref or "", entry, look=look)
            except NotFoundError as error:
                if not self._manner.allow_missing:
                    raise NotFoundError(entry.ref or "", "its place", path=path, hint=_MISSING) from error
                _log.warning("%s is missing, and left out: %s", path, entry.ref)
                return None

        found = await each(find, entries.items())
        return {path: one for path, one in zip(entries, found, strict=True) if one is not None}


_UNKNOWN = "%s is a reference to %s, which cannot be downloaded: nobody here knows its scheme"
_MISSING = "allow_missing_references=True downloads the rest"


class _Sources:
    """Objects by the path that they shall have."""

    def __init__(self, opened: Mapping[str, Opened], rate: int | None) -> None:
        self._opened, self._pace = opened, shared_pace(rate) if rate else None

    def job(self, found: Found, start: int, stop: int) -> ReadJob:
        job = self._opened[found.key].job(start, stop)
        return paced_job(job, self._pace) if self._pace else job


async def _move(workspace: Workspace, opened: Mapping[str, Opened], root: str, meter: Meter) -> None:
    store: Store = next(iter(opened.values())).store
    settings, near = workspace.settings, isinstance(store, FolderStore)
    engine = Engine(store, retry=workspace.engine.retry, budget=workspace.engine.budget, concurrency=settings.concurrency)
    with ExitStack() as closing:
        closing.callback(engine.close)
        sources = _Sources(opened, None if near else settings.max_bandwidth)
        inbound = Inbound(engine, sources, store.url, root, meter, replace=True)
        await inbound.begin()
        pairs = [
            Pair(Found(path, one.size, one.etag, one.modified, ranges=one.ranges), path) for path, one in sorted(opened.items())
        ]

        async def large(pair: Pair) -> None:
            await inbound.large(pair, digest=None, checksum=None, verify=False)

        await move(engine, inbound, pairs, meter, large)
        await inbound.settle([pair.name for pair in pairs], durable=True)


async def check_strange(workspace: Workspace, version: Version, entries: Entries) -> None:
    """Before entries of another entity's version are committed as one's own: raise `StoreDeniedError` for references that would
    lead to this machine or a private network."""
    await Followers(workspace, version, Manner()).check(entries)
