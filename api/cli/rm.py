"""`lading rm`: delete versions, or all versions of a name."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ...errors import AliasesRemainError, UsageError
from ..html import readable_size
from .console import Console
from .phrases import counted
from .work import asking, with_console

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..collection import ArtifactCollection
    from ..public import Api


@click.command(short_help="Delete versions, or a whole collection.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--all", "whole", is_flag=True, help="Delete the collection NAME with all its versions.")
@click.option("--delete-aliases", is_flag=True, help="Delete versions although they have aliases (`latest` is one).")
@click.option("--yes", "-y", is_flag=True, help="Do not ask. Needed for --all where nobody can be asked.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted; delete nothing.")
@with_console
async def rm(console: Console, *, names: tuple[str, ...], whole: bool, delete_aliases: bool, yes: bool, dry_run: bool) -> None:
    """Delete the versions NAME:ALIAS, all of them or none, or with --all one collection NAME. Numbers of versions are never used
    again."""
    from ..public import Api

    for name in names:
        if whole == (":" in name):
            raise click.UsageError(
                "--all takes a NAME without alias" if whole else f"say which version: {name}:v0 … or --all for all of them"
            )
    if whole and len(names) != 1:
        raise click.UsageError("--all takes one NAME")
    api = Api()
    if whole:
        await _remove_collection(console, await api.artifact_collection_async("", names[0]), yes=yes, dry_run=dry_run)
    else:
        found = [await api.artifact_async(name) for name in names]
        await _remove_versions(console, api, found, delete_aliases=delete_aliases, yes=yes, dry_run=dry_run)


async def _remove_versions(
    console: Console, api: "Api", artifacts: "Sequence[Artifact]", *, delete_aliases: bool, yes: bool, dry_run: bool
) -> None:
    found = {each.qualified_name: each for each in artifacts}
    for name, each in found.items():
        if each.is_link:
            raise UsageError(f"{name} is a link", hint=f"lading unlink {name} takes it away; {each.source_name} stays")
        if each.aliases and not delete_aliases:
            raise AliasesRemainError(name, tuple(each.aliases))
    files, size = sum(each.file_count for each in found.values()), sum(each.size for each in found.values())
    what = next(iter(found)) if len(found) == 1 else counted(len(found), "version")
    what = f"{what} ({counted(files, 'file')}, {readable_size(size)})"
    if not dry_run:
        _ask(what, yes=yes)
        await api.delete_artifacts_async(found.values(), delete_aliases)
    _say(console, list(found), what, dry_run=dry_run)


async def _remove_collection(console: Console, collection: "ArtifactCollection", *, yes: bool, dry_run: bool) -> None:
    name = f"{collection.entity}/{collection.project}/{collection.name}"
    held = counted(len(collection), "version" if collection.is_sequence() else "link")
    what = f"{name} with {held} ({readable_size(collection.size)})"
    if not dry_run:
        if not yes and not _can_ask():
            raise click.UsageError(f"nobody can be asked whether to delete {what}; say --yes")
        _ask(what, yes=yes)
        await collection.delete_async()
    _say(console, [name], what, dry_run=dry_run)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(what: str, *, yes: bool) -> None:
    if not yes and _can_ask():
        with asking():
            agreed = click.confirm(f"Delete {what}?", err=True)
        if not agreed:
            raise UsageError("nothing was deleted")


def _say(console: Console, names: list[str], what: str, *, dry_run: bool) -> None:
    record: dict[str, Any] = {"deleted": names, "dry_run": dry_run}
    console.result(record, "\n".join(names))
    console.notice(f"dry run: would delete {what}" if dry_run else f"deleted {what}")
