"""`lading sync`: copy what differs."""

import click

from .console import Console
from .copies import carry_out
from .manner import Manner, copy_options
from .work import with_console, with_deadline


@click.command(short_help="Copy what differs, and with --delete make the destination the same.")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@click.option("--delete", is_flag=True, help="Delete at DST what has no source any more, after all else is done.")
@click.option("--size-only", is_flag=True, help="Copy only what has another size, whatever is newer.")
@copy_options
@with_console
@with_deadline
async def sync(
    console: Console,
    *,
    source: str,
    destination: str,
    delete: bool,
    size_only: bool,
    manner: Manner,
) -> None:
    """Copy what is missing at DST, has another size there, or is older there. Names are made as `cp` makes them.

    \b
    lading sync data/ s3://b/data/             what is in data, as data/…
    lading sync --delete s3://b/data/ data/    … and back, with nothing else below data/
    lading sync --delete --dry-run data/ s3://b/data/

    --delete deletes nothing if anything failed or could not be listed, and nothing that --include and --exclude leave out.
    """
    from ...transfer import Compare

    compare = Compare.SIZE if size_only else Compare.SIZE_OR_NEWER
    await carry_out(console, manner.task(source, destination, compare, delete=delete), manner)
