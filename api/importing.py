"""Importing a project: the plain files of an export become versions, with the numbers, labels and times that they had."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ..catalog import Change, Labels, Version
from ..errors import (
    DigestMismatchError,
    FileChangedError,
    InvalidValueError,
    LeaseLostError,
    LocalFileError,
    ManifestError,
    NameConflictError,
    StoreDeniedError,
    UnknownNameError,
)
from ..manifest.digest import Label
from ..manifest.entry import Entries, Entry
from ..manifest.manifest import Manifest
from ..manifest.names import alias_list, tag_list, type_name
from ..manifest.receipt import Receipt
from ..manifest.targets import is_target, parse_uri
from ..manifest.wandb import md5_label
from ..transfer.hashing import Hashed
from ..transfer.local import LocalFile, local_file
from ..transfer.plan import entry_of
from ..transfer.progress import Meter
from ..upkeep.exports import Export, by_collection, stored_paths
from .draft import Source
from .log import Target, content_of, receipt, write_session
from .references.importing import check_references, lost_targets
from .sending import Load, Sending
from .workspace import Workspace

# What may be wrong with one version, and says nothing of the others.
_OF_ONE = (
    *(DigestMismatchError, FileChangedError, InvalidValueError, LocalFileError, ManifestError, NameConflictError),
    StoreDeniedError,
)


@dataclass(slots=True)
class Imported:
    """Names of what was imported and of what was there already, and lines for people on what could not be as it was."""

    versions: list[str] = field(default_factory=list[str])
    known: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


class _Home(Struct, frozen=True):
    entity: str
    project: str


@dataclass(slots=True)
class _Task:
    """One import: what is read, where it goes, and what is known of it so far."""

    workspace: Workspace
    export: Export
    home: _Home
    meter: Meter
    allow_local: bool
    coming: set[str] = field(default_factory=set[str])  # ids of versions of the export that the catalogue has never heard of
    awaited: dict[str, set[str]] = field(default_factory=dict[str, set[str]])  # those of them that an imported version refers to


async def import_project(
    workspace: Workspace,
    folder: str,
    entity: str | None,
    project: str | None,
    meter: Meter,
    *,
    dry_run: bool = False,
    allow_local_references: bool = False,
) -> Imported:
    """Log all versions of an export into the project, by default of the exported name. What is there already with the same
    content is passed over, so an import that was cut short can be repeated. Every file must hash to what its entry says. Who made
    an export cannot be known: references to this machine and to private networks are refused unless they are allowed. One
    version that cannot be imported keeps none of the others: `problems` has it. Raise `UsageError` for a folder without an
    export."""
    export, done = Export(folder), Imported()
    head = await asyncio.to_thread(export.head)
    task = _Task(
        workspace,
        export,
        _Home(entity or workspace.settings.entity, project or head.project),
        meter,
        allow_local_references,
    )
    receipts = await asyncio.to_thread(export.receipts)
    if not dry_run:
        await workspace.own()
    ids = [each.version_id for each in receipts]
    task.coming = set(ids) - {each.id for each in await workspace.catalog.kept_by_id(ids)}
    for collection, versions in by_collection(receipts).items():
        there: list[Receipt] = []
        for each in versions:
            name = f"{task.home.entity}/{task.home.project}/{collection}:v{each.index}"
            try:
                if await _is_there(task, each):
                    done.known.append(name)
                    continue
                if not dry_run:
                    done.problems += await _import(task, each)
            except _OF_ONE as error:
                done.problems.append(f"{name}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
            else:
                done.versions.append(name)
                there.append(each)
        if there and not dry_run:
            await _settle_latest(workspace, task.home, versions)
    done.problems += await _dangling(task)
    return done


async def _dangling(task: _Task) -> list[str]:
    """Lines on versions that refer to others of the export that were not imported after all."""
    ids = sorted(set[str]().union(*task.awaited.values()))
    there = {each.id for each in await task.workspace.catalog.kept_by_id(ids)}
    return [
        f"{name}: refers to a version of the export that could not be imported"
        for name, awaited in task.awaited.items()
        if not awaited <= there
    ]


async def _is_there(task: _Task, receipt: Receipt) -> bool:
    """Raise `NameConflictError` if another version has its number."""
    try:
        found = await task.workspace.catalog.version(task.home.entity, task.home.project, receipt.collection, f"v{receipt.index}")
    except UnknownNameError:
        return False
    if found.tree_digest != receipt.tree_digest:
        raise NameConflictError("there is another version of this number", hint="import into another project")
    return True


async def _import(task: _Task, receipt_: Receipt) -> list[str]:
    """Lines on what is not as it was."""
    workspace, home = task.workspace, task.home
    entries = await asyncio.to_thread(task.export.entries, receipt_)
    if not task.allow_local:
        await check_references(workspace, Label(receipt_.digest_algorithm), entries, f"{receipt_.collection}:v{receipt_.index}")
    targets = {path: entry for path, entry in entries.items() if is_target(entry)}
    awaited = {path for path, entry in targets.items() if parse_uri(entry.ref or "")[0] in task.coming}
    plain = await lost_targets(workspace, {path: entry for path, entry in targets.items() if path not in awaited})
    sources, became = await _sources(workspace, task.export, receipt_, entries, plain, task.meter)
    manifest = Manifest(receipt_.digest_algorithm, entries | became, name=receipt_.collection)
    if not became and await asyncio.to_thread(manifest.tree_digest) != receipt_.tree_digest:
        raise DigestMismatchError("its entries", expected=receipt_.tree_digest, actual=manifest.tree_digest())
    version = await _log(workspace, home, receipt_, Load(manifest, sources), task.meter)
    task.coming.discard(version.id)
    if awaited:
        task.awaited[str(version.place)] = {parse_uri(targets[path].ref or "")[0] for path in awaited}
    lines = [f"{version.place}: {path} was a reference to another artifact, and is a file now" for path in plain]
    if version.place.index != receipt_.index:
        lines.append(
            f"v{receipt_.index} of {receipt_.collection} holds what v{version.place.index} holds, and is not numbered again"
        )
    return lines


async def _sources(
    workspace: Workspace, export: Export, receipt_: Receipt, entries: Entries, plain: Sequence[str], meter: Meter
) -> tuple[dict[str, Source], Entries]:
    """The files behind the entries, each of them what its entry says, and the entries that references become."""
    label = Label(receipt_.digest_algorithm)
    paths = [*stored_paths(entries), *plain]

    def look() -> list[LocalFile]:
        return [local_file(export.file(receipt_, path)) for path in paths]

    files = await asyncio.to_thread(look)
    hashed = await workspace.engine.hash(files, label.algorithm, md5=label is Label.MD5, meter=meter)
    became: Entries = {}
    for path, file, one in zip(paths, files, hashed, strict=True):
        md5 = md5_label(one.md5) if one.md5 else None
        if path in plain:
            became[path] = entry_of(one, executable=file.executable, md5=md5)
        else:
            _check(path, entries[path], one, md5)
    return {path: Source(file, one, "immutable") for path, file, one in zip(paths, files, hashed, strict=True)}, became


def _check(path: str, entry: Entry, hashed: Hashed, md5: str | None) -> None:
    if entry.digest != hashed.digest or entry.size != hashed.size:
        raise DigestMismatchError(path, expected=entry.digest, actual=hashed.digest)
    if entry.md5 is not None and entry.md5 != md5:
        raise DigestMismatchError(path, expected=entry.md5, actual=str(md5))


async def _log(workspace: Workspace, home: _Home, receipt_: Receipt, load: Load, meter: Meter) -> Version:
    aliases = tuple(alias for alias in alias_list(receipt_.aliases) if alias != "latest")
    kind, labels = type_name(receipt_.type, name=receipt_.collection), Labels(aliases, tag_list(receipt_.tags))
    target = Target(home.entity, home.project, receipt_.collection, kind, receipt_.description, receipt_.metadata, labels, None)
    catalog = workspace.catalog
    await catalog.skip_numbers(home.entity, home.project, receipt_.collection, kind, receipt_.index)
    async with write_session(workspace, target, await _free_id(workspace, home, receipt_)) as session:
        work = Sending(workspace, load, session, meter)
        await work.send_files()
        document = await work.send_document()
        await work.flush()
        content = await asyncio.to_thread(content_of, load.manifest, document, target)
        committed = await catalog.commit(session, content, labels, None)
    if committed.created:
        await catalog.predate(committed.version.id, receipt_.created_at)
    version = await catalog.version_by_id(committed.version.id)
    await receipt(workspace, version)
    return version


async def _free_id(workspace: Workspace, home: _Home, receipt_: Receipt) -> str:
    """Its own id, by which others refer to it; another where that is taken, as in the catalogue that it comes from."""
    catalog, names = workspace.catalog, (home.entity, home.project, receipt_.collection)
    try:
        session = await catalog.open_session(receipt_.version_id, *names, receipt_.type, lease_seconds=60)
        if await catalog.outcome(session) is None:
            return receipt_.version_id
    except (NameConflictError, LeaseLostError):
        pass
    return secrets.token_hex(16)


async def _settle_latest(workspace: Workspace, home: _Home, versions: Sequence[Receipt]) -> None:
    """`latest` is where it was; the commits have left it at the last."""
    named = next((each for each in versions if "latest" in each.aliases), None)
    if named is None or named is versions[-1]:
        return
    catalog = workspace.catalog
    place = (await catalog.version(home.entity, home.project, named.collection, f"v{named.index}")).place
    await catalog.change_version(place, Change(add_aliases=("latest",)))
