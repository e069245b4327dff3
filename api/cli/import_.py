"""`lading import`: the versions of an export, logged again."""

import click

from .console import Console
from .phrases import counted, printable, readable_seconds
from .work import with_console


@click.command(name="import", short_help="Log the versions of an export again.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.argument("project", required=False, metavar="[[ENTITY/]PROJECT]")
@click.option("--dry-run", is_flag=True, help="Say what would be imported; change nothing.")
@click.option(
    "--allow-local-references", is_flag=True, help="Take over references to files of this machine and to private networks."
)
@with_console
async def import_(console: Console, *, folder: str, project: str | None, dry_run: bool, allow_local_references: bool) -> None:
    """Log the versions that `lading export` wrote into FOLDER, with their numbers, labels and times, into PROJECT: by default one
    of the same name. What is there already is passed over. Exit with 1 if something could not be as it was; each is named.
    """
    from ...manifest.names import entity_name, project_name
    from ...transfer.progress import Meter
    from ..importing import import_project
    from ..public import Api

    entity, _, name = (project or "").rpartition("/")
    workspace = await Api().workspace()
    into = (entity_name(entity) if entity else None, project_name(name) if name else None)
    with console.watch() as watch:
        meter = Meter(watch.begin("importing"))
        done = await import_project(
            workspace, folder, *into, meter, dry_run=dry_run, allow_local_references=allow_local_references
        )
        final = meter.finish()
    record = {"dry_run": dry_run, "versions": done.versions, "known": done.known, "problems": done.problems}
    if console.as_json or done.versions:
        console.result(record, "\n".join(done.versions))
    known = f"; {counted(len(done.known), 'version')} there already" if done.known else ""
    made = counted(len(done.versions), "version")
    console.notice(
        f"dry run: {made} would be imported{known}" if dry_run else f"{made} in {readable_seconds(final.seconds)}{known}"
    )
    for problem in done.problems:
        console.notice(printable(problem))
    if done.problems:
        raise click.exceptions.Exit(1)
