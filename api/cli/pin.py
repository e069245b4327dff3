"""`lading pin`: names that move, nailed to versions, for a file in git; and `lading get --pinned`, which reads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import DigestMismatchError, LocalFileError
from .console import Console
from .phrases import counted
from .records import version_record
from .work import with_console

if TYPE_CHECKING:
    from ...upkeep.lockfile import Pin
    from ..artifact import Artifact
    from ..public import Api


@click.command(short_help="Print which versions names mean now, for a lock file.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@with_console
async def pin(console: Console, *, names: tuple[str, ...]) -> None:
    """Print a lock file of what each NAME ([[ENTITY/]PROJECT/]NAME[:ALIAS]) means now: `lading pin data model > lading.lock`.

    `lading get --pinned` downloads exactly these versions, wherever the aliases are by then.
    """
    import msgspec

    from ...upkeep.lockfile import encode_lock
    from ..public import Api

    api = Api()
    pins = [_pin_of(await api.artifact_async(name), name) for name in names]
    if console.as_json:
        console.results([msgspec.to_builtins(each) for each in pins], ())
    else:
        console.write(encode_lock(pins))


def _pin_of(artifact: "Artifact", name: str) -> "Pin":
    from ...manifest.names import parse_artifact_name
    from ...upkeep.lockfile import Pin

    version = artifact.logged_version("pin")
    source = version.place
    full = f"{source.entity}/{source.project}/{source.collection}"
    return Pin(full, parse_artifact_name(name).alias, f"v{source.index}", version.type, version.tree_digest)


async def get_pinned(
    console: Console, names: tuple[str, ...], lock: str, root: str | None, *, checkout: bool, rehash: bool
) -> None:
    """Download what the lock file says, and print the folders."""
    from ...upkeep.lockfile import chosen, decode_lock
    from ..public import Api

    text = _read(lock)
    api = Api()
    settings = (await api.workspace()).settings
    pins = chosen(decode_lock(text, lock), names, entity=settings.entity, project=settings.project)
    found = [await _find(api, each) for each in pins]  # all of them, before anything is fetched
    records, folders = list[dict[str, Any]](), list[str]()
    with console.watch() as watch:
        for each, artifact in zip(pins, found, strict=True):
            listener = watch.begin(f"fetching {each.name}")
            place = None if root is None else str((Path(root) / each.name.rpartition("/")[2]).absolute())
            if checkout:
                folder = await artifact.checkout_async(place, progress=listener)
            else:
                folder = await artifact.download_async(place, rehash=rehash, progress=listener)
            folders.append(folder)
            records.append(version_record(artifact) | {"path": folder, "pinned": each.alias})
    console.results(records, folders)
    console.notice(f"{counted(len(pins), 'version')} as pinned in {lock}")


def _read(lock: str) -> str:
    try:
        return Path(lock).read_text(encoding="utf-8")
    except OSError as error:
        raise LocalFileError(f"{lock}: {error.strerror}", hint=f"lading pin NAME:ALIAS > {lock}") from error


async def _find(api: "Api", wanted: "Pin") -> "Artifact":
    artifact = await api.artifact_async(wanted.qualified_name, wanted.type)
    actual = artifact.logged_version("get").tree_digest
    if actual != wanted.digest:
        raise DigestMismatchError(
            wanted.qualified_name, expected=wanted.digest, actual=actual, hint="this is not the catalogue that it was pinned in"
        )
    return artifact
