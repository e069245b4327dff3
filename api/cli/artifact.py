"""`lading artifact put|get|ls|cache`: the commands of W&B, with its options and words."""

import click

from ..html import readable_size
from .console import Console
from .get import Download, download
from .ls import list_target
from .target import Project
from .work import with_console


@click.group(short_help="The same under W&B's names: put, get, ls, cache.")
def artifact() -> None:
    """Scripts written for `wandb artifact` work with `lading artifact`."""


@artifact.command(short_help="Log a file or folder as a version.")
@click.argument("path", type=click.Path(readable=False))
@click.option("--name", "-n", metavar="NAME", help="[[ENTITY/]PROJECT/]NAME. Default: the base name of PATH.")
@click.option("--description", "-d", help="Text about this version.")
@click.option("--type", "-t", "type_", metavar="TYPE", default="dataset", show_default=True, help="Its type.")
@click.option("--alias", "-a", "aliases", multiple=True, metavar="ALIAS", help="An alias for it beside `latest`. Repeatable.")
@click.option("--id", "run_id", metavar="RUN", help="Log it with the run of this id.")
@click.option("--resume", is_flag=True, help="Accepted, and does nothing: --id continues a run.")
@click.option("--skip_cache", "--skip-cache", is_flag=True, help="Accepted, and does nothing: there is no cache.")
@click.option(
    "--policy",
    type=click.Choice(["mutable", "immutable"]),
    default="mutable",
    show_default=True,
    help="Whether files may change.",
)
@with_console
async def put(
    console: Console,
    *,
    path: str,
    name: str | None,
    description: str | None,
    type_: str,
    aliases: tuple[str, ...],
    run_id: str | None,
    resume: bool,
    skip_cache: bool,
    policy: str,
) -> None:
    """Log the file or folder PATH as a version, and print its name."""
    from .upload import Upload, upload

    del skip_cache
    if resume and run_id is None:
        console.notice("--resume does nothing; --id continues a run")
    await upload(console, Upload(path, name, type_, description, aliases=aliases, policy=policy, run_id=run_id))


@artifact.command(short_help="Download a version.")
@click.argument("path")
@click.option("--root", metavar="DIR", help="Where to. Default: NAME:vN below LADING_ARTIFACT_DIR (./artifacts).")
@click.option("--type", "type_", metavar="TYPE", help="Fail if it has another type.")
@with_console
async def get(console: Console, *, path: str, root: str | None, type_: str | None) -> None:
    """Download the version PATH: [[ENTITY/]PROJECT/]NAME[:ALIAS]."""
    await download(console, Download(path, root, type=type_), text="Artifact downloaded to {}")


@artifact.command(short_help="List the artifacts of a project.")
@click.argument("path")
@click.option("--type", "-t", "type_", metavar="TYPE", help="Only those of this type.")
@with_console
async def ls(console: Console, *, path: str, type_: str | None) -> None:
    """List the artifacts of the project PATH: [ENTITY/]PROJECT."""
    await list_target(console, Project(path.rstrip("/")), type_)


@artifact.group(short_help="Of W&B's cache: there is none.")
def cache() -> None:
    """W&B keeps copies of what it moved. Lading does not: the store has the only one."""


@cache.command(short_help="Succeeds: there is nothing to clean.")
@click.argument("target_size", metavar="TARGET_SIZE")
@click.option("--remove-temp/--no-remove-temp", default=False, help="Accepted, and does nothing: see `lading gc --uploads`.")
@with_console
async def cleanup(console: Console, *, target_size: str, remove_temp: bool) -> None:
    """Succeed for scripts that shrink W&B's cache to TARGET_SIZE (as in 10GB): there is none."""
    del target_size, remove_temp
    console.result({"reclaimed": 0}, f"Reclaimed {readable_size(0)} of space")
    console.notice("there is no cache; `lading gc` frees what no version needs, with --uploads what was never finished")
