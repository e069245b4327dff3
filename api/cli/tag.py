"""`lading tag`: put tags on versions, and take them off."""

import click

from ...errors import UnknownNameError
from .console import Console
from .records import version_record
from .work import with_console


@click.group(short_help="Put tags on versions, and take them off.")
def tag() -> None:
    """Tags are words that versions can be found by; many versions may have the same."""


@tag.command(short_help="Put tags on a version.")
@click.argument("name")
@click.argument("tags", nargs=-1, required=True, metavar="TAG…")
@with_console
async def add(console: Console, *, name: str, tags: tuple[str, ...]) -> None:
    """Put the tags TAG… on the version NAME:ALIAS. Prints all of its tags."""
    from ..public import Api

    artifact = await Api().artifact_async(name)
    artifact.tags = [*artifact.tags, *tags]
    await artifact.save_async()
    console.result(version_record(artifact), f"{artifact.qualified_name}  {', '.join(artifact.tags)}")


@tag.command(short_help="Take tags off a version.")
@click.argument("name")
@click.argument("tags", nargs=-1, required=True, metavar="TAG…")
@with_console
async def rm(console: Console, *, name: str, tags: tuple[str, ...]) -> None:
    """Take the tags TAG… off the version NAME:ALIAS; if it lacks one of them, none. Prints those that are left."""
    from ..public import Api

    artifact = await Api().artifact_async(name)
    for each in tags:
        if each not in artifact.tags:
            hint = f"it has {', '.join(artifact.tags)}" if artifact.tags else "it has none"
            raise UnknownNameError("tag", each, within=artifact.qualified_name, hint=hint)
    artifact.tags = [each for each in artifact.tags if each not in tags]
    await artifact.save_async()
    console.result(version_record(artifact), f"{artifact.qualified_name}  {', '.join(artifact.tags)}".rstrip())
