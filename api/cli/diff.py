"""`lading diff`: what differs between two versions."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from ..html import readable_size
from .console import Console
from .phrases import counted, printable
from .work import with_console

if TYPE_CHECKING:
    from ...manifest.diff import Change

_SIGNS = {"added": "+", "modified": "~", "removed": "-"}


@click.command(short_help="Show what differs between two versions.")
@click.argument("old")
@click.argument("new")
@click.option("--name-only", is_flag=True, help="Only the paths.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if they differ.")
@with_console
async def diff(console: Console, *, old: str, new: str, name_only: bool, exit_code: bool) -> None:
    """Show which files were added (+), modified (~) and removed (-) from the version OLD to NEW, by path.

    NEW may be `:ALIAS` for another version of the same name. What both have in common is not read.
    """
    from ..diff import diff_versions
    from ..public import Api

    api = Api()
    before = await api.artifact_async(old)
    after = await api.artifact_async(old.partition(":")[0] + new if new.startswith(":") else new)
    changes = diff_versions(await api.workspace(), before.logged_version("diff"), after.logged_version("diff"))
    totals = Totals()
    if console.as_json:
        console.write(f'{{"old": {json.dumps(before.qualified_name)}, "new": {json.dumps(after.qualified_name)}, "changes": ')
        with console.array() as put:
            async for change in changes:
                totals.add(change)
                put(_record(change))
        console.write(f", {json.dumps(totals.record())[1:]}\n")
    else:
        async for change in changes:
            totals.add(change)
            console.write((printable(change.path) if name_only else _line(change)) + "\n")
    console.notice(str(totals))
    if exit_code and totals.files:
        raise click.exceptions.Exit(1)


class Totals:
    """How many files changed in which way, and how many bytes they have (those removed: had)."""

    def __init__(self) -> None:
        self.files, self.bytes = Counter[str](), Counter[str]()

    def add(self, change: "Change") -> None:
        entry = change.new or change.old
        self.files[change.kind] += 1
        self.bytes[change.kind] += (entry.size or 0) if entry else 0

    def record(self) -> dict[str, Any]:
        return {kind: self.files[kind] for kind in _SIGNS} | {f"{kind}_bytes": self.bytes[kind] for kind in _SIGNS}

    def __str__(self) -> str:
        said = (
            f"{counted(self.files[kind], 'file')} {kind} ({readable_size(self.bytes[kind])})"
            for kind in _SIGNS
            if self.files[kind]
        )
        return ", ".join(said) or "no difference"


def _record(change: "Change") -> dict[str, Any]:
    from ...manifest.entry import shown_digest

    old, new = change.old, change.new
    return {
        "path": change.path,
        "change": change.kind,
        "old_size": old.size if old else None,
        "new_size": new.size if new else None,
        "old_digest": shown_digest(old) if old else None,
        "new_digest": shown_digest(new) if new else None,
    }


def _line(change: "Change") -> str:
    sizes = [readable_size(entry.size or 0) for entry in (change.old, change.new) if entry is not None]
    return f"{_SIGNS[change.kind]} {printable(change.path)}  ({' → '.join(sizes)})"
