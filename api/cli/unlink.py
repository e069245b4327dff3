"""`lading unlink`: take a version out of a portfolio."""

import click

from .console import Console
from .work import with_console


@click.command(short_help="Take a version out of a portfolio.")
@click.argument("name")
@with_console
async def unlink(console: Console, *, name: str) -> None:
    """Take the link NAME out of its portfolio, with its aliases there. The version stays where it was logged."""
    from ..public import Api

    linked = await Api().artifact_async(name)
    await linked.unlink_async()
    console.result(
        {"unlinked": linked.qualified_name, "source_qualified_name": linked.source_qualified_name}, linked.qualified_name
    )
    console.notice(f"{linked.source_qualified_name} stays")
