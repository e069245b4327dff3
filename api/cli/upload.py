"""An upload: a file or folder that becomes a version, or would."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...errors import InvalidValueError, LadingError, LocalFileError
from ...transfer.progress import Meter, Progress
from ..html import readable_size
from .console import Console
from .phrases import counted, readable_seconds
from .records import bound_record, explained, transfer_record, version_record
from .watch import Watch, bytes_hashed

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..forecast import Forecast
    from ..settings import Settings
    from ..workspace import Workspace


class Upload(Struct, frozen=True):
    """What `put` was asked to do."""

    path: str
    name: str | None = None
    type: str = "dataset"
    description: str | None = None
    metadata: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    digest: str | None = None
    policy: str = "mutable"
    run_id: str | None = None
    explain: bool = False
    references: tuple[str, ...] = ()  # URI, or PATH=URI
    checksum: bool = True  # of references: look at what they lead to
    max_objects: int | None = None  # that one of them may lead to

    @property
    def target(self) -> str:
        """The name to log it under: without one, the base name of the path, or of the first reference."""
        if self.name is not None:
            return self.name
        path = self.path or named_uri(self.references[0])[1]
        base = Path(path).name
        return base if base not in ("", "..") else Path(path).resolve().name

    @property
    def is_folder(self) -> bool:
        return Path(self.path).is_dir()

    @property
    def is_reference(self) -> bool:
        return "://" in self.path

    @property
    def is_local(self) -> bool:
        return bool(self.path) and not self.is_reference

    def check(self) -> None:
        """Raise a `LadingError` for what is wrong with it, or all of them in a group, before anything is done."""
        from ...manifest import names
        from ...manifest.digest import digest_label

        checks: list[Callable[[], object]] = [
            lambda: _check_exists(self.path) if self.is_local else _check_no_patterns(self.ignore),
            lambda: _check_name(self.target),
            lambda: names.type_name(self.type, name=self.target.rpartition("/")[2]),
            lambda: names.metadata(self.metadata),
            lambda: names.alias_list(alias for alias in self.aliases if alias != names.LATEST),
            lambda: names.tag_list(self.tags),
            lambda: digest_label(self.digest) if self.digest else None,
            lambda: names.run_id(self.run_id) if self.run_id is not None else None,
        ]
        problems = [problem for check in checks if (problem := _problem(check))]
        if len(problems) > 1:
            raise ExceptionGroup("several things are wrong", problems)
        if problems:
            raise problems[0]

    def artifact(self) -> "Artifact":
        from ..artifact import Artifact

        name = self.target.rpartition("/")[2]
        return Artifact(name, self.type, self.description, self.metadata, digest_algorithm=self.digest)

    def settings(self) -> "Settings":
        """Those that hold here, with the entity and project of the name."""
        from ...manifest.names import parse_artifact_name
        from ..settings import load_settings

        named = parse_artifact_name(self.target)
        return load_settings(entity=named.entity, project=named.project)


def _problem(check: Callable[[], object]) -> LadingError | None:
    try:
        check()
    except LadingError as error:
        return error
    return None


def _check_exists(path: str) -> None:
    if not Path(path).exists():
        raise LocalFileError(f"{path}: no such file or folder")


def _check_no_patterns(ignore: tuple[str, ...]) -> None:
    if ignore:
        raise InvalidValueError("--ignore leaves out local files; of a URI all is referred to")


def named_uri(text: str) -> tuple[str | None, str]:
    """The path that a reference shall have, where it is given as `PATH=URI`, and the URI."""
    path, equals, uri = text.partition("=")
    return (path, uri) if equals and "://" not in path else (None, text)


def _check_name(target: str) -> None:
    from ...manifest.names import parse_artifact_name

    if ":" in target:
        raise InvalidValueError(
            f"Invalid artifact name: {target!r}", hint="--alias gives aliases; versions are numbered by themselves"
        )
    parse_artifact_name(target)


async def upload(console: Console, asked: Upload) -> None:
    """Log it, and say under which name."""
    from ...catalog import Labels
    from ...manifest.names import LATEST, alias_list, tag_list
    from ..starting import init_async
    from ..workspace import open_workspace

    asked.check()
    artifact, settings = asked.artifact(), asked.settings()
    workspace = await open_workspace(settings)
    labels = Labels(alias_list(alias for alias in asked.aliases if alias != LATEST), tag_list(asked.tags))
    artifact.draft.go_ahead(workspace.ahead(settings.entity))
    with console.watch() as watch:
        hashing = await _add(workspace, artifact, asked, watch)
        async with await init_async(settings.project, settings.entity, id=asked.run_id, job_type="put") as run:
            meter = Meter(watch.begin("sending"))
            committed = await run.commit(artifact, labels, meter)
            sending = meter.finish()
    artifact.adopt(committed.version, workspace)
    seconds = hashing.seconds + sending.seconds
    record: dict[str, Any] = version_record(artifact) | {
        "created": committed.created,
        "transfer": transfer_record(sending, seconds),
    }
    why = explained(hashing, sending, near=workspace.store.near) if asked.explain else None
    console.result(record | bound_record(why), artifact.qualified_name)
    console.notice(_closing(artifact, sending, seconds, created=committed.created))
    if why:
        console.notice(why.sentence)


async def _add(workspace: "Workspace", artifact: "Artifact", asked: Upload, watch: Watch) -> Progress:
    meter, draft = Meter(watch.begin("hashing", bytes_hashed)), artifact.draft
    for each in ((asked.path,) if asked.is_reference else ()) + asked.references:
        path, uri = named_uri(each)
        await artifact.add_reference_async(uri, path, asked.checksum, asked.max_objects)
    if not asked.is_local:
        return meter.finish()
    if asked.is_folder:
        await draft.add_dir(workspace, asked.path, "", policy=asked.policy, merge=False, ignore=asked.ignore, meter=meter)
    else:
        name = Path(asked.path).name
        await draft.add_file(workspace, asked.path, name, is_tmp=False, policy=asked.policy, overwrite=False, meter=meter)
    return meter.finish()


def _closing(artifact: "Artifact", sent: Progress, seconds: float, *, created: bool) -> str:
    all_of_it = f"{counted(sent.files, 'file')}, {readable_size(sent.bytes)}"
    if not created:
        return f"unchanged: is {artifact.version} ({all_of_it}, {readable_seconds(seconds)})"
    referred = [entry.size or 0 for entry in artifact.draft.manifest.entries.values() if entry.ref is not None]
    files, size = sent.files_reused - len(referred), sent.bytes_reused - sum(referred)
    stored = f"; {counted(files, 'file')}, {readable_size(size)} were stored already" if files else ""
    return f"{all_of_it} in {readable_seconds(seconds)}{stored}{_beside(len(referred))}"


def _beside(references: int) -> str:
    return f"; {counted(references, 'reference')}, whose bytes stay where they are" if references else ""


async def forecast(console: Console, asked: Upload) -> None:
    """Hash it, and say what logging would send."""
    from ..forecast import forecast_log
    from ..workspace import open_workspace

    asked.check()
    artifact, settings = asked.artifact(), asked.settings()
    workspace = await open_workspace(settings)
    with console.watch() as watch:
        await _add(workspace, artifact, asked, watch)
    latest = await workspace.catalog.latest(settings.entity, settings.project, artifact.name)
    found = await forecast_log(workspace, artifact.draft, latest)
    same_as = f"v{latest.place.index}" if latest is not None and found.unchanged else None
    record = {
        "dry_run": True,
        "entity": settings.entity,
        "project": settings.project,
        "name": artifact.name,
        "type": artifact.type,
        "digest": artifact.digest,
        "unchanged": found.unchanged,
        "latest": f"{artifact.name}:v{latest.place.index}" if latest is not None else None,
        "files": found.files,
        "bytes": found.bytes,
        "files_reused": found.files_reused,
        "bytes_reused": found.bytes_reused,
        "references": found.references,
    }
    console.result(record, f"{settings.entity}/{settings.project}/{artifact.name}")
    console.notice("dry run: " + _foreseen(found, same_as))


def _foreseen(found: "Forecast", same_as: str | None) -> str:
    if same_as:
        return f"unchanged, is {same_as} ({counted(found.files, 'file')}, {readable_size(found.bytes)})"
    new = f"{counted(found.files - found.files_reused, 'file')}, {readable_size(found.bytes - found.bytes_reused)}"
    known = f"{counted(found.files_reused, 'file')}, {readable_size(found.bytes_reused)}"
    return f"{new} would be sent; {known} are in the latest version already{_beside(found.references)}"
