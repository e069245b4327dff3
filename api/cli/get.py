"""`lading get`: download a version."""

from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ..html import readable_size
from .console import Console
from .phrases import counted, readable_seconds
from .records import bound_record, explained, transfer_record, version_record
from .work import with_console, with_deadline

if TYPE_CHECKING:
    from ...transfer.progress import Progress
    from ..artifact import Artifact
    from ..public import Api


@dataclass(frozen=True, slots=True)
class Download:
    """What `get` was asked to do."""

    name: str
    root: str | None = None
    prefix: str = ""
    type: str | None = None
    checkout: bool = False
    rehash: bool = False
    explain: bool = False
    allow_missing: bool = False
    allow_local: bool = False


@click.command(short_help="Download a version, or part of one.")
@click.argument("names", nargs=-1, metavar="NAME")
@click.option("--root", metavar="DIR", help="Where to. Default: NAME:vN below LADING_ARTIFACT_DIR (./artifacts).")
@click.option("--path-prefix", "prefix", default="", metavar="P", help="Only files whose path starts with P.")
@click.option("--type", "-t", "type_", metavar="TYPE", help="Fail if it has another type.")
@click.option("--checkout", is_flag=True, help="Make the folder hold this version and nothing else.")
@click.option("--rehash", is_flag=True, help="Read files that are there, whatever is known of them.")
@click.option("--allow-missing-references", is_flag=True, help="Leave out, with a warning, references to what is gone.")
@click.option(
    "--allow-local-references",
    is_flag=True,
    help="Follow references of others to files of this machine and into private networks.",
)
@click.option("--explain", is_flag=True, help="Say what the transfer was bound by.")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched; change nothing.")
@click.option("--pinned", is_flag=True, help="What `lading pin` wrote: of each NAME, or all; to DIR/NAME with --root.")
@click.option("--lock", metavar="FILE", default="lading.lock", show_default=True, help="With --pinned: the lock file.")
@with_console
@with_deadline
async def get(
    console: Console,
    *,
    names: tuple[str, ...],
    root: str | None,
    prefix: str,
    type_: str | None,
    checkout: bool,
    rehash: bool,
    allow_missing_references: bool,
    allow_local_references: bool,
    explain: bool,
    dry_run: bool,
    pinned: bool,
    lock: str,
) -> None:
    """Download the version NAME ([[ENTITY/]PROJECT/]NAME[:ALIAS], `latest` by default), verified, and print the folder.

    Files that are right already are kept; other files in the folder stay, unless it is a --checkout.
    """
    if checkout and (prefix or rehash or allow_missing_references):
        raise click.UsageError("--checkout takes neither --path-prefix nor --rehash nor --allow-missing-references")
    if pinned:
        if prefix or type_ or explain or dry_run or allow_missing_references or allow_local_references:
            raise click.UsageError("--pinned takes only NAMEs, --root, --lock, --checkout and --rehash")
        from .pin import get_pinned

        await get_pinned(console, names, lock, root, checkout=checkout, rehash=rehash)
        return
    if len(names) != 1:
        raise click.UsageError("say which version: one NAME, or --pinned")
    allowed = allow_missing_references, allow_local_references
    asked = Download(names[0], root, prefix, type_, checkout, rehash, explain, *allowed)
    await (_forecast if dry_run else download)(console, asked)


async def download(console: Console, asked: Download, *, text: str = "{}") -> None:
    """Download it, and say where it is."""
    api, artifact = await _find(asked)
    root = _root(artifact, asked)
    await _check_prefix(api, artifact, asked)
    with console.watch() as watch:
        listener = watch.begin("fetching")
        if asked.checkout:
            await artifact.checkout_async(root, allow_local_references=asked.allow_local, progress=listener)
        else:
            await artifact.download_async(
                root,
                asked.allow_missing,
                path_prefix=asked.prefix,
                rehash=asked.rehash,
                allow_local_references=asked.allow_local,
                progress=listener,
            )
    final = watch.latest
    record = version_record(artifact) | {"path": root, "transfer": transfer_record(final, final.seconds)}
    why = explained(final, near=(await api.workspace()).store.near) if asked.explain else None
    console.result(record | bound_record(why), text.format(root))
    console.notice(_closing(final))
    if why:
        console.notice(why.sentence)


async def _forecast(console: Console, asked: Download) -> None:
    import asyncio

    from ..download import check_replaceable
    from ..forecast import forecast_download

    api, artifact = await _find(asked)
    root, workspace = _root(artifact, asked), await api.workspace()
    if asked.checkout:
        await asyncio.to_thread(check_replaceable, workspace, root)
    await _check_prefix(api, artifact, asked)
    version = artifact.logged_version("download")
    found = await forecast_download(workspace, version, root, prefix=asked.prefix, rehash=asked.rehash)
    removed = found.strangers if asked.checkout else ()
    record = {
        "dry_run": True,
        "path": root,
        "qualified_name": artifact.qualified_name,
        "files": found.files,
        "bytes": found.bytes,
        "files_reused": found.files_reused,
        "bytes_reused": found.bytes_reused,
        "removed": list(removed),
    }
    console.result(record, root)
    new = (
        f"{counted(found.files - found.files_reused, 'file')}, {readable_size(found.bytes - found.bytes_reused)} would be fetched"
    )
    known = f"{counted(found.files_reused, 'file')}, {readable_size(found.bytes_reused)} are there already"
    strangers = f"; {counted(len(removed), 'other file')} would be removed" if asked.checkout else ""
    console.notice(f"dry run: {new}; {known}{strangers}")


async def _find(asked: Download) -> "tuple[Api, Artifact]":
    from ..public import Api

    api = Api()
    return api, await api.artifact_async(asked.name, asked.type)


def _root(artifact: "Artifact", asked: Download) -> str:
    return str(Path(artifact.default_root(versioned=not asked.checkout) if asked.root is None else asked.root).absolute())


async def _check_prefix(api: "Api", artifact: "Artifact", asked: Download) -> None:
    """Before a folder is made: raise if no path starts with the prefix."""
    from ..documents import stream_entries

    if not asked.prefix:
        return
    async with aclosing(stream_entries(await api.workspace(), artifact.logged_version("download"), asked.prefix)) as found:
        async for _ in found:
            return
    raise UsageError(
        f"no path in {artifact.qualified_name} starts with {asked.prefix!r}", hint=f"lading ls {artifact.qualified_name}"
    )


def _closing(final: "Progress") -> str:
    kept = (
        f"; {counted(final.files_reused, 'file')}, {readable_size(final.bytes_reused)} were there already"
        if final.files_reused
        else ""
    )
    return f"{counted(final.files, 'file')}, {readable_size(final.bytes)} in {readable_seconds(final.seconds)}{kept}"
