"""`lading export`: the versions of a project as plain files."""

import click

from ..html import readable_size
from .console import Console
from .phrases import counted, readable_seconds
from .work import with_console


@click.command(short_help="Write the versions of a project as plain files.")
@click.argument("project", metavar="[ENTITY/]PROJECT")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--name", "names", multiple=True, metavar="NAME", help="Only this collection. Repeatable.")
@with_console
async def export(console: Console, *, project: str, folder: str, names: tuple[str, ...]) -> None:
    """Write all versions of PROJECT into FOLDER, each as NAME/vN/ with its receipt beside. An older export there is brought up to
    date. `lading import` takes it in again, here or elsewhere.
    """
    from ...transfer.progress import Meter
    from ..exporting import export_project
    from ..public import Api

    api = Api()
    workspace = await api.workspace()
    entity, _, name = project.rpartition("/")
    entity = entity or workspace.settings.entity
    with console.watch() as watch:
        meter = Meter(watch.begin("exporting"))
        done = await export_project(workspace, entity, name, folder, names, meter)
        final = meter.finish()
    record = {"path": folder, "entity": entity, "project": name, "versions": done.versions, "files": final.files}
    console.result(record | {"bytes": final.bytes, "references": done.references}, folder)
    held = f"{counted(done.versions, 'version')}, {counted(final.files, 'file')}, {readable_size(final.bytes)}"
    kept = (
        f"; {counted(final.files_reused, 'file')} were there already or came from files that were" if final.files_reused else ""
    )
    console.notice(f"{held} in {readable_seconds(final.seconds)}{kept}")
    if done.references:
        console.notice(f"{counted(done.references, 'reference')} to bytes elsewhere: only their URIs are exported")
