"""`lading alias`: give aliases to versions, and take them away."""

from typing import Any

import click

from ...errors import InvalidValueError
from .console import Console
from .records import version_record
from .work import with_console


@click.group(short_help="Give aliases to versions, and take them away.")
def alias() -> None:
    """Aliases are names of versions that can move: `latest`, `best`, `production`."""


@alias.command(short_help="Give aliases to a version.")
@click.argument("name")
@click.argument("aliases", nargs=-1, required=True, metavar="NEW…")
@with_console
async def add(console: Console, *, name: str, aliases: tuple[str, ...]) -> None:
    """Give the version NAME:ALIAS the aliases NEW…; they leave the version that had them. Prints all of its aliases."""
    from ..public import Api

    artifact = await Api().artifact_async(name)
    artifact.aliases = [*artifact.aliases, *aliases]
    await artifact.save_async()
    console.result(version_record(artifact), f"{artifact.qualified_name}  {', '.join(artifact.aliases)}")


@alias.command(short_help="Take aliases away.")
@click.argument("names", nargs=-1, required=True, metavar="NAME:ALIAS…")
@with_console
async def rm(console: Console, *, names: tuple[str, ...]) -> None:
    """Take the alias of each NAME:ALIAS away from the version that has it. All names are looked up before the first is taken."""
    from ..public import Api

    api = Api()
    for name in names:
        _check_goes(name)
        await api.artifact_async(name)
    records: list[dict[str, Any]] = []
    for name in names:
        artifact = await api.artifact_async(name)  # again: it may be the same version
        artifact.aliases = [each for each in artifact.aliases if each != name.partition(":")[2]]
        await artifact.save_async()
        records.append(version_record(artifact))
    console.results(records, [f"{each['qualified_name']}  {', '.join(each['aliases'])}".rstrip() for each in records])


def _check_goes(name: str) -> None:
    """Raise `InvalidValueError` where a name says no alias that could be taken away."""
    from ...manifest.names import alias_name, version_index

    collection, _, alias = name.partition(":")
    hint = f"write the alias that is to go behind the name, as in {collection}:best"
    if not alias:
        raise InvalidValueError(f"{name!r} says no alias", hint=hint)
    if version_index(alias) is not None:
        raise InvalidValueError(f"{alias!r} is the number of a version, which stays", hint=hint)
    alias_name(alias)
