"""`lading link`: show a version in a portfolio."""

import click

from .console import Console
from .records import version_record
from .work import with_console


@click.command(short_help="Show a version in a portfolio.")
@click.argument("name")
@click.argument("portfolio", metavar="[[ENTITY/]PROJECT/]PORTFOLIO")
@click.option("--alias", "-a", "aliases", multiple=True, metavar="ALIAS", help="An alias there beside `latest`. Repeatable.")
@with_console
async def link(console: Console, *, name: str, portfolio: str, aliases: tuple[str, ...]) -> None:
    """Show the version NAME in a portfolio, which is made where missing. There it has a number and aliases of its own."""
    from ..public import Api

    linked = await (await Api().artifact_async(name)).link_async(portfolio, aliases)
    record = version_record(linked) | {"source_qualified_name": linked.source_qualified_name}
    console.result(record, linked.qualified_name)
    console.notice(f"{linked.source_qualified_name} is {linked.qualified_name} ({', '.join(linked.aliases)})")
