"""`lading rm`: delete a version, or all versions of a name."""

import sys
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


@click.command(short_help="Delete a version, or a whole collection.")
@click.argument("name")
@click.option("--all", "whole", is_flag=True, help="Delete the collection NAME with all its versions.")
@click.option("--delete-aliases", is_flag=True, help="Delete the version although it has aliases (`latest` is one).")
@click.option("--yes", "-y", is_flag=True, help="Do not ask. Needed for --all where nobody can be asked.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted; delete nothing.")
@with_console
async def rm(console: Console, *, name: str, whole: bool, delete_aliases: bool, yes: bool, dry_run: bool) -> None:
    """Delete the version NAME:ALIAS, or with --all the collection NAME. Numbers of versions are never used again."""
    from ..public import Api

    if whole == (":" in name):
        raise click.UsageError(
            "--all takes a NAME without alias" if whole else f"say which version: {name}:v0 … or --all for all of them"
        )
    api = Api()
    if whole:
        await _remove_collection(console, await api.artifact_collection_async("", name), yes=yes, dry_run=dry_run)
    else:
        await _remove_version(console, await api.artifact_async(name), delete_aliases=delete_aliases, yes=yes, dry_run=dry_run)


async def _remove_version(console: Console, artifact: "Artifact", *, delete_aliases: bool, yes: bool, dry_run: bool) -> None:
    if artifact.aliases and not delete_aliases:
        raise AliasesRemainError(artifact.qualified_name, tuple(artifact.aliases))
    what = f"{artifact.qualified_name} ({counted(artifact.file_count, 'file')}, {readable_size(artifact.size)})"
    if not dry_run:
        _ask(what, yes=yes)
        await artifact.delete_async(delete_aliases)
    _say(console, [artifact.qualified_name], what, dry_run=dry_run)


async def _remove_collection(console: Console, collection: "ArtifactCollection", *, yes: bool, dry_run: bool) -> None:
    name = f"{collection.entity}/{collection.project}/{collection.name}"
    what = f"{name} with {counted(len(collection), 'version')} ({readable_size(collection.size)})"
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
