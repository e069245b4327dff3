"""Gathering: one version that several writers make, in several processes and on several machines.

Each writer upserts: what it holds is sent as a document of its own and given to the version that is being made under a name (the
`distributed_id`, or the run's group). Whoever finishes merges all parts into one document and commits it. So
- a writer that dies before its part is given leaves garbage, no part: the version is what the others gave;
- a finisher that dies leaves all parts where they are: whoever finishes next commits them;
- a part that comes after the commit is refused (`LeaseLostError`) and in no version; upserts that begin after it make the next;
- whoever finishes what holds a part of theirs gets the one version, at the same time or later; where there is no part, finishing
  is refused;
- a path of two different contents is refused, unless one run gave both: then the later one holds, so that a run that is resumed
  after a crash replaces what it gave;
- parts that nobody finishes within a day after the last of them are given up, and the next call of that name says so.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from msgspec import Struct

from ..catalog import Committed, Labels, Part, Premise, RunKey, Version, WriteSession
from ..errors import InvalidValueError, LeaseLostError, NameConflictError, PremiseError, WaitTimeoutError
from ..manifest.manifest import Manifest
from ..transfer.progress import Meter
from .documents import load_entries
from .draft import Draft
from .log import ATTEMPTS, Target, content_of, receipt, write_session
from .references.authorising import check_found
from .sending import Load, Sending
from .workspace import Workspace

LEASE = 86_400.0
_FIRST_LOOK, _LAST_LOOK = 0.02, 2.0  # seconds between looks at whether it was finished


async def upsert(workspace: Workspace, draft: Draft, target: Target, name: str, meter: Meter) -> WriteSession:
    """Give what the draft holds to the version that is being made under `name`; the session that stands for it. Its local files
    may change then. Repeatable."""
    if draft.given is not None and await _holds(workspace, draft.given):
        return draft.given
    await asyncio.to_thread(draft.check_unchanged)
    await workspace.own()
    names = (target.entity, target.project, target.collection, target.type, name)
    gathering = await workspace.catalog.gather(secrets.token_hex(16), *names, lease_seconds=LEASE)
    if not len(draft.manifest):
        return gathering
    async with write_session(workspace, target) as session:
        meter.add(files=len(draft.manifest), bytes=await asyncio.to_thread(draft.manifest.size))
        load = Load(draft.manifest, draft.sources, draft.base.version if draft.base else None, draft.ahead)
        work = Sending(workspace, load, session, meter)
        await work.authorise()
        await work.send_files()
        document = (await work.send_document()).index_encoded.digest
        await work.flush()
        label, aliases = draft.manifest.digest_algorithm.value, target.labels.aliases
        await workspace.catalog.give(gathering, session, Part(draft.id, label, document, target.run, aliases))
        await workspace.catalog.abandon(session)  # of a part that was given before
    draft.release()
    draft.given = gathering
    return gathering


async def _holds(workspace: Workspace, given: WriteSession) -> bool:
    """Whether a part is in a version, or may still come into one."""
    try:
        await workspace.catalog.outcome(given)
    except LeaseLostError:
        return False
    return True


async def finish(workspace: Workspace, draft: Draft, target: Target, name: str, meter: Meter) -> Committed:
    """Give what the draft holds, too, then commit all parts as one version."""
    gathering = await upsert(workspace, draft, target, name, meter)
    for attempt in range(1, ATTEMPTS + 1):
        if (version := await workspace.catalog.outcome(gathering)) is not None:
            return Committed(version, created=True)
        try:
            committed = await _commit(workspace, gathering, draft, target, meter)
        except PremiseError:  # a part came in while others were merged
            if attempt == ATTEMPTS:
                raise
        except LeaseLostError:  # was another one faster? It committed this part, too: a commit takes all that were given
            if await workspace.catalog.outcome(gathering) is None:
                raise
        else:
            await receipt(workspace, committed.version)
            return committed
    raise AssertionError("the last attempt returns or raises")


async def _commit(workspace: Workspace, gathering: WriteSession, draft: Draft, target: Target, meter: Meter) -> Committed:
    catalog = workspace.catalog
    parts = await catalog.parts(gathering)
    if not parts:
        await catalog.abandon(gathering)
        raise InvalidValueError(
            f"there is nothing to finish for {target.collection}: no part was upserted",
            hint="was it finished already? Api().artifact() finds the version",
        )
    merged = await _merged(workspace, gathering, parts, draft)
    await check_found(workspace, merged.entries)
    work = Sending(workspace, Load(merged, {}), gathering, meter)
    document = await work.send_document()
    await work.flush()
    content = await asyncio.to_thread(content_of, merged, document, target)
    aliases = dict.fromkeys(alias for part in parts for alias in part.aliases)
    labels = Labels((*aliases, *target.labels.aliases), target.labels.tags)
    premise = Premise(parts=tuple(sorted(part.id for part in parts)))
    return await catalog.commit(gathering, content, labels, target.run, premise=premise, ttl=target.ttl)


async def _merged(workspace: Workspace, gathering: WriteSession, parts: Sequence[Part], draft: Draft) -> Manifest:
    """All entries of all parts."""
    label = draft.manifest.digest_algorithm
    merged = Manifest(label, name=gathering.collection)
    givers: dict[str, RunKey | None] = {}
    for part in parts:
        if part.digest_algorithm != label.value:
            raise InvalidValueError(
                f"a part of {gathering.collection} has {part.digest_algorithm} digests; this one has {label.value}",
                hint="all writers of a version take the same digest_algorithm",
            )
        for path, entry in (await load_entries(workspace, _part_document(gathering, part))).items():
            present = merged.get_entry_by_path(path)
            mine = part.run is not None and givers.get(path) == part.run
            if present is not None and not mine and (present.digest, present.ref) != (entry.digest, entry.ref):
                raise NameConflictError(
                    f"Cannot add the same path twice: {path!r} differs between {_who(givers[path])} and {_who(part.run)}",
                    hint="give writers paths of their own; a run that is resumed by its id replaces what it gave",
                )
            merged.add_entry(path, entry, overwrite=True)
            givers[path] = part.run
    return merged


def _part_document(gathering: WriteSession, part: Part) -> "PartDocument":
    place = f"a part of {gathering.entity}/{gathering.project}/{gathering.collection}"
    return PartDocument(gathering.entity_id, part.document, part.digest_algorithm, place)


def _who(run: RunKey | None) -> str:
    return "a writer without a run" if run is None else f"run {run.id}"


class PartDocument(Struct, frozen=True):
    """Where the entries of a part are read: as those of a version."""

    entity_id: str
    document: str
    digest_algorithm: str
    place: str


class Gathered:
    """The wait of one who upserted: for whoever finishes."""

    def __init__(self, workspace: Workspace, gathering: WriteSession, tell: Callable[[Version, Workspace], None]) -> None:
        self._workspace, self._gathering, self._tell = workspace, gathering, tell

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109  # as of `Pending`
        """Return when the version is committed. Raise `WaitTimeoutError`, `LeaseLostError` if it was given up."""
        try:
            async with asyncio.timeout(timeout):
                version = await self._committed()
        except TimeoutError:
            raise WaitTimeoutError(f"not finished within {timeout} seconds", hint="wait() again") from None
        self._tell(version, self._workspace)

    async def _committed(self) -> Version:
        pause = _FIRST_LOOK
        while (version := await self._workspace.catalog.outcome(self._gathering)) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_LOOK)
        return version
