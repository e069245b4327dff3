"""`lading put`: log a file or folder."""

import click

from .console import Console
from .upload import Upload, forecast, upload
from .work import with_console


@click.command(short_help="Log a file or folder as a version.")
@click.argument("path", type=click.Path())
@click.option("--name", "-n", metavar="NAME", help="[[ENTITY/]PROJECT/]NAME to log it under. Default: the base name of PATH.")
@click.option(
    "--type", "-t", "type_", default="dataset", show_default=True, help="Its type, the same for all versions of a name."
)
@click.option("--description", "-d", help="Text about this version.")
@click.option("--metadata", metavar="JSON", help="A JSON object about this version.")
@click.option("--alias", "-a", "aliases", multiple=True, help="An alias for it beside `latest`. Repeatable.")
@click.option("--tag", "tags", multiple=True, help="A tag for it. Repeatable.")
@click.option("--ignore", multiple=True, metavar="PATTERN", help="Leave out, as in .gitignore (and .ladingignore). Repeatable.")
@click.option("--digest", metavar="ALG", help="BLAKE3, SHA256, or MD5 for W&B's digests. Default: LADING_DIGEST.")
@click.option(
    "--policy",
    type=click.Choice(["mutable", "immutable"]),
    default="mutable",
    show_default=True,
    help="Whether files may change.",
)
@click.option("--explain", is_flag=True, help="Say what the transfer was bound by.")
@click.option("--dry-run", is_flag=True, help="Hash, and say what would be sent; log nothing.")
@with_console
async def put(
    console: Console,
    *,
    path: str,
    name: str | None,
    type_: str,
    description: str | None,
    metadata: str | None,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    ignore: tuple[str, ...],
    digest: str | None,
    policy: str,
    explain: bool,
    dry_run: bool,
) -> None:
    """Log the file or folder PATH as a version, and print its name.

    Files that are stored already are not sent again; content equal to the latest version makes no new one.
    """
    asked = Upload(path, name, type_, description, metadata, aliases, tags, ignore, digest, policy, explain=explain)
    await (forecast if dry_run else upload)(console, asked)
