"""`lading put`: log a file or folder."""

import click

from .console import Console
from .work import with_console, with_deadline


@click.command(short_help="Log a file or folder as a version.")
@click.argument("path", type=click.Path(readable=False), required=False)
@click.option("--name", "-n", metavar="NAME", help="[[ENTITY/]PROJECT/]NAME to log it under. Default: the base name of PATH.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="[PATH=]URI",
    help="Refer to what lies at a URI (s3://, gs://, https://, file:// …), as PATH. Repeatable.",
)
@click.option("--no-checksum", is_flag=True, help="Do not look at what references lead to: note the URIs alone.")
@click.option(
    "--max-objects", type=click.IntRange(1), metavar="N", help="Fail if one reference leads to more. Default: 10,000,000."
)
@click.option(
    "--type",
    "-t",
    "type_",
    metavar="TYPE",
    default="dataset",
    show_default=True,
    help="Its type, the same for all versions of a name.",
)
@click.option("--description", "-d", help="Text about this version.")
@click.option("--metadata", metavar="JSON", help="A JSON object about this version.")
@click.option("--alias", "-a", "aliases", multiple=True, metavar="ALIAS", help="An alias for it beside `latest`. Repeatable.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag for it. Repeatable.")
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
@with_deadline
async def put(
    console: Console,
    *,
    path: str | None,
    name: str | None,
    references: tuple[str, ...],
    no_checksum: bool,
    max_objects: int | None,
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
    """Log the file or folder PATH as a version, and print its name. Of a URI (s3://, gs://, https:// …), as PATH or with
    --reference, it is noted where the bytes lie and what is there now; they stay where they are.

    Files that are stored already are not sent again; content equal to the latest version makes no new one.
    """
    from .upload import Upload, forecast, upload

    if path is None and not references:
        raise click.UsageError("Missing argument 'PATH', or --reference URI.")
    asked = Upload(
        path or "",
        name,
        type_,
        description,
        metadata,
        aliases,
        tags,
        ignore,
        digest,
        policy,
        explain=explain,
        references=references,
        checksum=not no_checksum,
        max_objects=max_objects,
    )
    await (forecast if dry_run else upload)(console, asked)
