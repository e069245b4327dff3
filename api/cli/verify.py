"""`lading verify`: whether local files are what a version says, and whether a store holds what its catalogue says."""

from typing import Any

import click

from ...errors import VerificationError
from ..html import readable_size
from .console import Console
from .phrases import counted, printable, readable_seconds
from .watch import bytes_hashed
from .work import with_console


@click.command(short_help="Check downloaded files against a version, or the store itself.")
@click.argument("name", required=False)
@click.option("--root", metavar="DIR", help="The folder to check. Default: where `lading get` puts it.")
@click.option("--store", "in_store", is_flag=True, help="Check what lies in the store: of NAME, or everything.")
@click.option("--entity", metavar="ENTITY", help="With --store and without NAME: only what this entity stores.")
@click.option("--repair", is_flag=True, help="With --store: forget what is bad, so that the next log sends it again.")
@with_console
async def verify(
    console: Console, *, name: str | None, root: str | None, in_store: bool, entity: str | None, repair: bool
) -> None:
    """Read every file below the folder and compare it with the version NAME; or with --store, read every object in the store.

    Exit with 1 if something is wrong, missing or foreign; each is named on a line.
    """
    if in_store:
        if root is not None or (name is not None and entity is not None):
            raise click.UsageError("--store takes a NAME or an --entity or nothing, and no --root")
        await _verify_store(console, name, entity, repair=repair)
    elif name is None or entity is not None or repair:
        raise click.UsageError("a NAME is needed, or --store; --entity and --repair go with --store")
    else:
        await _verify_files(console, name, root)


async def _verify_files(console: Console, name: str, root: str | None) -> None:
    from ..public import Api

    artifact = await Api().artifact_async(name)
    problems: tuple[str, ...] = ()
    with console.watch() as watch:
        try:
            await artifact.verify_async(root or artifact.default_root(), progress=watch.begin("verifying", bytes_hashed))
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


async def _verify_store(console: Console, name: str | None, entity: str | None, *, repair: bool) -> None:
    from ...transfer.progress import Meter
    from ...upkeep.soundness import repair as repaired
    from ...upkeep.soundness import subjects
    from ..keeping import keeper_of
    from ..public import Api
    from ..storecheck import StoreCheck, subjects_of

    api = Api()
    workspace = await api.workspace()
    keeper = keeper_of(workspace, console.notice)
    await keeper.check_owner()
    if name is None:
        chosen = subjects(keeper, entity)
    else:
        chosen = subjects_of(workspace, (await api.artifact_async(name)).logged_version("verify"))
    with console.watch() as watch:
        meter = Meter(watch.begin("verifying", bytes_hashed))
        bad = await StoreCheck(workspace.engine, meter).check(chosen)
        final = meter.finish()
    if repair and bad:
        await repaired(keeper, bad)
    if console.as_json:
        problems: list[dict[str, Any]] = [{"key": each.subject.key, "problem": each.problem} for each in bad]
        record = {
            "ok": not bad,
            "objects": final.files,
            "bytes": final.bytes,
            "repaired": repair and bool(bad),
            "problems": problems,
        }
        console.result(record, "")
    else:
        console.write("".join(f"{each.subject.key} {printable(each.problem)}\n" for each in bad))
    if not bad:
        held = f"{counted(final.files, 'object')}, {readable_size(final.bytes)}"
        console.notice(f"{workspace.store.url}: {held} are right ({readable_seconds(final.seconds)})")
        return
    done = "forgotten: the next log of a good copy sends them again" if repair else "--repair lets the next log send them again"
    console.notice(f"{len(bad)} of {counted(final.files, 'object')} bad; {done}")
    raise click.exceptions.Exit(1)
