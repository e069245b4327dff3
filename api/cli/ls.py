"""`lading ls`: list projects, collections, versions or files."""

from typing import TYPE_CHECKING

import click

from ...errors import UnknownNameError
from ..html import readable_size
from .console import Console
from .copies import list_objects
from .manner import Manner, store_options
from .phrases import age, counted, printable
from .records import collection_record, entry_record, version_record
from .table import Column
from .target import Files, Project, Projects, Target, Versions, parse_target
from .work import with_console

if TYPE_CHECKING:
    from ..public import Api

_PROJECTS = (Column("PROJECT"),)
_COLLECTIONS = (
    Column("NAME"),
    Column("TYPE"),
    Column("VERSIONS", True),
    Column("ALIASES"),
    Column("SIZE", True),
    Column("AGE", True),
)
_VERSIONS = (
    Column("VERSION"),
    Column("ALIASES"),
    Column("TAGS"),
    Column("STATE"),
    Column("SIZE", True),
    Column("FILES", True),
    Column("CREATED"),
)
_SOURCE = Column("SOURCE")  # of links
_PER_PAGE = 500


@click.command(short_help="List projects, collections, versions or files.")
@click.argument("path", required=False)
@click.option(
    "--type",
    "-t",
    "type_",
    metavar="TYPE",
    help="Only collections of this type; of a collection or version: fail if it has another.",
)
@click.option("--files", is_flag=True, help="The files of PROJECT/NAME (`latest`), instead of its versions.")
@store_options
@with_console
async def ls(
    console: Console,
    *,
    path: str | None,
    type_: str | None,
    files: bool,
    manner: Manner,
) -> None:
    """List what there is.

    \b
    lading ls                       projects
    lading ls PROJECT               its collections
    lading ls ENTITY/PROJECT/       … of another entity: mind the slash at the end
    lading ls PROJECT/NAME          versions of a collection
    lading ls ENTITY/PROJECT/NAME   … of another entity
    lading ls NAME:ALIAS            files of a version, also PROJECT/NAME:ALIAS …
    lading ls s3://BUCKET/PREFIX/   objects; also gs://, and with wildcards

    With --quiet, names only. --include to --anonymous are for objects.
    """
    if path is not None and "://" in path:
        if type_ or files:
            raise click.UsageError("--type and --files are for artifacts")
        await list_objects(console, path, manner)
        return
    target = parse_target(path)
    if files:
        if not isinstance(target, Versions | Files):
            raise click.UsageError("--files needs PROJECT/NAME or NAME:ALIAS")
        target = Files(target.name)
    if type_ and isinstance(target, Projects):
        raise click.UsageError("--type needs a project: lading ls PROJECT --type TYPE")
    await list_target(console, target, type_)


async def list_target(console: Console, target: Target, type_: str | None) -> None:
    from ..public import Api

    api = Api()
    match target:
        case Projects():
            await _projects(console, api)
        case Project(path):
            await _collections(console, api, path, type_)
        case Versions(name):
            await _versions(console, api, name, type_)
        case Files(name):
            await _files(console, api, name, type_)


async def _projects(console: Console, api: "Api") -> None:
    found = await (await api.workspace()).catalog.projects()
    records = [{"entity": entity, "name": project} for entity, project in found]
    console.table(records, _PROJECTS, [[f"{entity}/{project}/"] for entity, project in found])
    if not found:
        console.notice("there are no projects yet; `lading put PATH --name PROJECT/NAME` makes the first")


async def _collections(console: Console, api: "Api", path: str, type_: str | None) -> None:
    try:
        found = [each async for each in api.artifact_collections(path, type_, per_page=_PER_PAGE)]
    except UnknownNameError as error:
        if "/" not in path and error.kind == "project" and await api.artifact_collection_exists_async(path, ""):
            error.hint = f"{path} is a collection: lading ls {api.settings.project}/{path}"
        raise
    rows = [
        [each.name, each.type, f"{len(each):,}", _joined(each.aliases), readable_size(each.size), age(each.updated_at)]
        for each in found
    ]
    console.table([collection_record(each) for each in found], _COLLECTIONS, rows)
    if not found:
        console.notice(f"{path} has no artifacts" + (f" of type {type_}" if type_ else ""))


async def _versions(console: Console, api: "Api", name: str, type_: str | None) -> None:
    try:
        collection = await api.artifact_collection_async(type_ or "", name)
    except UnknownNameError as error:
        if name.count("/") == 1:
            hint = f"a project of an entity ends in a slash: lading ls {name}/"
            error.hint = f"{error.hint}; {hint}" if error.hint else hint
        raise
    found = [each async for each in collection.artifacts(_PER_PAGE)]
    rows = [
        [
            each.version,
            _joined(each.aliases),
            _joined(each.tags),
            each.state,
            readable_size(each.size),
            f"{each.file_count:,}",
            each.created_at,
            *([each.source_qualified_name] if each.is_link else []),
        ]
        for each in found
    ]
    columns = _VERSIONS if collection.is_sequence() else (*_VERSIONS, _SOURCE)
    console.table([version_record(each) for each in found], columns, rows)
    if not found:
        console.notice(f"{name} has no versions")


async def _files(console: Console, api: "Api", name: str, type_: str | None) -> None:
    from ..documents import stream_entries

    artifact = await api.artifact_async(name, type_)
    entries = stream_entries(await api.workspace(), artifact.logged_version("files"))
    if console.as_json:
        with console.array() as put:
            async for path, entry in entries:
                put(entry_record(path, entry))
        console.write("\n")
        return
    async for path, entry in entries:
        if console.quiet:
            console.write(f"{printable(path)}\n")
        else:
            record = entry_record(path, entry)
            size = "-" if entry.size is None else readable_size(entry.size)
            console.write(f"{size:>8}  {record['digest']}  {printable(path)}\n")
    console.notice(f"{artifact.qualified_name}: {counted(artifact.file_count, 'file')}, {readable_size(artifact.size)}")


def _joined(names: list[str]) -> str:
    return ", ".join(names)
