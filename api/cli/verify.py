"""`lading verify`: whether local files are what a version says."""

import click

from ...errors import VerificationError
from ..html import readable_size
from .console import Console
from .phrases import counted, printable, readable_seconds
from .watch import bytes_hashed
from .work import with_console


@click.command(short_help="Check downloaded files against a version.")
@click.argument("name")
@click.option("--root", metavar="DIR", help="The folder to check. Default: where `lading get` puts it.")
@with_console
async def verify(console: Console, *, name: str, root: str | None) -> None:
    """Read every file below the folder and compare it with the version NAME.

    Exit with 1 if a file is wrong, missing or foreign; each is named on a line.
    """
    from ..public import Api

    artifact = await Api().artifact_async(name)
    problems: tuple[str, ...] = ()
    with console.watch() as watch:
        try:
            await artifact.verify_async(root, progress=watch.begin("verifying", bytes_hashed))
        except VerificationError as error:
            problems = error.problems
    if console.as_json:
        console.result({"qualified_name": artifact.qualified_name, "ok": not problems, "problems": list(problems)}, "")
    else:
        console.write("".join(f"{printable(problem)}\n" for problem in problems))
    if problems:
        console.notice(f"{counted(len(problems), 'problem')} in {artifact.qualified_name}")
        raise click.exceptions.Exit(1)
    final = watch.latest
    held = f"{counted(final.files, 'file')}, {readable_size(final.bytes)}"
    console.notice(f"{artifact.qualified_name}: {held} are right ({readable_seconds(final.seconds)})")
