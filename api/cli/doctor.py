"""`lading doctor`: what is well here, what is wrong, and what to do about it."""

import time
from typing import TYPE_CHECKING, Any

import click

from ..html import readable_size
from .console import Console
from .phrases import counted, printable
from .work import with_console

if TYPE_CHECKING:
    from ...upkeep.doctor import Finding

_SIGNS = {"ok": "ok    ", "advice": "advice", "wrong": "WRONG "}


@click.command(short_help="Say what is well here, what is wrong, and what to do.")
@click.option("--folder", "folders", multiple=True, type=click.Path(), help="Look for downloads here, too. Repeatable.")
@click.option("--rebuild", is_flag=True, help="Make the catalogue, which must be empty, anew from what lies in the store.")
@with_console
async def doctor(console: Console, *, folders: tuple[str, ...], rebuild: bool) -> None:
    """Look at the settings, the catalogue, the store and the way to it, leftovers and disks. Nothing is changed.

    Exit with 1 if something is wrong; each finding that is not well says what to do. With --rebuild, a new catalogue takes the
    place of one that was lost, which must not be used any more.
    """
    if rebuild:
        await _rebuild(console)
        return
    from ...upkeep.doctor import Verdict
    from ..keeping import examine_here
    from ..settings import origins
    from .config import setting_record
    from .gc import LEFTOVERS, leftover_record, leftover_row

    found, now = origins(), time.time()
    findings, left = await examine_here(folders)
    if console.as_json:
        record = {"settings": [setting_record(each) for each in found], "findings": [finding_record(each) for each in findings]}
        console.result(record | {"leftovers": [leftover_record(each, now) for each in left]}, "")
    else:
        console.write("".join(f"set     {each.name} = {_value(setting_record(each))}  ({each.source})\n" for each in found))
        console.write("".join(_lines(each) for each in findings))
        console.table([], LEFTOVERS, [leftover_row(each, now) for each in left], key=1)
    if any(each.verdict is Verdict.WRONG for each in findings):
        raise click.exceptions.Exit(1)


async def _rebuild(console: Console) -> None:
    from ...upkeep.rebuild import rebuild
    from ..keeping import keeper_of
    from ..session import workspace_here

    workspace = await workspace_here()
    made = await rebuild(keeper_of(workspace, console.notice))
    record = {"catalog": workspace.catalog.url, "versions": made.versions, "objects": made.objects, "bytes": made.bytes}
    if console.as_json:
        console.result(record | {"lost": made.lost, "problems": made.problems}, "")
    else:
        console.write("".join(f"{printable(problem)}\n" for problem in made.problems))
    found = f"{counted(made.versions, 'version')}, {counted(made.objects, 'object')}, {readable_size(made.bytes)}"
    console.notice(f"{workspace.catalog.url} has {found} now; `lading verify --store` reads them all")
    if made.problems:
        raise click.exceptions.Exit(1)


def finding_record(finding: "Finding") -> dict[str, Any]:
    return {"check": finding.check, "verdict": finding.verdict.value, "text": finding.text, "remedy": finding.remedy or None}


def _value(record: dict[str, Any]) -> str:
    return "-" if record["value"] is None else printable(str(record["value"]))


def _lines(finding: "Finding") -> str:
    line = f"{_SIGNS[finding.verdict.value]}  {finding.check}: {printable(finding.text)}\n"
    return line + (f"        hint: {printable(finding.remedy)}\n" if finding.remedy else "")
