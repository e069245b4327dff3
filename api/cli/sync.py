"""`lading sync`: copy what differs."""

import click

from .console import Console
from .copies import Manner, carry_out, copy_options
from .work import with_console


@click.command(short_help="Copy what differs, and with --delete make the destination the same.")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@click.option("--delete", is_flag=True, help="Delete at DST what has no source any more, after all else is done.")
@click.option("--size-only", is_flag=True, help="Copy only what has another size, whatever is newer.")
@copy_options
@with_console
async def sync(
    console: Console,
    *,
    source: str,
    destination: str,
    delete: bool,
    size_only: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    raw: bool,
    verify: bool,
    no_sync: bool,
    explain: bool,
    dry_run: bool,
    endpoint: str | None,
    profile: str | None,
    anonymous: bool,
    concurrency: int | None,
) -> None:
    """Copy what is missing at DST, has another size there, or is older there. Names are made as `cp` makes them.

    \b
    lading sync data/ s3://b/data/             what is in data, as data/…
    lading sync --delete s3://b/data/ data/    … and back, with nothing else below data/
    lading sync --delete --dry-run data/ s3://b/data/

    --delete deletes nothing if anything failed or could not be listed, and nothing that --include and --exclude leave out.
    """
    from ...transfer import Compare, Task

    task = Task(
        source=source,
        destination=destination,
        include=include,
        exclude=exclude,
        raw=raw,
        compare=Compare.SIZE if size_only else Compare.SIZE_OR_NEWER,
        delete=delete,
        verify=verify,
        durable=not no_sync,
    )
    await carry_out(console, task, Manner(endpoint, profile, anonymous, concurrency, explain, dry_run))
