"""Copies: what `cp` and `sync` have in common, from a task to its closing line."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InvalidValueError, LocalFileError
from ..html import readable_size
from .console import Console
from .manner import Manner
from .phrases import counted, printable, readable_seconds
from .records import transfer_record
from .work import asking

if TYPE_CHECKING:
    from ...errors import LadingError
    from ...transfer import Copier, Progress, Task


def copier(manner: Manner) -> "Copier":
    """What carries tasks out, as the settings and the manner say."""
    from ...transfer import Copier
    from ...transfer.budget import ByteBudget
    from ..settings import load_settings

    settings = load_settings(concurrency=manner.concurrency)
    return Copier(
        concurrency=settings.concurrency,
        max_bandwidth=settings.max_bandwidth,
        budget=ByteBudget(settings.max_memory) if settings.max_memory else None,
        options=manner.options,
        journal=str(settings.home / "journal"),
    )


async def carry_out(console: Console, task: "Task", manner: Manner) -> None:
    """Do it, or say what would be done."""
    from ...transfer import Meter

    async with aclosing(copier(manner)) as copying:
        if manner.dry_run:
            await _foretell(console, copying, [task])
            return
        with console.watch() as watch:
            report = await copying.run(task, meter=Meter(watch.begin("copying")))
    final = report.progress
    record = {
        "source": _shown(task.source),
        "destination": _shown(task.destination),
        "deleted": list(report.deleted),
        "transfer": transfer_record(final, final.seconds),
        **_bound(final, [task], manner),
    }
    if console.as_json:
        console.result(record, "")
    else:
        console.write("".join(f"delete {printable(address)}\n" for address in report.deleted))
    _close(console, final, [task], manner, deleted=len(report.deleted))


async def carry_out_all(console: Console, tasks: Sequence["Task"], manner: Manner) -> None:
    """Do them; those that fail are told at the end, and keep none of the others."""
    from ...transfer import Meter

    async with aclosing(copier(manner)) as copying:
        if manner.dry_run:
            await _foretell(console, copying, tasks)
            return
        with console.watch() as watch:
            meter = Meter(watch.begin("copying"))
            failed = await copying.run_all(tasks, meter=meter)
            final = meter.finish()
    record = {
        "tasks": len(tasks),
        "failed": [
            {"source": _shown(task.source), "destination": _shown(task.destination), "code": error.code} for task, error in failed
        ],
        "transfer": transfer_record(final, final.seconds),
        **_bound(final, tasks, manner),
    }
    if console.as_json:
        console.result(record, "")
    _close(console, final, tasks, manner)
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(tasks)} failed", [_named(task, error) for task, error in failed])


def _named(task: "Task", error: "LadingError") -> "LadingError":
    """The error, which says on which line it came about."""
    error.message = f"{_shown(task.source)} {_shown(task.destination)}: {error.message}"
    return error


def _shown(place: str) -> str:
    """A side of a task without what may be a secret in a web address."""
    from ...transfer.locations import parse_location

    return str(parse_location(place)) if place.lower().startswith(("http://", "https://")) else place


async def _foretell(console: Console, copying: "Copier", tasks: Iterable["Task"]) -> None:
    copies = size = deletions = 0
    with ExitStack() as stack:
        put = stack.enter_context(console.array()) if console.as_json else None
        for task in tasks:
            async with aclosing(copying.steps(task)) as steps:
                async for step in steps:
                    copies, deletions = copies + (step.action == "copy"), deletions + (step.action == "delete")
                    size += step.size or 0
                    if put:
                        put({"action": step.action, "source": step.source, "destination": step.destination, "size": step.size})
                    else:
                        words = (step.action, step.source, step.destination)
                        console.write(" ".join(printable(word) for word in words if word is not None) + "\n")
    if console.as_json:
        console.write("\n")
    gone = f"; {counted(deletions, 'file')} would be deleted" if deletions else ""
    console.notice(f"dry run: {counted(copies, 'file')}, {readable_size(size)} would be copied{gone}")


def _close(console: Console, final: "Progress", tasks: Sequence["Task"], manner: Manner, *, deleted: int = 0) -> None:
    words = f"{counted(final.files_moved, 'file')}, {readable_size(final.bytes_moved)} in {readable_seconds(final.seconds)}"
    if final.files_reused:
        words += f"; {counted(final.files_reused, 'file')}, {readable_size(final.bytes_reused)} were there already"
    if deleted:
        words += f"; {counted(deleted, 'file')} deleted"
    console.notice(words)
    if manner.explain:
        console.notice(_bound(final, tasks, manner)["explanation"])


def _bound(final: "Progress", tasks: Iterable["Task"], manner: Manner) -> dict[str, str]:
    """What it was bound by, if that was asked for."""
    from ...transfer.lanes import cores
    from ...transfer.locations import parse_location
    from ...transfer.verdict import verdict

    if not manner.explain:
        return {}
    near = all(parse_location(place).is_local for task in tasks for place in (task.source, task.destination))
    found = verdict(final.gauges, seconds=final.seconds, cores=cores(), near=near)
    return {"bound_by": found.bound_by, "explanation": found.sentence}


def read_batch(path: str, make: "Callable[[str, str], Task]") -> "list[Task]":
    """The tasks of a file (`-`: stdin): a SRC and a DST per line, quoted as for a shell; `#` begins a comment, and a `cp` before
    them is skipped. Raise `InvalidValueError` for a line that is anything else, before any of them is done."""
    try:
        with asking():  # who types the lines, or whose program writes them, may give up
            text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalFileError(f"{path}: {error}") from error
    return [make(source, destination) for source, destination in _lines(path, text)]


def _lines(path: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise InvalidValueError(f"{path}, line {number}: {error}", hint="SRC DST, quoted as for a shell") from error
        if len(words) == 3 and words[0] == "cp":
            del words[0]
        if words and len(words) != 2:
            raise InvalidValueError(
                f"{path}, line {number}: {line.strip()!r} is not SRC DST", hint="two words, quoted as for a shell"
            )
        if words:
            yield words[0], words[1]


async def list_objects(console: Console, address: str, manner: Manner) -> None:
    """List what an address names: each object with its size, and when it was modified."""
    from ...transfer.pairs import Rules

    files = size = 0
    with ExitStack() as stack:
        put = stack.enter_context(console.array()) if console.as_json else None
        chosen = Rules(manner.include, manner.exclude)
        async with aclosing(copier(manner)) as copying, aclosing(copying.list(address, chosen, raw=manner.raw)) as found:
            async for name, each in found:
                files, size = files + 1, size + each.size
                if put:
                    put({"url": name, "size": each.size, "modified": each.modified, "etag": each.etag})
                elif console.quiet:
                    console.write(f"{printable(name)}\n")
                else:
                    console.write(f"{readable_size(each.size):>8}  {_when(each.modified):19}  {printable(name)}\n")
    if console.as_json:
        console.write("\n")
    console.notice(f"{counted(files, 'object')}, {readable_size(size)}")


def _when(modified: float | None) -> str:
    return "-" if modified is None else datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%dT%H:%M:%S")
