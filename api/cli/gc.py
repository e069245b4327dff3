"""`lading gc`: free what no version needs, and what dead processes left."""

import time
from typing import TYPE_CHECKING, Any

import click

from ..html import readable_size
from .console import Console
from .durations import DURATION
from .phrases import counted, printable, readable_seconds
from .table import Column
from .work import with_console

if TYPE_CHECKING:
    from ...upkeep.uploads import Leftover

LEFTOVERS = (
    Column("WHAT"),
    Column("NAME"),
    Column("IN"),
    Column("WRITER"),
    Column("AGE", right=True),
    Column("SIZE", right=True),
)


@click.command(short_help="Free what no version needs, and what dead processes left.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--keep-last", type=click.IntRange(0), metavar="N", help="Delete the versions of each NAME before its last N.")
@click.option("--all", "everywhere", is_flag=True, help="With --keep-last: of all collections of all projects.")
@click.option("--trash", type=DURATION, default="7d", show_default=True, help="Deleted versions keep their content so long.")
@click.option("--grace", type=DURATION, default="60s", show_default=True, help="Look again after so long, before deleting.")
@click.option("--uploads", is_flag=True, help="Instead, remove what was begun and never finished: uploads, downloads.")
@click.option("--older-than", type=DURATION, default="7d", show_default=True, help="With --uploads: of unknown writers.")
@click.option("--folder", "folders", multiple=True, type=click.Path(), help="With --uploads: look for downloads here, too.")
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@with_console
async def gc(
    console: Console,
    *,
    names: tuple[str, ...],
    keep_last: int | None,
    everywhere: bool,
    trash: float,
    grace: float,
    uploads: bool,
    older_than: float,
    folders: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Delete versions whose time to live is over, and with --keep-last those before the last N; then free what no version needs.

    What has an alias is not deleted. It may run at any time, beside logs and downloads of what is not deleted.
    """
    if uploads:
        if names or keep_last is not None or everywhere:
            raise click.UsageError("--uploads has nothing to do with versions: it takes no NAME, --keep-last or --all")
        await _uploads(console, folders, older_than, dry_run=dry_run)
        return
    if keep_last is not None and bool(names) == everywhere:
        raise click.UsageError("--keep-last needs a NAME, or --all")
    if keep_last is None and (names or everywhere):
        raise click.UsageError("a NAME or --all says of what to --keep-last N")
    expired = await _expire(console, names, keep_last, dry_run=dry_run)
    await _collect(console, expired, trash, grace, dry_run=dry_run)


async def _expire(console: Console, names: tuple[str, ...], keep_last: int | None, *, dry_run: bool) -> list[str]:
    """The names of the versions that are deleted."""
    from ...upkeep.retention import delete, outdated
    from ..public import Api

    api = Api()
    catalog = (await api.workspace()).catalog
    chosen = [await api.artifact_collection_async("", name) for name in names]
    only = [(each.entity, each.project, each.name) for each in chosen]
    found = {each.id: each async for each in outdated(catalog, keep_last, only)}
    if only:  # age is looked at everywhere
        found |= {each.id: each async for each in outdated(catalog, None)}
    versions = list(found.values())
    gone = [str(each.source) for each in (versions if dry_run else await delete(catalog, versions))]
    if not console.as_json:
        console.write("".join(f"{name}\n" for name in gone))
    return gone


async def _collect(console: Console, expired: list[str], trash: float, grace: float, *, dry_run: bool) -> None:
    from ...upkeep.garbage import Manner, collect
    from ..keeping import keeper_of
    from ..session import workspace_here

    keeper = keeper_of(await workspace_here(), console.notice)
    freed = await collect(keeper, Manner(grace, trash, dry_run))
    record = {
        "dry_run": dry_run,
        "versions": expired,
        "objects": freed.objects,
        "bytes": freed.bytes,
        "entities": freed.entities,
        "orphans": freed.orphans,
        "receipts": freed.receipts,
        "sessions": freed.sessions,
        "revived": freed.revived,
    }
    if console.as_json:
        console.result(record, "")
    deleted = f"{counted(len(expired), 'version')} deleted; " if expired else ""
    what = f"{counted(freed.objects, 'object')}, {readable_size(freed.bytes)}"
    if dry_run:
        console.notice(f"dry run: {deleted.replace('deleted', 'would be deleted')}{what} would be freed")
    else:
        console.notice(f"{deleted}{what} freed")


async def _uploads(console: Console, folders: tuple[str, ...], older_than: float, *, dry_run: bool) -> None:
    from ...upkeep.uploads import may_go, remove
    from ..keeping import find_leftovers
    from ..session import workspace_here

    found = await find_leftovers(await workspace_here(), folders)
    now = time.time()
    going = [each for each in found if may_go(each.leftover, now, older_than)]
    kept = len(found) - len(going)
    done = [each.leftover for each in going]
    failed: list[dict[str, str]] = []
    if not dry_run:
        removal = await remove(going)
        done = list(removal.removed)
        failed = [{"name": left.name, "in": left.place, "error": error.message} for left, error in removal.failed]
    if console.as_json:
        record = {"dry_run": dry_run, "removed": [leftover_record(each, now) for each in done], "kept": kept, "failed": failed}
        console.result(record, "")
    else:
        console.table([], LEFTOVERS, [leftover_row(each, now) for each in done], key=1)
    size = sum(each.size or 0 for each in done)
    what = f"{counted(len(done), 'leftover')}, {readable_size(size)}"
    stay = f"; {counted(kept, 'other')} may still be written" if kept else ""
    console.notice(f"dry run: would remove {what}{stay}" if dry_run else f"removed {what}{stay}")
    for each in failed:
        console.notice(f"{printable(each['name'])} could not be removed: {printable(each['error'])}")
    if failed:
        raise click.exceptions.Exit(1)


def leftover_record(leftover: "Leftover", now: float) -> dict[str, Any]:
    return {
        "kind": leftover.kind,
        "name": leftover.name,
        "in": leftover.place,
        "writer": leftover.fate.value,
        "age": None if leftover.touched is None else round(now - leftover.touched, 1),
        "size": leftover.size,
        "journalled": leftover.journalled,
    }


def leftover_row(leftover: "Leftover", now: float) -> list[str]:
    age = "-" if leftover.touched is None else readable_seconds(max(0.0, now - leftover.touched))
    size = "-" if leftover.size is None else readable_size(leftover.size)
    return [leftover.kind, leftover.name, leftover.place, leftover.fate.value, age, size]
